"""`zoo train` goes on exactly where it was interrupted, inside an epoch too."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path

import keras
import tensorflow as tf

from zoo.errors import UserError
from zoo.scaling import heartbeat, state, workers

_SHARE = 0.01  # of the time, at most, goes into saving


class Resumable(keras.callbacks.Callback):
    """Keeps all that `fit` needs to go on, after each epoch and every so many seconds, in one file.

    That is the variables of model and optimizer, the layers' random generators and, inside an epoch, the metrics, so
    that what is logged of the epoch is that of the whole of it. Several workers save before the same step: the chief's
    clock says how many steps ahead that is, each time all have come to the step that was named before.

    Args:
        trainer: What is fitted.
        optimizers: Its optimizers by name, "optimizer" among them.
        path: The file.
        fingerprint: JSON of what must be the same for a training to go on.
        sample: A batch (x, y), with which the variables are made.
        strategy: Whose workers save.
        save_every: Seconds; 0 saves before every step.
        record_divergence: Whether a training that diverges ends with its history; otherwise it raises.

    Attributes:
        history: A row for each epoch.
        diverged: Whether it ended since a loss was no finite number.
    """

    def __init__(
        self,
        trainer: keras.Model,
        optimizers: Mapping[str, keras.optimizers.Optimizer],
        path: Path,
        fingerprint: str,
        sample: tuple,
        strategy: tf.distribute.Strategy,
        save_every: float,
        record_divergence: bool = False,
    ):
        super().__init__()
        if not trainer.built:
            trainer(sample[0])
        for optimizer in optimizers.values():
            if not optimizer.built:
                optimizer.build(trainer.trainable_variables)
        self.optimizers, self.record_divergence = dict(optimizers), record_divergence
        self.diverged = False
        self.variables = [*trainer.variables, *(each for one in optimizers.values() for each in one.variables)]
        self.path, self.fingerprint, self.sample = path, fingerprint, sample
        self.strategy, self.save_every = strategy, save_every
        self.history: list[dict] = []
        self.found: state.State | None = None  # what the first epoch goes on from, where it is one within
        self.done, self.seconds = 0, 0.0  # steps of this epoch, and the time they took, before the interruption
        self.cost = 0.0  # seconds that saving took
        self.saved = self.asked = time.monotonic()
        self.begun, self.wait = 0, 1  # steps since the chief was asked, and to be waited for until it is asked again

    def restore(self) -> tuple[int, int]:
        """Takes the state up from the file; returns the epoch to begin with, and the step within."""
        found = state.State(self.path)
        theirs = json.loads(found.about["fingerprint"])
        ours = json.loads(self.fingerprint)
        if changed := [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]:
            raise UserError(
                f"{self.path}: this training was begun with another {', '.join(changed)}; "
                "resume it with the same options and data"
            )
        found.assign("variables", self.variables)
        self.history, self.done, self.seconds = (found.about[key] for key in ("history", "step", "seconds"))
        self.diverged = found.about.get("diverged", False)
        if self.done:
            self.found = found
        for number in (len(self.history), self.done):
            if not workers.agreed(self.strategy, number):
                raise UserError(f"{self.path}: the workers find different states there; it must be one shared folder")
        return len(self.history), self.done

    def on_epoch_begin(self, epoch: int, logs=None):
        """Starts the epoch's clock; of an epoch that had begun, passes over the steps that are done."""
        self.started = time.monotonic() - self.seconds
        self.seconds = 0.0
        if self.found is None:
            return
        own_step = type(self.model).train_step is not keras.Model.train_step
        if not own_step:  # otherwise, and with replicas, the metrics have their variables
            self.model.test_on_batch(*self.sample)
        self.model.reset_metrics()
        self.found.assign("metrics", self.model.metrics_variables)
        self.found = None
        train = self.model.train_function

        def pass_over(iterator):
            self.done -= 1
            if not self.done:
                self.model.train_function = train
            return {}

        self.model.train_function = pass_over

    def on_train_batch_begin(self, batch: int, logs=None):
        """Saves, where it is time to. (At the end of a batch Keras would wait for the loss, each time.)"""
        heartbeat.beat(heartbeat.PROGRESS)
        if self.done:
            return
        self.begun += 1
        if self.begun <= self.wait:
            return
        self.wait = workers.of_chief(self.strategy, self._steps_ahead())
        if not self.wait:
            if batch:
                if self._finite():
                    self._save(batch)
                elif not self.record_divergence:
                    raise self._divergence()
            self.wait = 0 if self.save_every == 0 else 1
        self.asked, self.begun = time.monotonic(), 0

    def _steps_ahead(self) -> int:
        """In how many steps it may be time to save; 0: now."""
        now = time.monotonic()
        left = max(self.save_every, self.cost / _SHARE if self.save_every else 0) - (now - self.saved)
        each = (now - self.asked) / max(1, self.begun - 1)
        return 0 if left <= each / 2 else max(1, min(int(left / max(each, 1e-9)), 2**20))

    def on_test_batch_begin(self, batch: int, logs=None):
        """Tells the launcher that it goes on."""
        heartbeat.beat(heartbeat.PROGRESS)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]):
        """Saves, with the epoch's row of the history."""
        logs = {key: float(value) for key, value in logs.items() if key != "learning_rate"}
        self.diverged = not all(map(math.isfinite, logs.values()))
        if self.diverged and not self.record_divergence:
            raise self._divergence()
        rates = {
            "learning_rate" if name == "optimizer" else f"learning_rate_{name}": float(each.learning_rate)
            for name, each in self.optimizers.items()
        }
        seconds = round(time.monotonic() - self.started, 2)
        self.history.append({"epoch": epoch + 1, **rates, **logs, "seconds": seconds})
        self.model.stop_training = self.model.stop_training or self.diverged
        self._save(0)

    def _finite(self) -> bool:
        """True if the losses of the epoch so far are finite numbers."""
        losses = [metric for metric in self.model.metrics if type(metric) is keras.metrics.Mean]
        values = [float(loss.result()) for loss in losses]  # all workers read all of them
        return all(map(math.isfinite, values))

    def _divergence(self) -> UserError:
        return UserError(
            f"the training diverged in epoch {len(self.history) + 1}; begin it with a smaller --learning-rate"
        )

    def _save(self, step: int) -> None:
        """Writes the state as it is before a step of the epoch after those of the history."""
        begin = time.monotonic()
        variables = {"variables": self.variables, "metrics": self.model.metrics_variables if step else []}
        about = {"fingerprint": self.fingerprint, "history": self.history, "step": step, "diverged": self.diverged}
        try:
            state.save(self.path, variables, {**about, "seconds": begin - self.started if step else 0.0}, self.strategy)
        except OSError as error:
            kept = "what was saved before is kept" if self.path.is_file() else "nothing is kept"
            raise UserError(f"cannot write {self.path}: {error.strerror or error}; {kept}") from error
        self.saved = time.monotonic()
        self.cost = self.saved - begin

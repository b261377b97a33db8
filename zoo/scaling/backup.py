"""A person's own `model.fit`, interrupted and started again, goes on after its last whole epoch."""

from __future__ import annotations

import os
from pathlib import Path

import keras

from zoo.errors import UserError
from zoo.scaling import heartbeat, keras_patches, state, workers


class Backup(keras.callbacks.Callback):
    """Keeps the training in a file after each epoch; the same program, run again, goes on from there.

    In place of `keras.callbacks.BackupAndRestore`, which fails among several workers, and whose file can be found
    half written. Kept are the variables of the model, its layers' random generators and the optimizer, not the state of
    other callbacks. The end is the same as without the interruption where the batches of an epoch do not depend on how
    many epochs this process has seen: a `tf.data.Dataset` that is the same each time, or arrays with `shuffle=False`.

    Args:
        path: The file; of several workers the same for all, on a file system that they share.
        delete_checkpoint: Whether to delete the file when `fit` has come to its end, so that the next one begins anew.

    Raises:
        UserError: By `fit`: the file is not of this model, cannot be written, or is not the same for all workers.

    Example:
        with zoo.scaling.strategy().scope():
            model = ...
        model.fit(data, epochs=20, callbacks=[zoo.scaling.Backup("run/backup.h5")])
    """

    def __init__(self, path: str | os.PathLike, delete_checkpoint: bool = True):
        super().__init__()
        self.path, self.delete_checkpoint = Path(path), delete_checkpoint

    def on_train_begin(self, logs=None):
        """Takes the state up, where there is one."""
        if not self.model.built:
            raise UserError("Backup: the model has no variables yet; begin it with keras.Input, or build it")
        self.strategy = self.model.distribute_strategy
        self.model.optimizer.build(self.model.trainable_variables)
        found = state.State(self.path) if self.path.is_file() else None
        epoch = found.about["epoch"] if found else 0
        if not workers.agreed(self.strategy, epoch):
            raise UserError(f"{self.path}: the workers find different states there; it must be one shared file")
        if found:
            for kind, variables in self._variables().items():
                found.assign(kind, variables)
            keras_patches.begin_at(self.model, epoch)

    def _variables(self) -> dict:
        return {"model": self.model.variables, "optimizer": self.model.optimizer.variables}

    def on_epoch_begin(self, epoch: int, logs=None):
        """From here on `fit` counts by itself."""
        keras_patches.begin_at(self.model, None)

    def on_train_batch_begin(self, batch: int, logs=None):
        """Tells the launcher that it goes on."""
        heartbeat.beat(heartbeat.PROGRESS)

    def on_test_batch_begin(self, batch: int, logs=None):
        """Tells the launcher that it goes on."""
        heartbeat.beat(heartbeat.PROGRESS)

    def on_epoch_end(self, epoch: int, logs=None):
        """Writes the state; of several workers each takes part, and the chief writes."""
        try:
            state.save(self.path, self._variables(), {"epoch": epoch + 1}, self.strategy)
        except OSError as error:
            raise UserError(f"cannot write {self.path}: {error.strerror or error}") from error

    def on_train_end(self, logs=None):
        """Deletes the file, once no worker needs it any more."""
        keras_patches.begin_at(self.model, None)
        heartbeat.beat(heartbeat.UNWATCHED)
        workers.met(self.strategy)
        if self.delete_checkpoint and workers.is_chief(self.strategy):
            self.path.unlink(missing_ok=True)

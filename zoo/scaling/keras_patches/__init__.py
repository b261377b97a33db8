"""Patches of Keras 3.15.1's trainer under a `tf.distribute` strategy: its private names stand here.

`install` replaces, for a model that was made under a strategy (others never come here, or see no difference):

- `TensorFlowTrainer._maybe_symbolic_build`, which adds the replicas' inputs up to learn their shapes: it fails for
  several workers (keras#20585), for strings, and for parts of different sizes; it begins a data set that is shuffled
  anew once more than one device would;
- `reduce_per_replica`, which reduces scalar logs over an axis they have not: it fails for several workers (the same);
- `TFEpochIterator`: sources in memory, and files that are fewer than the workers, are sharded by element; what Python
  made is copied; strings that would go into a replica are refused; so is a batch size that the replicas do not divide;
  a smaller batch that they cannot share is warned of when it comes (`epochs`);
- `TensorFlowTrainer._make_function`: XLA compiles each replica's passes, not all replicas' step (`jit`);
- `reduce_weighted_values`: a mean is that over what counts of all replicas (`means`);
- `predict_on_batch`, which gives each row once a replica;
- `Trainer.compile`: `steps_per_execution` becomes 1, since several steps in one call fail for lack of a placeholder;
  optimizers that cannot do what they are asked for are refused or warned of;
- `Model.save`, `save_weights` and the callbacks of `fit` that write: of several workers, the chief writes (`files`).

`tests/zoo/scaling/test_canary.py` tells when Keras has changed one of them.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator

import keras
import tensorflow as tf

from zoo.errors import UserError
from zoo.scaling.keras_patches import epochs, files, jit, loss_reduction, warn_once

_state = {"installed": False}


def install() -> None:
    """Repairs Keras's trainer in this process; a second call does nothing.

    Raises:
        UserError: Keras runs on another backend, which no `tf.distribute` strategy reaches.
    """
    if keras.backend.backend() != "tensorflow":
        raise UserError(
            f"strategies need Keras's TensorFlow backend, this process has {keras.backend.backend()!r}: "
            "set KERAS_BACKEND=tensorflow before Keras is imported"
        )
    if _state["installed"]:
        return
    from keras.src.backend.tensorflow import trainer
    from keras.src.losses import loss
    from keras.src.trainers.trainer import Trainer

    loss.reduce_weighted_values = loss_reduction.reducing(loss.reduce_weighted_values)
    trainer.TensorFlowTrainer._maybe_symbolic_build = epochs.symbolic_build
    trainer.reduce_per_replica = _reducing(trainer.reduce_per_replica)
    trainer.TFEpochIterator = epochs.epoch_iterator(trainer.TFEpochIterator)
    trainer.TensorFlowTrainer._make_function = _making(trainer.TensorFlowTrainer._make_function)
    trainer.TensorFlowTrainer.predict_on_batch = _predicting(trainer.TensorFlowTrainer.predict_on_batch)
    trainer.TensorFlowTrainer.fit = files.fitting(trainer.TensorFlowTrainer.fit)
    keras.Model.save = files.saving(keras.Model.save)
    keras.Model.save_weights = files.saving(keras.Model.save_weights)
    Trainer.compile = _compiling(Trainer.compile)
    _state["installed"] = True


def replaced() -> dict[str, object]:
    """The functions that `install` replaces, by name, as Keras has them; for the canary."""
    from keras.src.backend.tensorflow import trainer
    from keras.src.losses import loss
    from keras.src.trainers.trainer import Trainer

    return {
        "reduce_weighted_values": loss.reduce_weighted_values,
        "apply_mask": loss.apply_mask,
        "_maybe_symbolic_build": trainer.TensorFlowTrainer._maybe_symbolic_build,
        "reduce_per_replica": trainer.reduce_per_replica,
        "TFEpochIterator.__init__": trainer.TFEpochIterator.__init__,
        "_make_function": trainer.TensorFlowTrainer._make_function,
        "make_predict_function": trainer.TensorFlowTrainer.make_predict_function,
        "train_step": trainer.TensorFlowTrainer.train_step,
        "test_step": trainer.TensorFlowTrainer.test_step,
        "predict_on_batch": trainer.TensorFlowTrainer.predict_on_batch,
        "fit": trainer.TensorFlowTrainer.fit,
        "save": keras.Model.save,
        "save_weights": keras.Model.save_weights,
        "StatelessScope": keras.StatelessScope,
        "compile": Trainer.compile,
    }


# ---- what stands in the places of Keras's own ------------------------------------------------------------------------


def _reducing(original):
    @functools.wraps(original)
    def reduce_per_replica(values, strategy, reduction):
        if several_workers(strategy) and reduction in ("auto", "mean"):
            return tf.nest.map_structure(lambda value: strategy.reduce("MEAN", value, axis=None), values)
        return original(values, strategy, reduction)

    return reduce_per_replica


def _predicting(original):
    @functools.wraps(original)
    def predict_on_batch(self, x):
        answers = original(self, x)
        if self.distribute_strategy.num_replicas_in_sync == 1:
            return answers
        rows = len(tf.nest.flatten(x)[0])  # each replica has answered all of them
        return tf.nest.map_structure(lambda answer: answer[:rows], answers)

    return predict_on_batch


def _compiling(original):
    @functools.wraps(original)
    def compile(self, *args, **kwargs):
        original(self, *args, **kwargs)
        strategy = getattr(self, "_distribute_strategy", None)
        if strategy is None:
            return
        if self.steps_per_execution > 1:
            warn_once.once(
                f"steps_per_execution={self.steps_per_execution} becomes 1: under a strategy Keras can do no other"
            )
            self.steps_per_execution = 1
        if self.optimizer is not None and strategy.num_replicas_in_sync > 1:
            _check_optimizer(self.optimizer)

    return compile


def _check_optimizer(optimizer) -> None:
    """Refuses what ends in an error, warns of what goes on and is something else."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if getattr(optimizer.variables[0].value, "_distribute_strategy", None) is None:
        raise UserError(
            "this optimizer was made outside the strategy: call compile within `with strategy.scope():` too"
        )
    if not type(optimizer).__module__.startswith("keras."):
        return
    name = type(optimizer).__name__
    if optimizer.gradient_accumulation_steps:
        raise UserError(f"keras.optimizers.{name} cannot accumulate on several replicas: take one of `optimizers`")
    if optimizer.clipnorm or optimizer.clipvalue or optimizer.global_clipnorm:
        warn_once.once(
            f"keras.optimizers.{name} clips each replica's part of a gradient, one device would clip the whole, as "
            "those of `optimizers` do: take one of them"
        )


def _making(original):
    @functools.wraps(original)
    def _make_function(self, step_function):
        if not jit.asked(self):
            return original(self, step_function)
        self._jit_compile = False  # of the step of all replicas together
        try:
            return original(self, jit.step(self, step_function))
        finally:
            self._jit_compile = True

    return _make_function


# ---- other private names ---------------------------------------------------------------------------------------------


def several_workers(strategy) -> bool:
    """True if a strategy spans several processes."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy) and strategy.extended._in_multi_worker_mode()


def flat_layers(model: keras.Model) -> list:
    """All layers of a model, those inside others too."""
    return list(model._flatten_layers())


def begin_at(model: keras.Model, epoch: int | None) -> None:
    """From within `on_train_begin`: the epoch with which `fit` begins; None leaves it to its own argument."""
    model._initial_epoch = epoch


def loss_tracker(model: keras.Model) -> keras.metrics.Mean:
    """The metric that shows a compiled model's loss."""
    return model._loss_tracker


@contextlib.contextmanager
def local_cpus(count: int) -> Iterator[None]:
    """Within the block, a worker without GPUs takes `count` logical devices of its CPU; TensorFlow would take one."""
    from tensorflow.python.distribute.collective_all_reduce_strategy import CollectiveAllReduceExtended

    original = CollectiveAllReduceExtended._initialize_local_devices
    if count > 1:

        def of_cpu(self, cluster_resolver, worker_device):
            return tuple(f"{worker_device}/device:CPU:{number}" for number in range(count)), "CPU"

        CollectiveAllReduceExtended._initialize_local_devices = of_cpu
    try:
        yield
    finally:
        CollectiveAllReduceExtended._initialize_local_devices = original

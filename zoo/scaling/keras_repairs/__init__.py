"""What Keras 3.15.1's trainer gets wrong under a `tf.distribute` strategy, put right: every private name stands here.

`install` replaces, for a model that was made under a strategy (others never come here, or see no difference):

- `TensorFlowTrainer._maybe_symbolic_build`, which adds the replicas' inputs up to learn their shapes: it fails for
  several workers (keras#20585), for strings, and for parts of different sizes;
- `reduce_per_replica`, which reduces scalar logs over an axis they have not: it fails for several workers (the same);
- `TFEpochIterator`: sources in memory are sharded by element, never by file; strings that would go into a replica are
  refused; so is a batch size that the replicas do not divide, and one smaller last batch of an epoch is warned of;
- `Trainer.compile`: `steps_per_execution` becomes 1, since several steps in one call fail for lack of a placeholder.

`tests/zoo/scaling/test_canary.py` tells when Keras has changed one of them.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator

import keras
import tensorflow as tf

from zoo.errors import UserError
from zoo.scaling.keras_repairs import epochs, jit, means, saying

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

    loss.reduce_weighted_values = means.reducing(loss.reduce_weighted_values)
    trainer.TensorFlowTrainer._maybe_symbolic_build = epochs.symbolic_build
    trainer.reduce_per_replica = _reducing(trainer.reduce_per_replica)
    trainer.TFEpochIterator = epochs.epoch_iterator(trainer.TFEpochIterator)
    trainer.TensorFlowTrainer._make_function = _making(trainer.TensorFlowTrainer._make_function)
    Trainer.compile = _compiling(Trainer.compile)
    _state["installed"] = True


def replaced() -> dict[str, object]:
    """What `install` replaces, by name, as Keras has it; for the canary."""
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


def _compiling(original):
    @functools.wraps(original)
    def compile(self, *args, **kwargs):
        original(self, *args, **kwargs)
        if getattr(self, "_distribute_strategy", None) is not None and self.steps_per_execution > 1:
            saying.once(
                f"steps_per_execution={self.steps_per_execution} becomes 1: under a strategy Keras can do no other"
            )
            self.steps_per_execution = 1

    return compile


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
    """Whether a strategy spans several processes."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy) and strategy.extended._in_multi_worker_mode()


def flat_layers(model: keras.Model) -> list:
    """All layers of a model, those inside others too."""
    return list(model._flatten_layers())


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

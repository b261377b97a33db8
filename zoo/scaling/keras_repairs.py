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
import warnings
from collections.abc import Iterator

import keras
import tensorflow as tf

from zoo.errors import UserError
from zoo.scaling.batches import check_batch

_state = {"installed": False}
_warned: set[str] = set()


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
    from keras.src.trainers.trainer import Trainer

    trainer.TensorFlowTrainer._maybe_symbolic_build = _symbolic_build
    trainer.reduce_per_replica = _reducing(trainer.reduce_per_replica)
    trainer.TFEpochIterator = _epoch_iterator(trainer.TFEpochIterator)
    Trainer.compile = _compiling(Trainer.compile)
    _state["installed"] = True


def replaced() -> dict[str, object]:
    """What `install` replaces, by name, as Keras has it; for the canary."""
    from keras.src.backend.tensorflow import trainer
    from keras.src.trainers.trainer import Trainer

    return {
        "_maybe_symbolic_build": trainer.TensorFlowTrainer._maybe_symbolic_build,
        "reduce_per_replica": trainer.reduce_per_replica,
        "TFEpochIterator.__init__": trainer.TFEpochIterator.__init__,
        "_make_function": trainer.TensorFlowTrainer._make_function,
        "compile": Trainer.compile,
    }


# ---- what stands in the places of Keras's own ------------------------------------------------------------------------


def _symbolic_build(self, iterator=None, data_batch=None):
    if self._distribute_strategy is None:
        return
    stateful = [*self._flatten_layers(), self._compile_metrics, self._compile_loss]
    if iterator is not None and not all(part.built for part in stateful if part is not None):
        iterator.reset()  # an earlier evaluation may have come to its end
        for _, _, batches in iterator:
            # Any part tells the shapes: what is built depends on no axis of rows.
            data_batch = tf.nest.map_structure(_first_part, next(batches))
            break
    with self.distribute_strategy.scope():
        self._symbolic_build(data_batch=data_batch)


def _first_part(value):
    return value.values[0] if isinstance(value, tf.distribute.DistributedValues) else value


def _reducing(original):
    @functools.wraps(original)
    def reduce_per_replica(values, strategy, reduction):
        if several_workers(strategy) and reduction in ("auto", "mean"):
            return tf.nest.map_structure(lambda value: strategy.reduce("MEAN", value, axis=None), values)
        return original(values, strategy, reduction)

    return reduce_per_replica


def _epoch_iterator(original):
    from keras.src.trainers.epoch_iterator import EpochIterator

    class TFEpochIterator(original):
        def __init__(self, distribute_strategy=None, *args, **kwargs):
            EpochIterator.__init__(self, *args, **kwargs)
            dataset = self.data_adapter.get_tf_dataset()
            replicas = distribute_strategy.num_replicas_in_sync
            if not isinstance(dataset, tf.distribute.DistributedDataset):
                if replicas > 1:
                    _refuse_strings(dataset)
                    if "class_weight" in kwargs:  # `fit`: to predict or to evaluate, parts may be of any size
                        _check_rows(self.data_adapter, dataset, replicas)
                if not isinstance(kwargs.get("x"), tf.data.Dataset):
                    dataset = dataset.with_options(_by_element())
                dataset = distribute_strategy.experimental_distribute_dataset(dataset)
            self._distribute_strategy = distribute_strategy
            self._distributed_dataset = dataset

    return TFEpochIterator


def _by_element() -> tf.data.Options:
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return options


def _compiling(original):
    @functools.wraps(original)
    def compile(self, *args, **kwargs):
        original(self, *args, **kwargs)
        if getattr(self, "_distribute_strategy", None) is not None and self.steps_per_execution > 1:
            _warn(f"steps_per_execution={self.steps_per_execution} becomes 1: under a strategy Keras can do no other")
            self.steps_per_execution = 1

    return compile


def _refuse_strings(dataset) -> None:
    spec = dataset.element_spec
    inputs = spec[0] if isinstance(spec, tuple) else spec
    if any(part.dtype == tf.string for part in tf.nest.flatten(inputs, expand_composites=True)):
        raise UserError(
            "strings cannot go into a model under a strategy: no device but the CPU holds them, and none adds them up; "
            "make them numbers in the data set, dataset.map(lambda text, y: (vectorization(text), y))"
        )


def _check_rows(adapter, dataset, replicas: int) -> None:
    batch, rows = adapter.batch_size, adapter.partial_batch_size
    if isinstance(dataset, tf.data.Dataset) and adapter.has_partial_batch is None:
        batch, rows = _last_rows(dataset)
    if batch:
        check_batch(batch, replicas)
    if rows and rows % replicas:
        _warn(
            f"the last batch of an epoch has {rows} examples, which {replicas} replicas cannot share evenly: each "
            "counts a little more or less than on one device; drop them (drop_remainder=True), or use `zoo train`"
        )


def _last_rows(dataset) -> tuple[int | None, int | None]:
    """The batch size, and the rows of a smaller last batch; None where a data set does not tell."""
    while dataset is not None and not hasattr(dataset, "_drop_remainder"):
        if type(dataset).__name__.removeprefix("_") not in _ELEMENT_BY_ELEMENT:
            return None, None
        dataset = dataset._input_dataset
    if dataset is None:
        return None, None
    batch, rows = tf.get_static_value(dataset._batch_size), int(dataset._input_dataset.cardinality())
    if batch is None:
        return None, None
    dropped = tf.get_static_value(dataset._drop_remainder)
    return int(batch), rows % int(batch) if rows > 0 and not dropped else None


_ELEMENT_BY_ELEMENT = {"PrefetchDataset", "OptionsDataset", "MapDataset", "ParallelMapDataset", "CacheDataset"}


def _warn(message: str) -> None:
    """Each sentence once a process."""
    if message not in _warned:
        _warned.add(message)
        warnings.warn(message, stacklevel=3)


# ---- other private names ---------------------------------------------------------------------------------------------


def several_workers(strategy) -> bool:
    """Whether a strategy spans several processes."""
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

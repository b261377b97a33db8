"""Input of the replicas in an epoch: its shapes, learned without beginning the data; refusals; one warning."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from zoo.errors import UserError
from zoo.scaling.global_batch import check_batch
from zoo.scaling.keras_patches import warn_once


def symbolic_build(self, iterator=None, data_batch=None):
    """In the place of `TensorFlowTrainer._maybe_symbolic_build`."""
    if self._distribute_strategy is None:
        return
    stateful = [*self._flatten_layers(), self._compile_metrics, self._compile_loss]
    if iterator is not None and not all(part.built for part in stateful if part is not None):
        data_batch = _declared(iterator)
        if data_batch is None:
            iterator.reset()  # an earlier evaluation may have come to its end
            for _, _, batches in iterator:
                # Any part tells the shapes: what is built depends on no axis of rows.
                data_batch = tf.nest.map_structure(_first_part, next(batches))
                break
    with self.distribute_strategy.scope():
        self._symbolic_build(data_batch=data_batch)


def _first_part(value):
    return value.values[0] if isinstance(value, tf.distribute.DistributedValues) else value


def _declared(iterator):
    """The shapes of a batch as the data set declares them, or None where it leaves one open but that of the rows.

    To begin a data set in order to look costs an epoch of its order: one that is shuffled anew would go on with the
    order of the second epoch.
    """
    spec = getattr(iterator, "declared", None)
    if spec is None or not all(map(_is_told, tf.nest.flatten(spec))):
        return None
    return tf.nest.map_structure(_of_two_rows, spec)


def _is_told(spec) -> bool:
    if isinstance(spec, tf.OptionalSpec):  # None, as Keras's adapters pack it
        return True
    return isinstance(spec, tf.TensorSpec) and bool(spec.shape.rank) and spec.shape[1:].is_fully_defined()


def _of_two_rows(spec):
    if isinstance(spec, tf.OptionalSpec):
        return None
    return tf.TensorSpec([spec.shape[0] or 2, *spec.shape[1:]], spec.dtype)


def epoch_iterator(original):
    """In the place of `TFEpochIterator`."""
    from keras.src.trainers.epoch_iterator import EpochIterator

    class TFEpochIterator(original):
        def __init__(self, distribute_strategy=None, *args, **kwargs):
            EpochIterator.__init__(self, *args, **kwargs)
            dataset = self.data_adapter.get_tf_dataset()
            self._replicas = distribute_strategy.num_replicas_in_sync
            self._uneven: list[int] = []  # rows of batches that the replicas could not share
            if not isinstance(dataset, tf.distribute.DistributedDataset):
                self.declared = dataset.element_spec
                if self._replicas > 1:
                    _refuse_strings(dataset)
                    if _from_python(dataset):
                        dataset = dataset.map(_copied)
                    if "class_weight" in kwargs:  # `fit`: to predict or to evaluate, parts may be of any size
                        _check_batch(self.data_adapter, dataset, self._replicas)
                        dataset = _watched(dataset, self._replicas, self._uneven)
                if not isinstance(kwargs.get("x"), tf.data.Dataset) or _too_few_files(dataset, distribute_strategy):
                    dataset = dataset.with_options(_by_element())
                dataset = distribute_strategy.experimental_distribute_dataset(dataset)
            self._distribute_strategy = distribute_strategy
            self._distributed_dataset = dataset

        @contextlib.contextmanager
        def catch_stop_iteration(self):
            with super().catch_stop_iteration():
                yield
            if self._uneven:
                warn_once.once(
                    f"a batch of {self._uneven[0]} examples came, which {self._replicas} replicas cannot share evenly: "
                    "each counts a little more or less than on one device; if it is the last of an epoch, drop it "
                    "(drop_remainder=True), or use `zoo train`"
                )

    return TFEpochIterator


def _by_element() -> tf.data.Options:
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return options


def _too_few_files(dataset, strategy) -> bool:
    """True if TensorFlow would deal out a data set's files, of which there are fewer than workers: then it fails."""
    asked = dataset.options().experimental_distribute.auto_shard_policy
    if (
        not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        or asked != tf.data.experimental.AutoShardPolicy.AUTO
    ):
        return False
    count = strategy.num_replicas_in_sync // len(strategy.extended.worker_devices)  # workers
    files = min(_files(dataset), default=count)
    if files < count:
        warn_once.once(
            f"{count} workers cannot share {files} file{'s' if files > 1 else ''}: each reads all there is and learns "
            "from examples of its own; where there are as many files as workers, or more, each reads its own"
        )
    return files < count


def _files(dataset) -> Iterator[int]:
    """Of each source of strings that a data set begins with, names of files perhaps, how many there are."""
    inputs = dataset._inputs()
    if not inputs and isinstance(names := getattr(dataset, "_filenames", None), tf.data.Dataset):
        inputs = [names]
    for each in inputs:
        yield from _files(each)
    if not inputs and any(part.dtype == tf.string for part in tf.nest.flatten(dataset.element_spec, True)):
        if (count := int(dataset.cardinality())) > 0:
            yield count


def _refuse_strings(dataset) -> None:
    spec = dataset.element_spec
    inputs = spec[0] if isinstance(spec, tuple) else spec
    if any(part.dtype == tf.string for part in tf.nest.flatten(inputs, expand_composites=True)):
        raise UserError(
            "strings cannot go into a model under a strategy: no device but the CPU holds them, and none adds them up; "
            "make them numbers in the data set, dataset.map(lambda text, y: (vectorization(text), y))"
        )


def _from_python(dataset) -> bool:
    """True if Python makes some of the data: a generator, a `PyDataset`, `tf.numpy_function`."""
    for function in dataset._functions():
        graph = function.function.graph.as_graph_def()
        nodes = [*graph.node, *(node for each in graph.library.function for node in each.node_def)]
        if any("PyFunc" in node.op for node in nodes):
            return True
    return any(map(_from_python, dataset._inputs()))


def _copied(*batch):
    """The same batch in memory of its own.

    TensorFlow takes a part of an array that Python made for its own, and computes in place: the loss of a replica would
    overwrite the labels of the person whose generator it is.
    """
    batch = tf.nest.map_structure(_copy, batch)
    return batch if len(batch) > 1 else batch[0]


def _copy(value):
    if isinstance(value, tf.RaggedTensor):
        return value.with_flat_values(_copy(value.flat_values))
    return tf.raw_ops.DeepCopy(x=value) if isinstance(value, tf.Tensor) and value.dtype != tf.variant else value


def _check_batch(adapter, dataset, replicas: int) -> None:
    """Refuses a batch size, where it is known before the data are read, that the replicas do not divide."""
    from tensorflow.python.data.experimental.ops import distribute

    batch = adapter.batch_size or int(distribute.compute_batch_size(dataset))
    if batch > 0:  # -1: TensorFlow cannot tell
        check_batch(batch, replicas)


def _watched(dataset: tf.data.Dataset, replicas: int, uneven: list[int]) -> tf.data.Dataset:
    """The same data set, which notes the rows of batches that the replicas do not divide.

    It looks where the data come in, whatever the chain before is; the step itself costs no more.
    """
    place = next((n for n, spec in enumerate(tf.nest.flatten(dataset.element_spec)) if _has_rows(spec)), None)
    if place is None:
        return dataset
    rows = tf.nest.flatten(dataset.element_spec)[place].shape[0]
    if rows is not None and rows % replicas == 0:
        return dataset

    def note(rows):
        uneven.append(int(rows))
        return np.int32(0)

    def look(*batch):
        rows = tf.shape(tf.nest.flatten(batch)[place])[0]
        tf.cond(rows % replicas > 0, lambda: tf.numpy_function(note, [rows], tf.int32), lambda: 0)
        return batch if len(batch) > 1 else batch[0]

    return dataset.map(look)


def _has_rows(spec) -> bool:
    return isinstance(spec, tf.TensorSpec) and bool(spec.shape.rank)

"""Batches of examples as a task makes them: pixels of the model's size, word numbers, targets of any kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from zoo.data.batching import memory
from zoo.data.batching.augmentation import Augmentation
from zoo.data.batching.base import Batches, Distribute, local
from zoo.errors import UserError


class ExampleBatches(Batches):
    """Examples made into tensors by their task.

    Args:
        task: Its `record` reads examples, its `examples` makes (x, y) or (x, y, weights) of them. Where it has a
            `padding`, x is filled with that behind its own end, and is stored and batched without.
        examples: Raw examples with their targets.
        batch_size: Examples per batch; the last batch of an epoch may be smaller.
        augment: Keras's random image layers, which change the batches of a training.
        keep: Largest share of the memory that they may take; above it they are read in each epoch anew.
        distribute: As of `Batches`.

    Attributes:
        problem: The error by which reading an example failed; TensorFlow reports it as one of its own.
    """

    def __init__(
        self,
        task,
        examples,
        batch_size: int,
        augment: Sequence = (),
        keep: float = memory.KEEP,
        distribute: Distribute = local,
    ):
        self.task, self.examples = task, examples
        self.problem: Exception | None = None
        self.padding = task.padding
        self.varying = self.padding is not None
        self.augmentation = Augmentation(augment, task.moved) if augment else None
        self._record = {}
        if len(examples):
            first = task.record(examples, np.zeros(1, np.int32))
            self._record = {name: _specification(array) for name, array in first.items()}
        super().__init__(len(examples), batch_size, keep, distribute)

    def read(self, rows: tf.Tensor, key: tf.Tensor | None):
        """Examples as tensors, in the order (x, y) or (x, y, weights); x ragged where the task pads it."""
        names = list(self._record)

        def record(numbers: np.ndarray) -> list[np.ndarray]:
            try:
                found = self.task.record(self.examples, numbers)
            except (UserError, OSError) as error:
                self.problem = error
                raise
            return [found[name] for name in names]

        arrays = tf.numpy_function(record, [rows], [self._record[name].dtype for name in names], stateful=False)
        for name, array in zip(names, arrays, strict=True):
            array.set_shape(self._record[name].shape)
        made = tuple(part for part in self.task.examples(dict(zip(names, arrays, strict=True))) if part is not None)
        if self.padding is None:
            return made
        x = tf.nest.map_structure(lambda each: tf.RaggedTensor.from_tensor(each, padding=self.padding), made[0])
        return (x, *made[1:])

    def lengths(self, store) -> tf.Tensor | None:
        """Lengths of x, or of its longest part."""
        if self.padding is None:
            return None
        return tf.reduce_max([each.row_lengths() for each in tf.nest.flatten(store[0])], axis=0)

    def finish(self, store, rows: tf.Tensor, whole: tf.Tensor) -> tuple:
        """(x, y) or (x, y, weights) of these rows; x padded as all of a batch."""

        def gathered(each):
            if not isinstance(each, tf.RaggedTensor):
                return tf.gather(each, rows)
            longest = tf.reduce_max(tf.gather(each.row_lengths(), whole))
            return tf.gather(each, rows).to_tensor(self.padding, shape=tf.stack([-1, longest]))

        return tf.nest.map_structure(gathered, store)

    def changed(self, batch: tuple, places: tf.Tensor, count: tf.Tensor, key: tf.Tensor) -> tuple:
        """The batch after the augmentation, where there is one."""
        return batch if self.augmentation is None else self.augmentation(batch, places, count, key)


def _specification(array: np.ndarray) -> tf.TensorSpec:
    """Type and shape of a batch of such rows."""
    dtype = tf.string if array.dtype == object else tf.as_dtype(array.dtype)
    return tf.TensorSpec([None, *array.shape[1:]], dtype)

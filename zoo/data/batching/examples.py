"""Examples -> batches for `model.fit`, in an order that depends on the seed and the epoch only.

An interrupted training that starts again at an epoch therefore sees what it would have seen.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from zoo.data.examples import Examples

# How much each row of a global batch counts `[B]` -> the parts of it that are made here: a data set of (places int32
# `[b]` in the batch, weights `[b, ...]` of these rows).
Parts = Callable[[tf.Tensor], tf.data.Dataset]


def local(make: Callable[[int], np.ndarray], count: int) -> list[np.ndarray]:
    """Makes all of `count` arrays here."""
    return [make(number) for number in range(count)]


class Batches:
    """Examples made into tensors once and kept in memory.

    Images are kept as uint8 pixels of the model's size, texts as word numbers without their padding.

    Args:
        task: Whose `raw` and `examples` make the tensors.
        examples: Labelled raw examples.
        batch_size: Examples per batch; the last batch of an epoch may be smaller.
        distribute: Computes a number of arrays, possibly on several workers, and returns them all; see
            `zoo.scaling.workers.distribute`.
    """

    def __init__(self, task, examples: Examples, batch_size: int, distribute: Callable = local):
        self.batch_size = batch_size
        self.size = len(examples)
        prepare = tf.function(lambda raw: task.examples({"raw": raw, "label": None})[0], input_signature=[_STRINGS])

        def chunk(number: int) -> np.ndarray:
            raw = [task.raw(item) for item in examples.raw[number * _CHUNK : (number + 1) * _CHUNK]]
            return prepare(tf.constant(raw, tf.string)).numpy()

        parts = distribute(chunk, -(-self.size // _CHUNK))
        if parts[0].dtype == np.int32:
            # Word numbers: cut the padding off, so that a batch is padded to its own longest text.
            parts = [tf.RaggedTensor.from_tensor(part, padding=0) for part in parts]
        self.x = tf.concat(parts, axis=0)
        self.lengths = self.x.row_lengths() if isinstance(self.x, tf.RaggedTensor) else None
        self.y = tf.constant(examples.labels)

    @property
    def steps(self) -> int:
        """Batches per epoch."""
        return -(-self.size // self.batch_size)

    def training(
        self, seed: int, first_epoch: int, epochs: int, parts: Parts | None = None, first_step: int = 0
    ) -> tf.data.Dataset:
        """Batches (x, y) of the epochs `first_epoch` ... `epochs - 1`, one after the other, each shuffled anew.

        Texts of like length share a batch, so that little of it is padding: the shuffled texts are sorted by length
        within pools of 32 batches, and then the batches are shuffled.

        Args:
            seed: With an epoch's number it chooses the order.
            first_epoch: From 0.
            epochs: Where to end.
            parts: Of each batch only these parts are made, (x, y, weights); texts are padded as in the whole batch.
            first_step: Batches of the first epoch to leave out.
        """

        def epoch(number: tf.Tensor) -> tf.data.Dataset:
            key = tf.stack([tf.cast(seed, tf.int64), number])
            order = tf.random.experimental.stateless_shuffle(tf.range(self.size), key)
            starts = tf.range(0, self.size, self.batch_size)
            if self.lengths is not None:
                pool = tf.range(self.size, dtype=tf.int64) // (32 * self.batch_size)
                longest = tf.reduce_max(self.lengths) + 1
                order = tf.gather(order, tf.argsort(pool * longest + tf.gather(self.lengths, order), stable=True))
                starts = tf.random.experimental.stateless_shuffle(starts, key)
            starts = starts[tf.where(number == first_epoch, first_step, 0) :]
            return tf.data.Dataset.from_tensor_slices(starts).map(lambda start: order[start : start + self.batch_size])

        return self._made(tf.data.Dataset.range(first_epoch, epochs).flat_map(epoch), parts)

    def in_order(self, parts: Parts | None = None) -> tf.data.Dataset:
        """All batches (x, y) once, in the order of the examples; with `parts` as in `training`."""
        numbers = tf.data.Dataset.from_tensor_slices(np.arange(self.size, dtype=np.int32)).batch(self.batch_size)
        return self._made(numbers, parts)

    def _made(self, numbers: tf.data.Dataset, parts: Parts | None) -> tf.data.Dataset:
        return made(numbers, lambda rows: tf.ones(tf.shape(rows)), self._take, parts).prefetch(2)

    def _take(self, numbers: tf.Tensor, whole: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """(x, y) of these examples, padded as all of a batch."""
        x = tf.gather(self.x, numbers)
        if isinstance(x, tf.RaggedTensor):
            x = x.to_tensor(shape=tf.stack([-1, tf.reduce_max(tf.gather(self.lengths, whole))]))
        return x, tf.gather(self.y, numbers)


def made(batches: tf.data.Dataset, counted: Callable, take: Callable, parts: Parts | None) -> tf.data.Dataset:
    """Numbers of examples -> batches, or their parts; what is costly is done for the examples of a part alone.

    Args:
        batches: Of each batch the numbers of its examples, int32 `[B]`.
        counted: These numbers -> how much each row counts in the mean loss, float32 `[B]`.
        take: Numbers of examples, and those of their whole batch -> (x, y).
        parts: Which parts; None: the whole.
    """
    if parts is None:
        return batches.map(lambda whole: take(whole, whole), num_parallel_calls=2, deterministic=True)

    def of_one(whole: tf.Tensor) -> tf.data.Dataset:
        return parts(counted(whole)).map(lambda places, weights: (tf.gather(whole, places), whole, weights))

    return batches.flat_map(of_one).map(
        lambda numbers, whole, weights: (*take(numbers, whole), weights), num_parallel_calls=2, deterministic=True
    )


_CHUNK = 512
_STRINGS = tf.TensorSpec([None], tf.string)

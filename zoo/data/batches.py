"""Examples -> batches for `model.fit`, in an order that depends on the seed and the epoch only.

An interrupted training that starts again at an epoch therefore sees what it would have seen.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from zoo.data.examples import Examples


class Batches:
    """Examples made into tensors once and kept in memory.

    Images are kept as uint8 pixels of the model's size, texts as word numbers without their padding.

    Args:
        task: Whose `raw` and `examples` make the tensors.
        examples: Labelled raw examples.
        batch_size: Examples per batch; the last batch of an epoch may be smaller.
    """

    def __init__(self, task, examples: Examples, batch_size: int):
        self.batch_size = batch_size
        self.size = len(examples)
        prepare = tf.function(lambda raw: task.examples({"raw": raw, "label": None})[0], input_signature=[_STRINGS])
        parts = []
        for start in range(0, self.size, _CHUNK):
            raw = [task.raw(item) for item in examples.raw[start : start + _CHUNK]]
            parts.append(prepare(tf.constant(raw, tf.string)))
        if parts[0].dtype == tf.int32:
            # Word numbers: cut the padding off, so that a batch is padded to its own longest text.
            parts = [tf.RaggedTensor.from_tensor(part, padding=0) for part in parts]
        self.x = tf.concat(parts, axis=0)
        self.lengths = self.x.row_lengths() if isinstance(self.x, tf.RaggedTensor) else None
        self.y = tf.constant(examples.labels)

    @property
    def steps(self) -> int:
        """Batches per epoch."""
        return -(-self.size // self.batch_size)

    def training(self, seed: int, first_epoch: int, epochs: int) -> tf.data.Dataset:
        """Batches (x, y) of the epochs `first_epoch` ... `epochs - 1`, one after the other, each shuffled anew.

        Texts of like length share a batch, so that little of it is padding: the shuffled texts are sorted by length
        within pools of 32 batches, and then the batches are shuffled.
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
            return tf.data.Dataset.from_tensor_slices(starts).map(lambda start: order[start : start + self.batch_size])

        numbers = tf.data.Dataset.range(first_epoch, epochs).flat_map(epoch)
        return numbers.map(self._take, num_parallel_calls=2, deterministic=True).prefetch(2)

    def in_order(self) -> tf.data.Dataset:
        """All batches (x, y) once, in the order of the examples."""
        numbers = tf.data.Dataset.from_tensor_slices(np.arange(self.size, dtype=np.int32)).batch(self.batch_size)
        return numbers.map(self._take).prefetch(2)

    @staticmethod
    def counted(y: tf.Tensor) -> tf.Tensor:
        """y of a batch -> how much each row counts in the mean loss, `[B]`: each the same."""
        return tf.ones(tf.shape(y)[:1])

    def _take(self, numbers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        x = tf.gather(self.x, numbers)
        if isinstance(x, tf.RaggedTensor):
            x = x.to_tensor()
        return x, tf.gather(self.y, numbers)


_CHUNK = 512
_STRINGS = tf.TensorSpec([None], tf.string)

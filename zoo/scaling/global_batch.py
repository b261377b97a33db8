"""A global batch -> one part for each replica, of whatever size, such that nothing is dropped and nothing made up."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from zoo.data.batching.base import Parts
from zoo.errors import UserError


def check_batch(batch_size: int, replicas: int) -> None:
    """Refuses a global batch that the replicas cannot share evenly.

    Raises:
        UserError: With the nearest sizes that can be.
    """
    if batch_size % replicas:
        below, above = batch_size // replicas * replicas, -(-batch_size // replicas) * replicas
        near = f"{below} or {above}" if below else str(above)
        raise UserError(
            f"a batch of {batch_size} cannot be shared evenly by {replicas} replicas: take {near} (--batch-size)"
        )


def shared(make: Callable[[Parts], tf.data.Dataset], strategy: tf.distribute.Strategy):
    """Parts of batches, as `zoo.data` makes them -> the input of `Replicas`, on each replica its own part.

    Each replica gets neighbouring rows, one more or less than another where the last batch of an epoch is no multiple
    of their number. No row is padding, which batch normalization would count; where there are fewer rows than replicas,
    each replica gets all of them, and each then counts for so much less. A worker makes its own replicas' parts only.

    Args:
        make: Makes the parts of all batches (x, y, weights), the batches in the same order on all workers.
        strategy: Whose replicas share.

    Returns:
        A distributed data set of (x, y, weights), weights float32 `[b, 3]`: how much of a row of the global batch this
        row stands for; how many rows of the global batch this part stands for in the loss; the global batch's rows.
    """
    replicas = strategy.num_replicas_in_sync

    def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
        here = replicas // context.num_input_pipelines
        first = here * context.input_pipeline_id

        def parts(counts: tf.Tensor) -> tf.data.Dataset:
            rows = tf.size(counts)
            copies = tf.where(rows < replicas, replicas, 1)
            whole = tf.cast(copies, tf.float32) * tf.reduce_sum(counts)

            def part(number: tf.Tensor):
                number = tf.cast(number, tf.int32)
                places = tf.range(number * rows * copies // replicas, (number + 1) * rows * copies // replicas) % rows
                share = tf.reduce_sum(tf.gather(counts, places)) / whole
                row = tf.stack([1 / tf.cast(copies, tf.float32), share * tf.cast(rows, tf.float32)])
                row = tf.concat([row, [tf.cast(rows, tf.float32)]], axis=0)
                return places, tf.tile(row[tf.newaxis], [tf.size(places), 1])

            return tf.data.Dataset.range(first, first + here).map(part)

        return make(parts).prefetch(2 * here)

    return strategy.distribute_datasets_from_function(of_worker)

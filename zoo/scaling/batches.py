"""A global batch -> one part for each replica, of whatever size, such that nothing is dropped and nothing made up."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

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


def shared(dataset: tf.data.Dataset, counted: Callable, strategy: tf.distribute.Strategy):
    """Batches (x, y) for one device -> what `Replicas` learns from, on each replica its own part.

    Each replica gets neighbouring rows, one more or less than another where the last batch of an epoch is no multiple
    of their number. No row is padding, which batch normalization would count; where there are fewer rows than replicas,
    each replica gets all of them, and each then counts for so much less.

    Args:
        dataset: Global batches, the same on all workers in the same order.
        counted: y of a batch -> how much each row counts in the mean that the loss is, float32 `[B]`.
        strategy: Whose replicas share.

    Returns:
        A distributed data set of (x, y, weights), weights float32 `[b, 3]`: how much of a row of the global batch this
        row stands for; how many rows of the global batch this part stands for in the loss; the global batch's rows.
    """
    replicas = strategy.num_replicas_in_sync

    def parts(context: tf.distribute.InputContext) -> tf.data.Dataset:
        here = replicas // context.num_input_pipelines
        first = here * context.input_pipeline_id

        def of_one_batch(x, y) -> tf.data.Dataset:
            rows = tf.shape(y)[0]
            copies = tf.where(rows < replicas, replicas, 1)
            counts = counted(y)
            whole = tf.cast(copies, tf.float32) * tf.reduce_sum(counts)

            def part(number: tf.Tensor):
                number = tf.cast(number, tf.int32)
                chosen = tf.range(number * rows * copies // replicas, (number + 1) * rows * copies // replicas) % rows
                share = tf.reduce_sum(tf.gather(counts, chosen)) / whole
                row = tf.stack([1 / tf.cast(copies, tf.float32), share * tf.cast(rows, tf.float32)])
                row = tf.concat([row, [tf.cast(rows, tf.float32)]], axis=0)
                of_mine = tf.nest.map_structure(lambda value: tf.gather(value, chosen), (x, y))
                return *of_mine, tf.tile(row[tf.newaxis], [tf.size(chosen), 1])

            return tf.data.Dataset.range(first, first + here).map(part)

        return dataset.flat_map(of_one_batch).prefetch(2 * here)

    return strategy.distribute_datasets_from_function(parts)

"""Base of all batches: the order, the parts for replicas, and what is kept in memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from zoo.data.batching import memory, order

# Weights of the rows of a global batch `[B]` -> the parts of it that are made here: a data set of (places int32
# `[b]` in the batch, weights `[b, ...]` of these rows).
Parts = Callable[[tf.Tensor], tf.data.Dataset]
# (Number of a list of arrays -> the list, how many lists) -> all lists, possibly made by several workers.
Distribute = Callable[[Callable[[int], list[np.ndarray]], int], list[list[np.ndarray]]]


def local(make: Callable[[int], list[np.ndarray]], count: int) -> list[list[np.ndarray]]:
    """Makes all of `count` lists of arrays here."""
    return [make(number) for number in range(count)]


class Batches:
    """Batches of examples for `model.fit`, in an order that depends on the seed and the epoch only.

    What an example becomes is read once and kept in memory, where that takes at most a share of it, or read again in
    each epoch, inside the input pipeline. The batches are the same ones.

    A subclass says how rows are read (`read`, `lengths`) and become a batch (`finish`, `counted`).

    Args:
        size: Number of examples.
        batch_size: Examples per batch; the last batch of an epoch may be smaller.
        keep: Largest share of the memory that kept rows may take, in [0, 1].
        distribute: Computes lists of arrays, possibly on several workers, and returns them all; see
            `zoo.scaling.workers.distribute`.
    """

    chunk = 512  # examples that are read at a time where all are kept
    varying = False  # whether examples differ in length
    drawn = False  # whether they are read otherwise in each epoch, so that nothing can be kept

    def __init__(self, size: int, batch_size: int, keep: float = memory.KEEP, distribute: Distribute = local):
        self.size, self.batch_size = size, batch_size
        self.kept = None if self.drawn or not size else self._read_all(keep, distribute)
        lengths = None if self.kept is None else self.lengths(self.kept)
        self._lengths = None if lengths is None else np.asarray(lengths)

    # To be said by a subclass.

    def read(self, rows: tf.Tensor, key: tf.Tensor | None):
        """Reads examples.

        Args:
            rows: Their numbers, int32 `[P]`.
            key: Seed, epoch and pool, int64 `[3]`, for what is drawn anew; None: as they are.

        Returns:
            A nest of tensors, dense or ragged, with the examples as first axis.
        """
        raise NotImplementedError

    def lengths(self, store) -> tf.Tensor | None:
        """The lengths `[P]` of what `read` gave; None where all have the same."""
        return None

    def finish(self, store, rows: tf.Tensor, whole: tf.Tensor) -> tuple:
        """A batch, or a part of it.

        Args:
            store: What `read` gave.
            rows: Which of its rows, int32 `[b]`.
            whole: The rows of the whole batch, as long as which this part is padded, int32 `[B]`.

        Returns:
            (x, y), or (x, y, weights).
        """
        raise NotImplementedError

    def counted(self, store, whole: tf.Tensor) -> tf.Tensor:
        """The weight of each row of a batch in the mean loss, float32 `[B]`."""
        return tf.ones(tf.shape(whole))

    def changed(self, batch: tuple, places: tf.Tensor, count: tf.Tensor, key: tf.Tensor) -> tuple:
        """The rows at some places of a training batch, as they are augmented; see `zoo.data.batching.augmentation`.

        Args:
            batch: What `finish` gave for them.
            places: Their places in the whole batch, int32 `[b]`.
            count: Rows of the whole batch.
            key: Seed, epoch and the batch's number in the epoch, int64 `[3]`.
        """
        return batch

    # The same for all.

    @property
    def steps(self) -> int:
        """Batches per epoch."""
        return -(-self.size // self.batch_size)

    def training(
        self, seed: int, first_epoch: int, epochs: int, parts: Parts | None = None, first_step: int = 0
    ) -> tf.data.Dataset:
        """Batches (x, y) of the epochs `first_epoch` ... `epochs - 1`, one after the other, each shuffled anew.

        Args:
            seed: With an epoch's number it chooses the order, and what is drawn.
            first_epoch: From 0.
            epochs: Where to end.
            parts: Of each batch only these parts are made, (x, y, weights); texts are padded as in the whole batch.
            first_step: Batches of the first epoch to leave out.
        """
        in_pools = self.kept is None and (self.varying or self.drawn)
        epoch = self._pools if in_pools else self._epoch

        def of(number: tf.Tensor) -> tf.data.Dataset:
            return epoch(seed, number, tf.where(number == first_epoch, first_step, 0), parts)

        batches = tf.data.Dataset.range(first_epoch, epochs).flat_map(of)
        if not in_pools:
            batches = self._made(batches, self.kept, parts, training=True, parallel=2)
        if parts is None and not first_step:  # a resumed `fit` counts the steps that it leaves out
            count = self.steps * (epochs - first_epoch)
            batches = batches.apply(tf.data.experimental.assert_cardinality(count))
        return batches.prefetch(4)

    def in_order(self, parts: Parts | None = None) -> tf.data.Dataset:
        """All batches (x, y) once, in the order of the examples; with `parts` as in `training`."""
        numbers = tf.data.Dataset.from_tensor_slices(np.arange(self.size, dtype=np.int32)).batch(self.batch_size)
        numbers = numbers.map(lambda rows: (rows, tf.zeros(3, tf.int64)))
        return self._made(numbers, self.kept, parts, training=False, parallel=2).prefetch(4)

    def _epoch(self, seed: int, epoch: tf.Tensor, first: tf.Tensor, parts: Parts | None) -> tf.data.Dataset:
        """(numbers of examples, key) of each batch of an epoch."""

        def drawn(number: int) -> tuple[np.ndarray, np.ndarray]:
            return order.of_epoch(self.size, self.batch_size, seed, int(number), self._lengths)

        rows, starts = _arrays(drawn, [epoch], 2)
        steps = tf.data.Dataset.range(tf.cast(first, tf.int64), self.steps)
        return steps.map(
            lambda step: (rows[starts[step] : starts[step] + self.batch_size], tf.stack([np.int64(seed), epoch, step]))
        )

    def _pools(self, seed: int, epoch: tf.Tensor, first: tf.Tensor, parts: Parts | None) -> tf.data.Dataset:
        """The batches of an epoch, read pool by pool."""
        (rows,) = _arrays(lambda number: [order.permutation(self.size, seed, int(number))], [epoch], 1)
        bounds = order.pools(self.steps)
        begins, first = tf.constant(bounds[:-1], tf.int64), tf.cast(first, tf.int64)

        def arranged(lengths: np.ndarray, number: int, pool: int) -> tuple[np.ndarray, np.ndarray]:
            return order.of_pool(lengths, self.batch_size, seed, int(number), int(pool))

        def read(pool: tf.Tensor) -> tuple:
            begin, end = (tf.gather(tf.constant(bounds, tf.int64), pool + more) * self.batch_size for more in (0, 1))
            store = self.read(rows[begin:end], tf.stack([np.int64(seed), epoch, pool]))
            return pool, store, *_arrays(arranged, [self.lengths(store), epoch, pool], 2)

        def batches(pool: tf.Tensor, store, places: tf.Tensor, starts: tf.Tensor) -> tf.data.Dataset:
            begin = begins[pool]
            steps = tf.data.Dataset.range(tf.maximum(first - begin, 0), tf.size(starts, tf.int64))
            numbers = steps.map(
                lambda step: (
                    places[starts[step] : starts[step] + self.batch_size],
                    tf.stack([np.int64(seed), epoch, begin + step]),
                )
            )
            return self._made(numbers, store, parts, training=True, parallel=None)

        started = tf.searchsorted(begins, first[tf.newaxis], side="right", out_type=tf.int64)[0] - 1
        pools = tf.data.Dataset.range(started, len(bounds) - 1)
        return pools.map(read).prefetch(1).flat_map(batches)

    def _made(
        self, numbers: tf.data.Dataset, store, parts: Parts | None, training: bool, parallel: int | None
    ) -> tf.data.Dataset:
        """Batches, or their parts; what is costly is done for the examples of a part alone.

        Args:
            numbers: Of each batch the rows of its examples in `store`, int32 `[B]`, and its key.
            store: What `read` gave for all of them; None: they are read now.
            parts: Which parts; None: the whole.
            training: Whether the batches are augmented.
            parallel: How many are made at a time.
        """

        def batch(held, own: tf.Tensor, places: tf.Tensor, key: tf.Tensor) -> tuple:
            rows, count = tf.gather(own, places), tf.size(own)
            if held is None:
                held = self.read(rows, None)
                rows = own = tf.range(tf.size(rows))
            made = self.finish(held, rows, own)
            return self.changed(made, places, count, key) if training else made

        def read(whole: tf.Tensor) -> tuple:
            """A store, and the rows of the batch in it. Rows that differ in length are read for the whole batch."""
            if store is None and self.varying:
                return self.read(whole, None), tf.range(tf.size(whole))
            return store, whole

        def whole_batch(whole: tf.Tensor, key: tf.Tensor) -> tuple:
            return batch(*read(whole), tf.range(tf.size(whole)), key)

        def read_parts(whole: tf.Tensor, key: tf.Tensor) -> tf.data.Dataset:
            held, own = read(whole)
            return parts(self.counted(held, own)).map(lambda places, weights: (*batch(held, own, places, key), weights))

        def named_parts(whole: tf.Tensor, key: tf.Tensor) -> tf.data.Dataset:
            return parts(self.counted(store, whole)).map(lambda places, weights: (whole, places, key, weights))

        calls = {} if parallel is None else {"num_parallel_calls": parallel, "deterministic": True}
        if parts is None:
            return numbers.map(whole_batch, **calls)
        if store is None and self.varying:
            return numbers.flat_map(read_parts)
        return numbers.flat_map(named_parts).map(
            lambda whole, places, key, weights: (*batch(store, whole, places, key), weights),
            **calls,
        )

    def _read_all(self, keep: float, distribute: Distribute):
        """All rows, made into one store in chunks; None where they are not to be kept."""
        count = -(-self.size // self.chunk)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int32)])
        def read(rows):
            return self.read(rows, None)

        def chunk(number: int) -> list[np.ndarray]:
            rows = np.arange(number * self.chunk, min((number + 1) * self.chunk, self.size), dtype=np.int32)
            return [each.numpy() for each in tf.nest.flatten(read(tf.constant(rows)), expand_composites=True)]

        # All workers go by the first one's memory, since they make the arrays together.
        (first, (room,)) = distribute(lambda number: [np.array(keep * memory.available())] if number else chunk(0), 2)
        size = sum(array.nbytes for array in first) / min(self.chunk, self.size) * self.size
        if size > room:
            return None
        found = [first, *distribute(lambda number: chunk(number + 1), count - 1)]
        structure = read.get_concrete_function().structured_outputs
        parts = [
            tf.nest.pack_sequence_as(structure, list(map(tf.constant, each)), expand_composites=True) for each in found
        ]
        return tf.nest.map_structure(lambda *each: tf.concat(each, axis=0), *parts) if len(parts) > 1 else parts[0]


def _arrays(make: Callable, given: list, count: int) -> list[tf.Tensor]:
    """int32 vectors that NumPy makes."""
    arrays = tf.numpy_function(make, given, [tf.int32] * count, stateful=False)
    for array in arrays:
        array.set_shape([None])
    return arrays

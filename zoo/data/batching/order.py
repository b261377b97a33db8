"""The order in which an epoch takes its examples, from its seed and number only.

All examples are permuted and cut into pools. Within a pool those of like length share a batch, so that little of it is
padding, and then the pool's batches are permuted. A pool needs nothing to be known of the others: what is not kept in
memory is made pool by pool, in the same order.
"""

from __future__ import annotations

import itertools

import numpy as np

POOL = 32  # batches, about


def permutation(size: int, seed: int, epoch: int) -> np.ndarray:
    """All examples of an epoch in the order in which they are cut into pools, int32 `[size]`."""
    return np.random.default_rng((seed, epoch)).permutation(size).astype(np.int32)


def pools(steps: int) -> np.ndarray:
    """The batches at which the pools of an epoch begin, and the end; of as many batches each, or one more."""
    count = max(1, round(steps / POOL))
    return np.linspace(0, steps, count + 1).astype(np.int64)


def of_pool(lengths: np.ndarray, batch_size: int, seed: int, epoch: int, pool: int) -> tuple[np.ndarray, np.ndarray]:
    """The order within one pool.

    Args:
        lengths: Of its examples, `[P]`.
        batch_size: Examples per batch.
        seed: With the next two it chooses the order of the batches.
        epoch: Number of the epoch.
        pool: Number of the pool within the epoch.

    Returns:
        Places in the pool, int32 `[P]`, and at which of these each batch begins, int32 `[batches]`.
    """
    starts = np.arange(0, len(lengths), batch_size, dtype=np.int32)
    generator = np.random.default_rng((seed, epoch, pool))
    return np.argsort(lengths, kind="stable").astype(np.int32), generator.permutation(starts)


def of_epoch(
    size: int, batch_size: int, seed: int, epoch: int, lengths: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """The order of a whole epoch, the one that its pools have one after the other.

    Args:
        size: Number of examples.
        batch_size: Examples per batch.
        seed: With the epoch's number it chooses the order.
        epoch: Number of the epoch.
        lengths: Of all examples, `[size]`; None: all have the same, and nothing is sorted.

    Returns:
        Numbers of examples, int32 `[size]`, and at which of these each batch begins, int32 `[batches]`.
    """
    order = permutation(size, seed, epoch)
    if lengths is None:
        return order, np.arange(0, size, batch_size, dtype=np.int32)
    orders, starts = [], []
    bounds = pools(-(-size // batch_size)) * batch_size
    for pool, (first, end) in enumerate(itertools.pairwise(bounds.tolist())):
        rows = order[first:end]
        places, begins = of_pool(lengths[rows], batch_size, seed, epoch, pool)
        orders.append(rows[places])
        starts.append(begins + np.int32(first))
    return np.concatenate(orders), np.concatenate(starts)

"""What the loops of greedy, sampled and beam search share."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from zoo.decoding.options import Search
from zoo.layers.sequence import PADDING, START, SequenceModel

NEVER = -1e9  # the log-probability of what must not be written: finite, so that no difference of two is NaN
POSSIBLE = NEVER / 2  # sums above this one are of real hypotheses


def size(x: tf.Tensor, axis: int) -> int | tf.Tensor:
    """An axis's length: a number where the graph knows it."""
    return tf.shape(x)[axis] if x.shape[axis] is None else x.shape[axis]


def begin(
    model: SequenceModel, inputs: Mapping[str, tf.Tensor], options: Search, copies: int, shared: bool = False
) -> tuple:
    """The cache before the first step, each row `copies` times in a row, and the number of the inputs' rows.

    With `shared` the memory keeps one row for all copies.
    """
    batch = size(tf.convert_to_tensor(tf.nest.flatten(inputs)[0]), 0)
    cache = tf.nest.map_structure(tf.convert_to_tensor, model.start(model.encode(inputs), options.max_length))
    if copies > 1:  # the encoder ran once for each row
        for part in ("state",) if shared else ("memory", "state"):
            cache[part] = tf.nest.map_structure(lambda x: tf.repeat(x, copies, axis=0), cache[part])
    return cache, batch


def allowed(log_probabilities: tf.Tensor) -> tf.Tensor:
    """[R, V] -> the same, without PADDING and START, which are never written."""
    floor = np.zeros(log_probabilities.shape[-1], np.float32)
    floor[[PADDING, START]] = 2 * NEVER
    return tf.maximum(tf.cast(log_probabilities, tf.float32), NEVER) + floor


def repeat(steps: int, stopped: Callable, body: Callable, variables: dict) -> dict:
    """Runs `body` until `stopped` or `steps` times.

    Args:
        steps: The most.
        stopped: variables -> bool scalar.
        body: (index, variables) -> variables, of the same structure and shapes.
        variables: Tensors, nested.
    """

    def same_shapes(index, now):
        made = body(index, now)
        shaped = [tf.ensure_shape(new, old.shape) for new, old in zip(*map(tf.nest.flatten, (made, now)), strict=True)]
        return index + 1, tf.nest.pack_sequence_as(now, shaped)

    _, variables = tf.while_loop(
        lambda index, now: tf.logical_and(index < steps, tf.logical_not(stopped(now))),
        same_shapes,
        (tf.constant(0), variables),
    )
    return variables


def put(tokens: tf.Tensor, index: tf.Tensor, token: tf.Tensor) -> tf.Tensor:
    """[..., L] with `token` [...] at the index."""
    return tf.where(tf.range(tokens.shape[-1]) == index, token[..., tf.newaxis], tokens)

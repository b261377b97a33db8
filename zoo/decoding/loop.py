"""Parts of the loops that greedy, sampled and beam search share."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from zoo.layers.sequence import PADDING, START, SequenceModel

NEVER = -1e9  # the log-probability of what must not be written: finite, so that no difference of two is NaN
POSSIBLE = NEVER / 2  # sums above this one are of real hypotheses
FIRST_ROOM = 32  # tokens; most sentences are shorter


def size(x: tf.Tensor, axis: int) -> int | tf.Tensor:
    """An axis's length: a number where the graph knows it."""
    return tf.shape(x)[axis] if x.shape[axis] is None else x.shape[axis]


class Cache:
    """A model's cache, each row `copies` times in a row, with little room at first and more where more is written.

    Every step reads a whole state, and a beam search rewrites it: room that nobody needs is what costs most. It grows
    where all shapes are known, in the graphs that XLA compiles; each room is a loop of its own there.

    Args:
        model: A `SequenceModel`.
        inputs: What its `encode` takes.
        steps: How many tokens there must be room for in the end.
        copies: Hypotheses of a row.
        shared: Whether the memory keeps one row for all copies.

    Attributes:
        batch: The number of the inputs' rows.
        memory: What the model's `start` made of them.
        first: The state and index before the first step.
        rooms: Tokens that there is room for in one loop after the other; the last is `steps`.
    """

    def __init__(
        self, model: SequenceModel, inputs: Mapping[str, tf.Tensor], steps: int, copies: int, shared: bool = False
    ):
        self.batch = size(tf.convert_to_tensor(tf.nest.flatten(inputs)[0]), 0)
        self._copies = copies
        encoded = model.encode(inputs)  # once for each row, whatever the copies

        def start(room: int) -> dict:
            return tf.nest.map_structure(tf.convert_to_tensor, model.start(encoded, room))

        cache = start(steps)
        self.memory = cache["memory"] if shared else self._copied(cache["memory"])
        self._blank = self._copied(cache["state"])  # as it is before the first step, with all room
        self.rooms = [steps]
        if steps >= 3 * FIRST_ROOM // 2 and isinstance(self.batch, int):
            small = self._copied(start(FIRST_ROOM)["state"])
            if self._axes(small):
                self.rooms = _rooms(steps)
        state = small if len(self.rooms) > 1 else self._blank
        self.first = {"state": state, "index": cache["index"]}

    def grown(self, state, room: int):
        """A state with more room: what is written, and after it what stands there before the first step."""
        axes = iter(self._axes(state))

        def grow(old, blank):
            if (axis := next(axes)) is None:
                return old
            begin, end = [0] * old.shape.rank, blank.shape.as_list()
            begin[axis], end[axis] = old.shape[axis], room - old.shape[axis]
            return tf.concat([old, tf.slice(blank, begin, end)], axis)

        return tf.nest.map_structure(grow, state, self._blank)

    def _axes(self, state) -> list:
        """For each of a state's tensors the axis of the tokens, None where it has none; [] where nothing can grow."""
        axes = []
        for some, blank in zip(tf.nest.flatten(state), tf.nest.flatten(self._blank), strict=True):
            if not blank.shape.is_fully_defined():
                return []
            differ = [axis for axis in range(blank.shape.rank) if some.shape[axis] != blank.shape[axis]]
            if len(differ) > 1:
                return []
            axes.append(differ[0] if differ else None)
        return axes if any(axis is not None for axis in axes) else []

    def _copied(self, tree):
        if self._copies == 1:
            return tree
        return tf.nest.map_structure(lambda x: tf.repeat(x, self._copies, axis=0), tree)


def _rooms(steps: int) -> list[int]:
    """FIRST_ROOM, doubled and doubled again up to `steps`; the last one at least half as much again."""
    rooms, room = [], FIRST_ROOM
    while 3 * room <= 2 * steps:
        rooms.append(room)
        room *= 2
    return [*rooms, steps]


def allowed(log_probabilities: tf.Tensor) -> tf.Tensor:
    """[R, V] -> the same, without PADDING and START, which are never written."""
    floor = np.zeros(log_probabilities.shape[-1], np.float32)
    floor[[PADDING, START]] = 2 * NEVER
    return tf.maximum(tf.cast(log_probabilities, tf.float32), NEVER) + floor


def repeat(cache: Cache, stopped: Callable, body: Callable, variables: dict) -> dict:
    """Runs `body` until `stopped`, or until the cache's last room is full.

    Args:
        cache: Whose state is among the variables, as ["cache"]["state"].
        stopped: variables -> bool scalar.
        body: (index, variables) -> variables, of the same structure and shapes.
        variables: Tensors, nested.
    """

    def same_shapes(index, now):
        made = body(index, now)
        shaped = [tf.ensure_shape(new, old.shape) for new, old in zip(*map(tf.nest.flatten, (made, now)), strict=True)]
        return index + 1, tf.nest.pack_sequence_as(now, shaped)

    index = tf.constant(0)
    for place, room in enumerate(cache.rooms):
        if place:
            state = cache.grown(variables["cache"]["state"], room)
            variables = {**variables, "cache": {**variables["cache"], "state": state}}
        index, variables = tf.while_loop(
            lambda index, now, room=room: tf.logical_and(index < room, tf.logical_not(stopped(now))),
            same_shapes,
            (index, variables),
        )
    return variables


def put(tokens: tf.Tensor, index: tf.Tensor, token: tf.Tensor) -> tf.Tensor:
    """[..., L] with `token` [...] at the index."""
    return tf.where(tf.range(tokens.shape[-1]) == index, token[..., tf.newaxis], tokens)

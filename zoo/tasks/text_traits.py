"""Traits of texts, from the numbers of their words or pieces, that tell where a text comes from."""

from __future__ import annotations

import numpy as np
from keras import ops

from zoo.layers.sequence import PADDING, UNKNOWN

_FEW = 10  # known words that are added to a text, so that one misspelt word of three is not a third
_ENOUGH = 60.0  # words whose mean vector is as certain as it will be
_SHORTEST, _LONGEST = 4, 200  # words of an excerpt


def unknown(numbers):
    """Word numbers `[B, T]`, padded with 0 -> the share of unknown ones, `[B]`, as if `_FEW` more were known."""
    count = ops.sum(ops.cast(numbers > PADDING, "float32"), axis=-1)
    return ops.sum(ops.cast(numbers == UNKNOWN, "float32"), axis=-1) / (count + _FEW)


def traits(numbers, vectors):
    """The mean vector of the words of a text, and the share of unknown ones.

    The mean of n words is n^0.5 times as certain as a word alone, and multiplied by that.

    Args:
        numbers: Word numbers int32 `[B, T]`, padded with 0.
        vectors: A vector for each word of the vocabulary, `[V, D]`.

    Returns:
        `[B, D + 1]`.
    """
    used, known = (ops.cast(numbers > least, "float32") for least in (PADDING, UNKNOWN))
    count = ops.maximum(ops.sum(known, axis=-1, keepdims=True), 1.0)  # B 1
    chosen = ops.take(ops.convert_to_tensor(vectors), numbers, axis=0)  # B T D
    mean = ops.sum(chosen * known[..., None], axis=1) / count
    missing = 1 - ops.sum(known, axis=-1) / ops.maximum(ops.sum(used, axis=-1), 1.0)
    return ops.concatenate([mean * ops.sqrt(ops.minimum(count, _ENOUGH)), missing[:, None]], axis=-1)


def excerpt(text: str, rng: np.random.Generator) -> str:
    """A run of words of a text, short ones as often as ones that are twice, four times as long."""
    words = text.split()
    length = int(np.exp(rng.uniform(np.log(_SHORTEST), np.log(_LONGEST))))
    begin = rng.integers(max(1, len(words) - length + 1))
    return " ".join(words[begin : begin + length])

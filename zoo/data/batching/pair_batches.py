"""Batches of pairs of texts, in tokens."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from zoo.data.batching import memory
from zoo.data.batching.base import Batches, Distribute, local
from zoo.data.texts.noise import Noise
from zoo.data.texts.pairs import Pairs
from zoo.layers.sequence import END, PADDING, START


class PairBatches(Batches):
    """Pairs made into token numbers; of a target with several references the first is learned.

    Args:
        tokens: The tokenizer of both sides, such as `zoo.inputs.sentencepiece.Pieces`.
        pairs: Pairs of texts.
        batch_size: Pairs per batch; the last batch of an epoch may be smaller.
        lengths: Tokens used of a source and of a target, END among them.
        sampling: Smoothness of the segmentations that are drawn anew in each epoch; None always takes the best.
        noise: Changes the texts anew in each epoch.
        keep: Largest share of the memory that the tokens may take; above it they are made in each epoch anew.
        distribute: As of `Batches`.
    """

    chunk = 2048
    varying = True

    def __init__(
        self,
        tokens,
        pairs: Pairs,
        batch_size: int,
        lengths: tuple[int, int],
        sampling: float | None = None,
        noise: Noise | None = None,
        keep: float = memory.KEEP,
        distribute: Distribute = local,
    ):
        self.tokens, self.longest, self.pairs = tokens, lengths, pairs
        self.sampling, self.noise, self.drawn = sampling, noise, bool(sampling or noise)
        super().__init__(len(pairs), batch_size, keep, distribute)

    def read(self, rows: tf.Tensor, key: tf.Tensor | None) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """Token numbers of sources and of targets, however long."""

        def numbered(rows: np.ndarray, key: np.ndarray) -> list[np.ndarray]:
            texts = [str(self.pairs.raw[row]) for row in rows], [str(self.pairs.targets[row][0]) for row in rows]
            sides = [self.tokens.numbered(side) for side in texts] if not len(key) else self._drawn(texts, key)
            return [array for side in sides for array in _flat(side)]

        key = tf.zeros(0, tf.int64) if key is None or not self.drawn else key
        arrays = tf.numpy_function(numbered, [rows, key], [tf.int32] * 4, stateful=False)
        for array in arrays:
            array.set_shape([None])
        return _ragged(*arrays[:2]), _ragged(*arrays[2:])

    def _drawn(self, texts: tuple[list[str], list[str]], key: np.ndarray) -> list[list[list[int]]]:
        """Token numbers of sources and targets as one epoch has them."""
        generator = np.random.default_rng(key.tolist())
        if self.noise:
            texts = self.noise(*texts, int(generator.integers(2**32)))
        if not self.sampling:
            return [self.tokens.numbered(side) for side in texts]
        return [self.tokens.sampled(side, self.sampling, int(generator.integers(2**32))) for side in texts]

    def lengths(self, store: tuple[tf.RaggedTensor, tf.RaggedTensor]) -> tf.Tensor:
        """Tokens of the longer side of each pair."""
        return tf.maximum(*(side.row_lengths() for side in store))

    def finish(self, store: tuple[tf.RaggedTensor, tf.RaggedTensor], rows: tf.Tensor, whole: tf.Tensor) -> tuple:
        """({"source", "target"}, y): the target begins with START, y ends with END."""
        read, write = self.longest
        source, source_length = _cut(store[0], rows, whole, read - 1)
        target, target_length = _cut(store[1], rows, whole, write - 1)
        start, end = (tf.fill([tf.size(rows), 1], token) for token in (START, END))
        padded = [
            tf.concat(parts, axis=1).to_tensor(PADDING, shape=tf.stack([-1, length + 1]))
            for parts, length in (
                ([source, end], source_length),
                ([start, target], target_length),
                ([target, end], target_length),
            )
        ]
        return {"source": padded[0], "target": padded[1]}, padded[2]

    def counted(self, store: tuple[tf.RaggedTensor, tf.RaggedTensor], whole: tf.Tensor) -> tf.Tensor:
        """As many as a target has tokens, its END among them."""
        lengths = tf.gather(store[1].row_lengths(), whole)
        return tf.cast(tf.minimum(lengths, self.longest[1] - 1) + 1, tf.float32)


def _cut(texts: tf.RaggedTensor, rows: tf.Tensor, whole: tf.Tensor, most: int) -> tuple[tf.RaggedTensor, tf.Tensor]:
    """The first tokens of these texts, and how many the longest of the whole batch has of these."""
    longest = tf.reduce_max(tf.gather(texts.row_lengths(), whole))
    return tf.gather(texts, rows)[:, :most], tf.minimum(longest, most)


def _flat(rows: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Lists of numbers -> all numbers, and how many each list has, both int32."""
    lengths = np.fromiter(map(len, rows), np.int32, len(rows))
    return np.fromiter(itertools.chain.from_iterable(rows), np.int32, lengths.sum()), lengths


def _ragged(numbers: tf.Tensor, lengths: tf.Tensor) -> tf.RaggedTensor:
    return tf.RaggedTensor.from_row_lengths(numbers, tf.cast(lengths, tf.int64))

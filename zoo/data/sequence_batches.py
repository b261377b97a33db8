"""Pairs of texts -> batches for `model.fit`, in an order that depends on the seed and the epoch only.

As in `zoo.data.batches`, pairs of like length share a batch, and an interrupted training that starts again at an epoch
sees what it would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from zoo.data.pairs import Pairs
from zoo.data.pieces import padded
from zoo.layers.sequence import END, PADDING, START

_POOL = 32  # batches that are sorted by length together
_TOKENS = tf.TensorSpec([None, None], tf.int32)


class SequenceBatches:
    """Pairs made into token numbers; of a target with several references the first is learned.

    Args:
        tokens: The tokenizer of both sides: `zoo.data.pieces.Pieces` or `zoo.data.word_sequences.WordSequences`.
        pairs: Pairs of texts.
        batch_size: Pairs per batch; the last batch of an epoch may be smaller.
        lengths: Tokens used of a source and of a target, END among them.
        sampling: Smoothness of the segmentations that are drawn anew in each epoch; None always takes the best.
    """

    def __init__(self, tokens, pairs: Pairs, batch_size: int, lengths: tuple[int, int], sampling: float | None = None):
        self.tokens, self.batch_size, self.lengths, self.sampling = tokens, batch_size, lengths, sampling
        self.texts = [str(text) for text in pairs.raw], [str(references[0]) for references in pairs.targets]
        self.size = len(pairs)
        self.best = None if sampling else [tokens.numbered(texts) for texts in self.texts]

    @property
    def steps(self) -> int:
        """Batches per epoch."""
        return -(-self.size // self.batch_size)

    def training(self, seed: int, first_epoch: int, epochs: int) -> tf.data.Dataset:
        """Batches ({"source", "target"}, y) of the epochs `first_epoch` ... `epochs - 1`, each shuffled anew."""

        def all_epochs() -> Iterator:
            for epoch in range(first_epoch, epochs):
                rng = np.random.default_rng((seed, epoch))
                sources, targets = self.best or [
                    self.tokens.sampled(texts, self.sampling, int(rng.integers(2**32))) for texts in self.texts
                ]
                order = rng.permutation(self.size)
                length = np.array([max(len(s), len(t)) for s, t in zip(sources, targets, strict=True)])
                pools = np.array_split(order, max(1, round(self.size / (_POOL * self.batch_size))))
                order = np.concatenate([pool[np.argsort(length[pool], kind="stable")] for pool in pools])
                for start in rng.permutation(np.arange(0, self.size, self.batch_size)):
                    yield self._batch(sources, targets, order[start : start + self.batch_size])

        return self._dataset(all_epochs, self.steps * (epochs - first_epoch))

    def in_order(self) -> tf.data.Dataset:
        """All batches ({"source", "target"}, y) once, in the order of the pairs, in their best segmentation."""

        def once() -> Iterator:
            sources, targets = self.best or [self.tokens.numbered(texts) for texts in self.texts]
            for start in range(0, self.size, self.batch_size):
                yield self._batch(sources, targets, range(start, min(start + self.batch_size, self.size)))

        return self._dataset(once, self.steps)

    @staticmethod
    def counted(y: tf.Tensor) -> tf.Tensor:
        """y of a batch -> how much each row counts in the mean loss, `[B]`: as many as it has tokens."""
        return tf.reduce_sum(tf.cast(y != PADDING, tf.float32), axis=1)

    def _batch(self, sources, targets, chosen) -> tuple:
        read, write = self.lengths
        source = padded([[*sources[place][: read - 1], END] for place in chosen])
        target = padded([[START, *targets[place][: write - 1]] for place in chosen])
        y = padded([[*targets[place][: write - 1], END] for place in chosen])
        return {"source": source, "target": target}, y

    def _dataset(self, generator, count: int) -> tf.data.Dataset:
        signature = ({"source": _TOKENS, "target": _TOKENS}, _TOKENS)
        batches = tf.data.Dataset.from_generator(generator, output_signature=signature)
        return batches.apply(tf.data.experimental.assert_cardinality(count)).prefetch(4)

"""Pairs of texts -> batches for `model.fit`, in an order that depends on the seed and the epoch only.

As in `zoo.data.batching.examples`, pairs of like length share a batch, and an interrupted training that starts again at
an epoch sees what it would have seen.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from zoo.data.batching.examples import Parts, local, made
from zoo.data.texts.noise import Noise
from zoo.data.texts.pairs import Pairs
from zoo.layers.sequence import END, PADDING, START

_POOL = 32  # batches that are sorted by length together
_CHUNK = 2048  # texts


class SequenceBatches:
    """Pairs made into token numbers; of a target with several references the first is learned.

    Args:
        tokens: The tokenizer of both sides, such as `zoo.inputs.sentencepiece.Pieces`.
        pairs: Pairs of texts.
        batch_size: Pairs per batch; the last batch of an epoch may be smaller.
        lengths: Tokens used of a source and of a target, END among them.
        sampling: Smoothness of the segmentations that are drawn anew in each epoch; None always takes the best.
        noise: Changes the texts anew in each epoch.
        distribute: As of `zoo.data.batching.examples.Batches`.
    """

    def __init__(
        self,
        tokens,
        pairs: Pairs,
        batch_size: int,
        lengths: tuple[int, int],
        sampling: float | None = None,
        noise: Noise | None = None,
        distribute: Callable = local,
    ):
        self.tokens, self.batch_size, self.lengths = tokens, batch_size, lengths
        self.sampling, self.noise, self.anew = sampling, noise, bool(sampling or noise)
        self.texts = [str(text) for text in pairs.raw], [str(references[0]) for references in pairs.targets]
        self.size = len(pairs)
        self._best = None if self.anew else self._numbered(distribute)

    @property
    def steps(self) -> int:
        """Batches per epoch."""
        return -(-self.size // self.batch_size)

    def training(
        self, seed: int, first_epoch: int, epochs: int, parts: Parts | None = None, first_step: int = 0
    ) -> tf.data.Dataset:
        """Batches ({"source", "target"}, y) of the epochs `first_epoch` ... `epochs - 1`, each shuffled anew.

        The arguments are those of `zoo.data.batching.examples.Batches.training`.
        """

        def drawn(epoch: int) -> list[np.ndarray]:
            """The order, the first places of the batches, and what is segmented anew: numbers and lengths."""
            rng = np.random.default_rng((seed, epoch))
            if self.anew:
                sides = [_flat(numbers) for numbers in self._drawn(rng)]
                lengths = [each for _, each in sides]
            else:
                sides, lengths = [], [side.row_lengths().numpy() for side in self.best]
            order = rng.permutation(self.size)
            length = np.maximum(*lengths)
            pools = np.array_split(order, max(1, round(self.size / (_POOL * self.batch_size))))
            order = np.concatenate([pool[np.argsort(length[pool], kind="stable")] for pool in pools])
            starts = rng.permutation(np.arange(0, self.size, self.batch_size))
            return [array.astype(np.int32) for array in (order, starts, *sum(sides, ()))]

        def epoch(number: tf.Tensor) -> tf.data.Dataset:
            arrays = tf.numpy_function(drawn, [number], [tf.int32] * (6 if self.anew else 2))
            for array in arrays:
                array.set_shape([None])
            order, starts, *drawn_anew = arrays
            sides = [_ragged(*drawn_anew[:2]), _ragged(*drawn_anew[2:])] if self.anew else self.best
            starts = starts[tf.where(number == first_epoch, first_step, 0) :]
            numbers = tf.data.Dataset.from_tensor_slices(starts)
            return self._made(numbers.map(lambda start: order[start : start + self.batch_size]), sides, parts)

        batches = tf.data.Dataset.range(first_epoch, epochs).flat_map(epoch)
        if parts is None and not first_step:
            count = self.steps * (epochs - first_epoch)
            batches = batches.apply(tf.data.experimental.assert_cardinality(count))
        return batches.prefetch(4)

    def _drawn(self, rng: np.random.Generator) -> list[list[list[int]]]:
        """An epoch's token numbers of sources and targets."""
        texts = self.noise(*self.texts, int(rng.integers(2**32))) if self.noise else self.texts
        if not self.sampling:
            return [self.tokens.numbered(side) for side in texts]
        return [self.tokens.sampled(side, self.sampling, int(rng.integers(2**32))) for side in texts]

    def in_order(self, parts: Parts | None = None) -> tf.data.Dataset:
        """All batches once, in the order of the pairs, in their best segmentation; with `parts` as in `training`."""
        numbers = tf.data.Dataset.from_tensor_slices(np.arange(self.size, dtype=np.int32)).batch(self.batch_size)
        return self._made(numbers, self.best, parts).prefetch(4)

    @property
    def best(self) -> list[tf.RaggedTensor]:
        """The best segmentations of sources and targets."""
        if self._best is None:
            self._best = self._numbered(local)
        return self._best

    def _numbered(self, distribute: Callable) -> list[tf.RaggedTensor]:
        def chunk(number: int) -> np.ndarray:
            """Sources and targets as one array: the lengths of all, and their tokens."""
            texts = [text for side in self.texts for text in side[number * _CHUNK : (number + 1) * _CHUNK]]
            tokens, lengths = _flat(self.tokens.numbered(texts))
            return np.concatenate([lengths, tokens])

        sides = [], []
        for number, array in enumerate(distribute(chunk, -(-self.size // _CHUNK))):
            count = min(_CHUNK, self.size - number * _CHUNK)
            both = tf.RaggedTensor.from_row_lengths(array[2 * count :], array[: 2 * count])
            sides[0].append(both[:count])
            sides[1].append(both[count:])
        return [tf.concat(side, axis=0) for side in sides]

    def _made(self, numbers: tf.data.Dataset, sides: list[tf.RaggedTensor], parts: Parts | None) -> tf.data.Dataset:
        sources, targets = sides
        read, write = self.lengths

        def take(chosen: tf.Tensor, whole: tf.Tensor) -> tuple:
            source, source_length = _cut(sources, chosen, whole, read - 1)
            target, target_length = _cut(targets, chosen, whole, write - 1)
            start, end = (tf.fill([tf.size(chosen), 1], token) for token in (START, END))
            padded = [
                tf.concat(rows, axis=1).to_tensor(PADDING, shape=tf.stack([-1, length + 1]))
                for rows, length in (
                    ([source, end], source_length),
                    ([start, target], target_length),
                    ([target, end], target_length),
                )
            ]
            return {"source": padded[0], "target": padded[1]}, padded[2]

        def counted(rows: tf.Tensor) -> tf.Tensor:
            """As many as a target has tokens, its END among them."""
            return tf.cast(tf.minimum(tf.gather(targets.row_lengths(), rows), write - 1) + 1, tf.float32)

        return made(numbers, counted, take, parts)


def _cut(texts: tf.RaggedTensor, chosen: tf.Tensor, whole: tf.Tensor, most: int) -> tuple[tf.RaggedTensor, tf.Tensor]:
    """The first tokens of the chosen texts, and how many the longest of the whole batch has of these."""
    longest = tf.reduce_max(tf.gather(texts.row_lengths(), whole))
    return tf.gather(texts, chosen)[:, :most], tf.minimum(longest, most)


def _flat(rows: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Lists of numbers -> all numbers, and how many each list has, both int32."""
    lengths = np.fromiter(map(len, rows), np.int32, len(rows))
    return np.fromiter(itertools.chain.from_iterable(rows), np.int32, lengths.sum()), lengths


def _ragged(numbers: tf.Tensor, lengths: tf.Tensor) -> tf.RaggedTensor:
    return tf.RaggedTensor.from_row_lengths(numbers, tf.cast(lengths, tf.int64))

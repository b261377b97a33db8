"""Decoder: `search` for arrays of any shape, compiled once for each bucket of shapes and never once for each call."""

from __future__ import annotations

import collections

import numpy as np
import tensorflow as tf

from zoo.decoding.graph import search
from zoo.decoding.options import Search
from zoo.layers.sequence import SequenceModel

# XLA takes 1.5 to 3 s for a bucket and then saves 0.05 s (one row) to 0.3 s (a beam of 32 rows) a call, with 4+4 layers
# of 256, 32 tokens and 2 cores.
# A bucket that has come this often will likely pay; one that comes less often has lost little.
CALLS_BEFORE_XLA = 16


class Decoder:
    """Decodes with one model.

    There are two roads. The plain one is traced once for each `Search` and takes every shape. The one that XLA compiles
    is several times faster at each call, and costs seconds for each bucket: a power of 2 of rows, a round number of
    source tokens, and a `Search`. A bucket's first calls take the plain road.

    Args:
        model: A `SequenceModel`; it may be trained between calls.
        jit: None: the plain road at first, the compiled one for buckets that come again and again. True: compiled from
            the first call. False: never compiled. A model that XLA cannot compile takes the plain road for good.

    Attributes:
        traces: How often Python traced the model, on either road.
        compiled: The buckets (rows, source tokens, Search) that XLA has compiled.
        refused: The first line of what XLA said to a model that it cannot compile, else None.
    """

    def __init__(self, model: SequenceModel, jit: bool | None = None):
        self.model = model
        self.traces = 0
        self.refused: str | None = None
        self._jit = jit
        self._calls: collections.Counter = collections.Counter()
        self._plain: dict[Search, tf.types.experimental.GenericFunction] = {}
        self._fast: dict[tuple, tf.types.experimental.GenericFunction] = {}

    @property
    def compiled(self) -> tuple[tuple[int, int, Search], ...]:
        return tuple(self._fast)

    def __call__(self, source: np.ndarray, options: Search, seed: int = 0, first: int = 0) -> dict[str, np.ndarray]:
        """Calls `zoo.decoding.search`, and returns arrays.

        Args:
            source: int32 [B, S], 0 = padding, at the end.
            options: How to search.
            seed: Any whole number.
            first: Which row of the whole the first of these is.
        """
        source = np.asarray(source, np.int32)
        rows, length = source.shape
        if not rows:
            shape = (0, options.n_best)
            return {
                "tokens": np.zeros((*shape, options.max_length), np.int32),
                "scores": np.zeros(shape, np.float32),
                "lengths": np.zeros(shape, np.int32),
            }
        bucket = (bucket_rows(rows), bucket_length(length), options)
        # Rows that fill up are copies: they are done when their original is.
        source = np.pad(source, ((0, 0), (0, bucket[1] - length)))
        numbers = (np.uint32(seed % 2**32), np.int32(first))
        answer = None
        if self._is_fast(bucket):
            answer = self._compiled(bucket, np.pad(source, ((0, bucket[0] - rows), (0, 0)), "edge"), *numbers)
        if answer is None:
            if options not in self._plain:
                self._plain[options] = self._function([None, None], options)
            answer = self._plain[options](source, *numbers)
        return {name: x.numpy()[:rows] for name, x in answer.items()}

    def _is_fast(self, bucket: tuple) -> bool:
        if self._jit is False or self.refused:
            return False
        self._calls[bucket] += 1
        return bool(self._jit) or self._calls[bucket] > CALLS_BEFORE_XLA

    def _compiled(self, bucket: tuple, *arguments) -> dict | None:
        known = bucket in self._fast
        if not known:
            self._fast[bucket] = self._function(bucket[:2], bucket[2], jit_compile=True)
        try:
            return self._fast[bucket](*arguments)
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
            if known:
                raise
            del self._fast[bucket]
            self.refused = str(error.message).strip().splitlines()[0]
            return None

    def _function(self, shape: list, options: Search, **arguments) -> tf.types.experimental.GenericFunction:
        def decode(source, seed, first):
            self.traces += 1
            return search(self.model, {"source": source}, options, seed, first)

        signature = [tf.TensorSpec(shape, tf.int32), tf.TensorSpec([], tf.uint32), tf.TensorSpec([], tf.int32)]
        return tf.function(decode, input_signature=signature, autograph=False, **arguments)


def bucket_rows(rows: int) -> int:
    """The power of 2 that holds them."""
    return 1 << (rows - 1).bit_length()


def bucket_length(length: int) -> int:
    """Multiples of 8 to 64, of 16 to 128, of 32 to 256 and so on: above 64, at most a quarter is padding."""
    unit = max(8, 1 << max(0, (max(length, 1) - 1).bit_length() - 3))
    return -(-max(length, 1) // unit) * unit

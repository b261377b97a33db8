"""Scaled dot-product attention with several heads, for whole sequences and step by step with a cache.

Paper: Vaswani et al. 2017, "Attention is all you need", arXiv:1706.03762, section 3.2. Queries, keys and values of
self-attention come out of one matrix product, and the keys and values of the source out of another: on a CPU that is
faster than Keras's MultiHeadAttention, and a cache needs the parts.

Shapes, B sequences, T positions that look, S that are looked at, H heads of width D / H:

    x         B T D
    source    B S D
    queries   B H T D/H
    keys      B H S D/H      values alike
    bias      B 1 T|1 S      0 where a position may look, a large negative number where not
    weights   B H T S        each row sums to 1
"""

from __future__ import annotations

import keras
from keras import ops

from zoo.layers.sublayers import inherited

NOWHERE = -1e9  # added to a score: the softmax makes it 0


class _Attention(keras.layers.Layer):
    def __init__(self, width: int, heads: int, **kwargs):
        super().__init__(**kwargs)
        if width % heads:
            raise ValueError(
                f"Expected the width to be a multiple of the heads. Received: width={width}, heads={heads}"
            )
        self.width, self.heads = width, heads
        self.out = self._dense(width, "out")

    def _dense(self, units: int, name: str) -> keras.layers.Dense:
        glorot = keras.initializers.GlorotUniform()
        part = inherited(self)
        return keras.layers.Dense(units, kernel_initializer=glorot, **part, name=name)

    def _split(self, x, parts: int) -> list:
        """[B, T, parts D] -> `parts` tensors [B, H, T, D / H]."""
        length = ops.shape(x)[1]
        split = ops.split(x, parts, axis=-1) if parts > 1 else [x]  # the gradient of a slice is slow
        split = [ops.reshape(part, (-1, length, self.heads, self.width // self.heads)) for part in split]
        return [ops.transpose(part, (0, 2, 1, 3)) for part in split]

    def _look(self, queries, keys, values, bias) -> tuple:
        """[B, T, D] of what was seen, and the weights."""
        # Scaled before the product: TensorFlow's kernel that joins product, scale and bias is eight times slower.
        queries = queries * (self.width // self.heads) ** -0.5
        scores = ops.matmul(queries, ops.transpose(keys, (0, 1, 3, 2)))  # B H T S
        # Not added: in a decoding loop of one block, TensorFlow's remapper joins product and sum into a node that
        # never runs, and the loop answers nothing.
        weights = ops.softmax(ops.where(bias < 0, NOWHERE, scores))
        seen = ops.transpose(ops.matmul(weights, values), (0, 2, 1, 3))  # B T H D/H
        return self.out(ops.reshape(seen, (-1, ops.shape(seen)[1], self.width))), weights

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "width": self.width, "heads": self.heads}


@keras.saving.register_keras_serializable("menagerie")
class SelfAttention(_Attention):
    """Each position looks at the positions of its own sequence.

    Args:
        width: D.
        heads: H, a divisor of the width.
        **kwargs: `name`, `trainable` and `dtype`, as every Keras layer takes them.
    """

    def __init__(self, width: int, heads: int, **kwargs):
        super().__init__(width, heads, **kwargs)
        self.qkv = self._dense(3 * width, "qkv")

    def build(self, shape):
        """Makes the two projections."""
        self.qkv.build(shape)
        self.out.build(shape)

    def call(self, x, bias):
        """[B, T, D] and bias -> [B, T, D]."""
        return self._look(*self._split(self.qkv(x), 3), bias)[0]

    def step(self, x, keys, values, index, bias) -> tuple:
        """One more position.

        Args:
            x: [B, 1, D].
            keys: [B, H, L, D / H], those of the positions before `index`.
            values: Likewise.
            index: int32 scalar, the position's number.
            bias: [1, 1, 1, L], which hides the positions after `index`.

        Returns:
            [B, 1, D], and keys and values with the new position's among them.
        """
        query, key, value = self._split(self.qkv(x), 3)
        keys = ops.slice_update(keys, (0, 0, index, 0), key)
        values = ops.slice_update(values, (0, 0, index, 0), value)
        return self._look(query, keys, values, bias)[0], keys, values


@keras.saving.register_keras_serializable("menagerie")
class CrossAttention(_Attention):
    """Each position looks at the positions of another sequence, the source.

    Args:
        width: D.
        heads: H, a divisor of the width.
        **kwargs: `name`, `trainable` and `dtype`, as every Keras layer takes them.
    """

    def __init__(self, width: int, heads: int, **kwargs):
        super().__init__(width, heads, **kwargs)
        self.q = self._dense(width, "q")
        self.kv = self._dense(2 * width, "kv")

    def build(self, shape):
        """Makes the three projections."""
        self.q.build(shape)
        self.kv.build(shape)
        self.out.build(shape)

    def project(self, source) -> list:
        """[B, S, D] -> its keys and values, both [B, H, S, D / H]: they are the same for every step."""
        return self._split(self.kv(source), 2)

    def call(self, x, keys, values, bias) -> tuple:
        """[B, T, D], the source's keys and values, and bias -> [B, T, D], weights [B, H, T, S]."""
        return self._look(self._split(self.q(x), 1)[0], keys, values, bias)


def padding_bias(tokens, padding: int = 0):
    """Token ids [B, S] -> bias [B, 1, 1, S] that hides the padding."""
    return ops.where(ops.equal(tokens, padding), NOWHERE, 0.0)[:, None, None, :]


def causal_bias(length: int):
    """The bias [1, 1, T, T] with which a position looks at itself and those before it."""
    places = ops.arange(length)
    return ops.where(places[None, :] > places[:, None], NOWHERE, 0.0)[None, None]


def sinusoids(positions, width: int):
    """Positions [T] -> their encodings [T, width] (Vaswani et al. 2017, section 3.5), all sines before all cosines."""
    half = (width + 1) // 2
    rates = 10_000.0 ** (-2 * ops.cast(ops.arange(half), "float32") / width)
    angles = ops.cast(positions, "float32")[:, None] * rates
    return ops.concatenate([ops.sin(angles), ops.cos(angles)[:, : width - half]], axis=-1)

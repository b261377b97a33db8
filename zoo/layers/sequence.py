"""SequenceModel: what a model offers that writes a sequence, one token after the other.

`zoo.decoding` searches with `encode`, `start` and `step`, and knows no more of a model; `call` is the training's road,
all positions at once. Both give the same numbers.

Shapes, B sequences; S tokens read, T tokens written, V tokens known:

    source         B S     int32; 0 = padding, at the end
    target         B T     int32; begins with START, what is to be written shifted by one; 0 = padding
    logits         B T V
    memory         a dict of tensors [B, ...]: what `encode` made of the source
    cache          {"memory": tensors [B, ...] that stay as they are while writing,
                    "state": tensors [B, ...] that `step` rewrites and a beam search reorders,
                    "index": int32 scalar, tokens written so far}
"""

from __future__ import annotations

import keras

PADDING, UNKNOWN, START, END = range(4)  # the first token ids of every sequence model


class SequenceModel(keras.Model):
    """A model from source tokens to target tokens."""

    vocabulary: int  # V
    # Whether `step` takes B K tokens with a memory of B rows, K tokens in a row for each: the beams of one source then
    # read it together. Otherwise it gets a memory of B K rows.
    shares_memory: bool = False

    @property
    def vectors(self):
        """The table of the source tokens' vectors, [V, D]; None where the model keeps it to itself."""
        return None

    def call(self, inputs: dict, training: bool = False):
        """{"source": [B, S], "target": [B, T]} -> logits [B, T, V] of what follows each target token."""
        raise NotImplementedError

    def encode(self, inputs: dict) -> dict:
        """{"source": [B, S]} -> memory."""
        raise NotImplementedError

    def start(self, memory: dict, max_length: int) -> dict:
        """The cache before the first step, with room for `max_length` tokens, START among them."""
        raise NotImplementedError

    def step(self, tokens, cache: dict) -> tuple:
        """The last tokens written, [B] -> log-probabilities float32 [B, V] of what follows them, and the next cache."""
        raise NotImplementedError

    def attention(self, inputs: dict):
        """{"source": [B, S], "target": [B, T]} -> where each position looked, [B, T, S]; each row sums to 1."""
        raise NotImplementedError

"""Loss and metric of models that write: cross-entropy and accuracy per token, padding left out."""

from __future__ import annotations

import keras
from keras import ops

from zoo.layers.sequence import PADDING


@keras.saving.register_keras_serializable("menagerie")
class SequenceCrossentropy(keras.losses.Loss):
    """Cross-entropy from logits against smoothed tokens (Szegedy et al. 2015, arXiv:1512.00567, section 7).

    The mean is over the tokens of the batch that are not padding, each counted once.

    Args:
        smoothing: Share of the target that is spread over all tokens, in [0, 1).
    """

    def __init__(self, smoothing: float = 0.0, name: str = "sequence_crossentropy", reduction: str = "sum", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.smoothing = smoothing

    def call(self, y_true, y_pred):
        """Tokens `[B, T]` and logits `[B, T, V]` -> each token's share of the mean, `[B, T]`."""
        y_pred = ops.cast(y_pred, "float32")
        if self.smoothing:
            size = y_pred.shape[-1]
            wanted = ops.one_hot(y_true, size, dtype="float32") * (1 - self.smoothing) + self.smoothing / size
            loss = ops.categorical_crossentropy(wanted, y_pred, from_logits=True)
        else:
            loss = ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)
        counted = ops.cast(ops.not_equal(y_true, PADDING), "float32")
        return loss * counted / ops.maximum(ops.sum(counted), 1.0)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "smoothing": self.smoothing, "dtype": self.dtype}


@keras.saving.register_keras_serializable("menagerie")
class TokenAccuracy(keras.metrics.Mean):
    """Share of tokens, padding left out, that the model thinks most likely after the right ones before them."""

    def __init__(self, name: str = "accuracy", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Tokens `[B, T]` and logits `[B, T, V]`; weights `[B]` say how much each row counts."""
        right = ops.equal(y_true, ops.cast(ops.argmax(y_pred, axis=-1), y_true.dtype))
        counted = ops.cast(ops.not_equal(y_true, PADDING), "float32")
        if sample_weight is not None:
            counted *= ops.cast(sample_weight, "float32")[:, None]
        super().update_state(right, sample_weight=counted)

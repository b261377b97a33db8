"""Head of every classifier: one logit for each class."""

from __future__ import annotations

import keras

from zoo.layers import arguments


def logits(x: keras.KerasTensor, classes: int) -> keras.KerasTensor:
    """A linear layer. It is called "logits" in every model, so that fine-tuning finds what to leave behind.

    Args:
        x: Features [B, C].
        classes: Number of logits.

    Returns:
        Logits [B, classes], without softmax.

    Raises:
        ValueError: `classes` is not a positive whole number.
    """
    arguments.whole(classes=classes)
    return keras.layers.Dense(classes, name="logits")(x)

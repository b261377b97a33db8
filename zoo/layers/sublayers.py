"""The arguments that a composed layer or model hands to its sublayers."""

from __future__ import annotations

import keras


def inherited(layer: keras.layers.Layer) -> dict:
    """`dtype` and `trainable` of a layer, as arguments for the layers inside it."""
    return {"dtype": layer.dtype_policy, "trainable": layer.trainable}

"""Image classification: which of the labels is the picture of?"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from zoo.data import images
from zoo.data.pixels import Pixels
from zoo.tasks.classification import ClassificationTask


class ImageClassification(ClassificationTask):
    """Encoded images -> one of the labels.

    Example:
        task = zoo.load("classify-fashion")
        task("shirt.jpg").label
    """

    name = "image-classification"
    raw_name = "image_bytes"

    def __init__(self, model: keras.Model, config: Mapping):
        super().__init__(model, config)
        self.pixels = Pixels(config["preprocess"])

    def preprocess(self, raw: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Encoded images, string `[B]` -> pixels uint8 `[B, H, W, C]`."""
        return self.pixels(raw), {}

    def outputs(self, features: tf.Tensor) -> tf.Tensor:
        """Logits `[B, K]`; with `"mirror": true` in the declaration, the mean of an image's and its mirror image's."""
        logits = super().outputs(features)
        if not self.config["preprocess"].get("mirror"):
            return logits
        return (logits + super().outputs(tf.reverse(features, axis=[2]))) / 2

    @staticmethod
    def raw(item: bytes | str | os.PathLike | np.ndarray) -> bytes:
        """The bytes of an image file, its path, or pixels uint8 `[H, W]` or `[H, W, C]` (red, green, blue)."""
        if isinstance(item, np.ndarray):
            return images.encode(item)
        return images.upright(item if isinstance(item, bytes) else Path(item).read_bytes())

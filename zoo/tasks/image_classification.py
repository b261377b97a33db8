"""Image classification: which of the labels is the picture of?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property

import keras
import tensorflow as tf

from zoo import catalog
from zoo.data.examples import some
from zoo.inputs.image import Image
from zoo.inputs.image_graph import Pixels
from zoo.tasks.classification import ClassificationTask
from zoo.tasks.confidence import TRAINING, Confidence, gaussian


class ImageClassification(ClassificationTask):
    """Encoded images -> one of the labels.

    Example:
        task = zoo.load("classify-fashion")
        task("shirt.jpg").label
    """

    name = "image-classification"
    inputs = (Image("image_bytes"),)
    numbers = ("energy", "distance")

    def __init__(self, model: keras.Model, config: Mapping):
        super().__init__(model, config)
        self.pixels = Pixels(config["preprocess"])

    def preprocess(self, raw: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Encoded images, string `[B]` -> pixels uint8 `[B, H, W, C]`."""
        return self.pixels(raw["image_bytes"]), {}

    def outputs(self, features: tf.Tensor) -> tf.Tensor:
        """Logits `[B, K]`; with `"mirror": true` in the declaration, the mean of an image's and its mirror image's."""
        return self._seen(self.model, features)

    def judged(self, features: tf.Tensor, context: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Logits `[B, K]`, and the `energy` (Liu et al. 2020, arXiv:2010.03759) and `distance` of the images."""
        if self.confidence is None:
            return self.outputs(features), {}
        logits, traits = self._seen(self._with_maps, features)
        energy = -keras.ops.logsumexp(keras.ops.cast(logits, "float32"), axis=-1)
        return logits, {"energy": energy, "distance": self.confidence.distance(traits)}

    def traits(self, features: tf.Tensor) -> tf.Tensor:
        """Pixels `[B, H, W, C]` -> the mean of each channel of the maps at stride 4, `[B, D]`.

        They tell of what an image is made of, edges and textures; deeper maps tell what it is taken for, of which a
        model is sure with foreign images as well.
        """
        return self._seen(self._with_maps, features)[1]

    def uncalibrated(self, train, foreign: Sequence | None = None) -> Confidence:
        """The distance from the training images; foreign ones are not asked for."""
        arrays = gaussian(self.all_traits(some(train, TRAINING).raw))
        return Confidence({}, arrays, {"layer": self._with_maps.name})

    def _seen(self, model: keras.Model, features: tf.Tensor):
        """A model's answer to images, or the mean of it and that to their mirror images."""
        answer = model(features, training=False)
        if not self.config["preprocess"].get("mirror"):
            return answer
        mirrored = model(keras.ops.flip(features, axis=2), training=False)
        return tf.nest.map_structure(lambda one, other: (one + other) / 2, answer, mirrored)

    @cached_property
    def _with_maps(self) -> keras.Model:
        """The model with the means of its maps at stride 4, or the stride nearest to that, beside the logits.

        Its name is that of the layer whose maps they are, so that whoever loads the preset need not look for it.
        """
        layer = self.confidence.about.get("layer") if self.confidence else None
        if layer is None:
            maps = catalog.build(self.config["model"], **self.config["arguments"], features=True)
            stride = min(maps.output, key=lambda name: abs(math.log2(int(name)) - 2))
            layer = next(layer.name for layer in maps.layers if layer.output is maps.output[stride])
        traits = keras.ops.mean(self.model.get_layer(layer).output, axis=(1, 2))  # B D
        return keras.Model(self.model.input, [self.model.output, traits], name=layer)

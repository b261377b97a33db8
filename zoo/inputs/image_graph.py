"""Encoded images -> pixels, by graph operations only, so that the same lines run in training and in an export."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

_FITS = ("stretch", "pad", "crop")


def decode(image: tf.Tensor) -> tf.Tensor:
    """Decodes JPEG, PNG, BMP, or the first frame of a GIF.

    Args:
        image: Scalar string, the file's bytes.

    Returns:
        uint8 `H W 3`. JPEG is decoded by the accurate integer transform, so that every runtime gives the same pixels.
    """
    is_jpeg = tf.strings.substr(image, 0, 3) == b"\xff\xd8\xff"
    pixels = tf.cond(
        is_jpeg,
        lambda: tf.io.decode_jpeg(image, channels=3, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_image(image, channels=3, expand_animations=False),
    )
    pixels.set_shape([None, None, 3])
    return pixels


class Pixels:
    """Encoded images -> a batch of equal size, as a preset declares it.

    Args:
        declaration: `{"kind": "image", "size": [height, width], "channels": 1 or 3, "fit": F, "background": B}`.
            F "stretch" ignores the aspect ratio, "pad" keeps it and fills with black, "crop" keeps it and cuts the
            centre out. B "dark": an image whose four corners are bright on average is inverted first, since the model
            has only seen things before a dark background; None leaves it.
    """

    def __init__(self, declaration: Mapping):
        self.size = tuple(declaration["size"])
        self.channels = declaration["channels"]
        self.fit = declaration.get("fit", "stretch")
        self.background = declaration.get("background")
        if self.fit not in _FITS:
            raise ValueError(f"fit is one of {', '.join(_FITS)}; received: {self.fit!r}")

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        """Encoded images, string `[B]` -> uint8 `[B, H, W, C]`."""
        shape = tf.TensorSpec((*self.size, self.channels), tf.uint8)
        return tf.map_fn(self._one, images, fn_output_signature=shape)

    def _one(self, image: tf.Tensor) -> tf.Tensor:
        pixels = tf.cast(decode(image), tf.float32)  # H W 3
        if self.channels == 1:
            luma = tf.constant([[0.299], [0.587], [0.114]])  # ITU-R BT.601
            pixels = tf.round(tf.tensordot(pixels, luma, 1))  # H W 1; grey stays what it was
        if self.background == "dark":
            corners = tf.stack([pixels[0, 0], pixels[0, -1], pixels[-1, 0], pixels[-1, -1]])
            pixels = tf.where(tf.reduce_mean(corners) > 127.5, 255.0 - pixels, pixels)
        pixels = self._fitted(pixels)
        return tf.saturate_cast(tf.round(pixels), tf.uint8)

    def _fitted(self, pixels: tf.Tensor) -> tf.Tensor:
        if self.fit == "stretch":
            return tf.image.resize(pixels, self.size, antialias=True)
        height, width = self.size
        ratios = tf.cast(self.size, tf.float32) / tf.cast(tf.shape(pixels)[:2], tf.float32)
        ratio = tf.reduce_min(ratios) if self.fit == "pad" else tf.reduce_max(ratios)
        scaled = tf.cast(tf.round(tf.cast(tf.shape(pixels)[:2], tf.float32) * ratio), tf.int32)
        pixels = tf.image.resize(pixels, tf.maximum(scaled, 1), antialias=True)
        return tf.image.resize_with_crop_or_pad(pixels, height, width)

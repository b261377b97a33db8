"""Input of every image model: pixels in [0, 255] come in, normalized maps go on."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from zoo.layers import arguments

# Mean and standard deviation of the training images of ImageNet (red, green, blue), in pixel values: the constants that
# torchvision's models take, (0.485, 0.456, 0.406) and (0.229, 0.224, 0.225), times 255.
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


def pixels(
    image_size: int | Sequence[int],
    channels: int,
    mean: float | Sequence[float],
    std: float | Sequence[float],
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The input of an image model and its normalization, (pixels - mean) / std.

    Args:
        image_size: Side of a square image or (height, width), pixels.
        channels: 1 for grey, 3 for red, green, blue.
        mean: Mean pixel value in [0, 255], one number or one for each channel.
        std: Standard deviation of the pixel values, in the same way; (0, 1) leaves the input as it is.

    Returns:
        The input [B, H, W, C], uint8 or float pixels in [0, 255], and its normalized maps [B, H, W, C].

    Raises:
        ValueError: A size, a number of channels, a mean or a standard deviation that cannot be meant.
    """
    height, width = (image_size, image_size) if isinstance(image_size, int) else _pair(image_size)
    if height < 1 or width < 1:
        raise ValueError(f"Expected an image_size of at least 1 pixel. Received: image_size={image_size!r}")
    arguments.whole(channels=channels)
    means, stds = _per_channel("mean", mean, channels), _per_channel("std", std, channels)
    if min(stds) <= 0:
        raise ValueError(f"Expected std to be above 0. Received: std={std!r}")

    inputs = keras.Input((height, width, channels), name="pixels")
    normalize = keras.layers.Rescaling(
        scale=[1 / s for s in stds],
        offset=[-m / s for m, s in zip(means, stds, strict=True)],
        dtype=keras.config.floatx(),  # full precision under a mixed policy too: bfloat16 would lose the last bits
        name="normalize",
    )
    return inputs, normalize(inputs)


def _pair(image_size: Sequence[int]) -> tuple[int, int]:
    sides = tuple(image_size) if isinstance(image_size, Sequence) else ()
    if len(sides) != 2 or not all(isinstance(side, int) for side in sides):
        raise ValueError(f"Expected image_size to be a whole number or (height, width). Received: {image_size!r}")
    return sides


def _per_channel(name: str, value: float | Sequence[float], channels: int) -> tuple[float, ...]:
    values = tuple(value) if isinstance(value, Sequence) else (value,) * channels
    if len(values) != channels:
        raise ValueError(f"Expected {name} to be one number or {channels}, one for each channel. Received: {value!r}")
    return values

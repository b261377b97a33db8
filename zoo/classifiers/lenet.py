"""LeNet-5: the convolutional net that read handwritten digits.

Paper: LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document recognition", Proceedings of
the IEEE 86(11), section II.B and figure 2.

What differs from the paper, and where the constants come from:
- C3 sees all six maps of S2 (table I of the paper leaves some out, to save weights and break symmetry).
- S2 and S4 only take means; the paper's multiply them by a trained number, add another and squash them.
- The activation is tanh; the paper's is 1.7159 tanh(2x / 3).
- The output layer is linear; the paper's compares F6 with fixed pictures of the digits (radial basis functions).
- The normalization is the paper's: an empty pixel becomes -0.1 and full ink 1.175, so that mean and variance of a digit
  are about 0 and 1. Ink is bright here, as in the files of MNIST.

Shapes, B images of 32 x 32 pixels (the paper's; MNIST's 28 x 28 with a margin):

    pixels   B  32  32  C
    c1       B  28  28  6     5x5
    s2       B  14  14  6     mean of 2x2
    c3       B  10  10  16    5x5
    s4       B  5   5   16    mean of 2x2
    c5       B  120           5x5: at this size it sees the whole map, a dense layer
    f6       B  84
    logits   B  classes
"""

from __future__ import annotations

from collections.abc import Sequence

import keras

from zoo.layers.head import logits
from zoo.layers.pixels import pixels


def lenet5(
    classes: int = 10,
    image_size: int | Sequence[int] = 32,
    channels: int = 1,
    *,
    mean: float | Sequence[float] = 20.0,
    std: float | Sequence[float] = 200.0,
    features: bool = False,
) -> keras.Model:
    """Builds LeNet-5 from pixels to logits.

    Args:
        classes: Number of logits.
        image_size: Side of a square image or (height, width), pixels; at least 16.
        channels: 1 for grey, 3 for red, green, blue.
        mean: Mean pixel value in [0, 255], one number or one for each channel.
        std: Standard deviation of the pixel values, in the same way.
        features: Whether to answer the last maps at each stride instead of logits. They are smaller than the image by
            the margins that unpadded kernels lose.

    Returns:
        A model from pixels [B, H, W, C] in [0, 255], uint8 or float, to logits [B, classes]; with `features`, to a
        dict from stride ("1", "2", "4") to maps.

    Raises:
        ValueError: An argument outside of what is listed above.

    Example:
        >>> lenet5().count_params()
        61706
    """
    inputs, x = pixels(image_size, channels, mean, std)
    if min(inputs.shape[1:3]) < 16:
        raise ValueError(f"Expected an image_size of at least 16 pixels for LeNet-5. Received: {image_size!r}")

    c1 = _conv(x, 6, "c1")
    c3 = _conv(_mean(c1, "s2"), 16, "c3")
    s4 = _mean(c3, "s4")
    if features:
        return keras.Model(inputs, {"1": c1, "2": c3, "4": s4}, name="lenet5_features")

    x = keras.layers.Flatten(data_format="channels_last", name="flatten")(s4)  # [B, 5, 5, 16] -> [B, 400]
    x = keras.layers.Dense(120, activation="tanh", name="c5")(x)
    x = keras.layers.Dense(84, activation="tanh", name="f6")(x)
    return keras.Model(inputs, logits(x, classes), name="lenet5")


def _conv(x: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    """[B, H, W, C] -> [B, H - 4, W - 4, filters]."""
    return keras.layers.Conv2D(filters, 5, activation="tanh", data_format="channels_last", name=name)(x)


def _mean(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """[B, H, W, C] -> [B, H // 2, W // 2, C]."""
    return keras.layers.AveragePooling2D(2, data_format="channels_last", name=name)(x)

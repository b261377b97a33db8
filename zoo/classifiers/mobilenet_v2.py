"""MobileNetV2: thin maps between blocks, wide depthwise convolutions inside them, for small machines.

Paper: Sandler, Howard, Zhu, Zhmoginov and Chen 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
arXiv:1801.04381; table 2 gives the blocks.

What differs from the paper, and where the constants come from:
- Nothing in the structure. How scaled widths are rounded (multiples of 8, never more than a tenth down) is not in the
  paper; it is taken from keras.applications.
- Momentum 0.999 and epsilon 1e-3 of the batch normalization and the padding of strided convolutions are
  keras.applications' too, so that its weights can be carried over. A short training wants momentum=0.9: with 0.999 the
  running means need thousands of steps to arrive.
- Convolutions begin with He's normal distribution (arXiv:1502.01852).

Shapes, B images of H x W pixels, alpha = 1 (the blocks of one row share a stride; "last" is never made thinner):

    pixels          B  H     W     C
    stem            B  H/2   W/2   32     3x3
    block1          B  H/2   W/2   16     expansion 1, from here on 6
    block2 ... 3    B  H/4   W/4   24
    block4 ... 6    B  H/8   W/8   32
    block7 ... 10   B  H/16  W/16  64
    block11 ... 13  B  H/16  W/16  96
    block14 ... 16  B  H/32  W/32  160
    block17         B  H/32  W/32  320
    last            B  H/32  W/32  1280   1x1
    mean            B  1280
    logits          B  classes
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import keras

from zoo.layers.convolution import conv_bn
from zoo.layers.head import logits
from zoo.layers.pixels import pixels

# Expansion, channels, blocks, stride of the first block: t, c, n, s of the paper's table 2.
_ROWS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet_v2(
    classes: int = 1000,
    image_size: int | Sequence[int] = 224,
    channels: int = 3,
    *,
    alpha: float = 1.0,
    momentum: float = 0.999,
    epsilon: float = 1e-3,
    mean: float | Sequence[float] = 127.5,
    std: float | Sequence[float] = 127.5,
    features: bool = False,
) -> keras.Model:
    """Builds a MobileNetV2 from pixels to logits.

    Args:
        classes: Number of logits.
        image_size: Side of a square image or (height, width), pixels.
        channels: 1 for grey, 3 for red, green, blue.
        alpha: Every width is multiplied by it; above 0. The paper's are 0.35, 0.5, 0.75, 1.0, 1.3 and 1.4.
        momentum: How much of the running mean and variance of batch normalization stays at each step, in [0, 1].
        epsilon: Added to the variance by batch normalization.
        mean: Mean pixel value in [0, 255], one number or one for each channel. The defaults give [-1, 1].
        std: Standard deviation of the pixel values, in the same way.
        features: Whether to answer the last maps at each stride instead of logits.

    Returns:
        A model from pixels [B, H, W, C] in [0, 255], uint8 or float, to logits [B, classes]; with `features`, to a
        dict from stride ("2", "4", "8", "16", "32") to maps.

    Raises:
        ValueError: An argument outside of what is listed above.

    Example:
        >>> mobilenet_v2(classes=10, image_size=96, alpha=0.35).output_shape
        (None, 10)
    """
    if alpha <= 0:
        raise ValueError(f"Expected alpha to be above 0. Received: alpha={alpha}")
    convolve = functools.partial(conv_bn, activation="relu6", padding="same", momentum=momentum, epsilon=epsilon)

    inputs, x = pixels(image_size, channels, mean, std)
    stride, block = 2, 0
    x = convolve(x, _multiple_of_8(32 * alpha), 3, 2, name="stem_conv")
    maps = {}
    for expansion, filters, repeats, first_stride in _ROWS:
        for i in range(repeats):
            block += 1
            down = first_stride if i == 0 else 1
            width = _multiple_of_8(int(filters * alpha))
            x = _inverted_residual(convolve, x, width, down, expansion=expansion, name=f"block{block}")
            stride *= down
            maps[stride] = x
    maps[stride] = x = convolve(x, _multiple_of_8(1280 * max(alpha, 1.0)), 1, name="last_conv")
    if features:
        return keras.Model(inputs, {str(s): m for s, m in maps.items()}, name="mobilenet_v2_features")

    x = keras.layers.GlobalAveragePooling2D(data_format="channels_last", name="mean")(x)  # [B, C]
    return keras.Model(inputs, logits(x, classes), name="mobilenet_v2")


def _inverted_residual(
    convolve: Callable, x: keras.KerasTensor, filters: int, strides: int, *, expansion: int, name: str
) -> keras.KerasTensor:
    """Widen, convolve each channel, narrow linearly: [B, H, W, C] -> [B, H / strides, W / strides, filters]."""
    y = x
    if expansion > 1:
        y = convolve(y, expansion * x.shape[-1], 1, name=f"{name}_expand")
    y = convolve(y, None, 3, strides, name=f"{name}_depthwise")
    y = convolve(y, filters, 1, name=f"{name}_project", activation=None)
    if strides == 1 and x.shape[-1] == filters:
        return keras.layers.Add(name=f"{name}_add")([x, y])
    return y


def _multiple_of_8(width: float) -> int:
    """The nearest multiple of 8, at least 8, and the next one where that is more than a tenth below `width`."""
    nearest = max(8, int(width + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * width else nearest

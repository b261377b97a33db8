"""ResNet-9: three convolutions that widen and halve, two of them followed by a residual block; it learns in few epochs.

Source: Page 2018, "How to Train Your ResNet 4: Architecture", myrtle.ai (no paper): the net that reached 94 % on
CIFAR-10 soonest in its day. Its residual blocks are those of He et al. 2015, arXiv:1512.03385.

What differs from the source, and where the constants come from:
- Maps are pooled before batch normalization and ReLU, not after: a quarter of the numbers to normalize. The later posts
  of the series do the same.
- The last layer has biases, as every classifier here; its logits are multiplied by 0.125, as in the source, so that
  training begins with timid answers.
- Without the biases the parameters are the source's 6,568,640 weights of convolutions and the last layer, and a scale
  and a shift for each of 2,240 channels.

Shapes, B images of H x W pixels, w = width:

    pixels      B  H     W     C
    stem        B  H     W     w      3x3
    stage1      B  H/2   W/2   2w     3x3, pool, residual block of two 3x3
    stage2      B  H/4   W/4   4w     3x3, pool
    stage3      B  H/8   W/8   8w     3x3, pool, residual block of two 3x3
    maximum     B  8w
    logits      B  classes
"""

from __future__ import annotations

from collections.abc import Sequence

import keras

from zoo.layers import arguments
from zoo.layers.convolution import conv_bn
from zoo.layers.head import logits
from zoo.layers.pixels import pixels

_LOGIT_SCALE = 0.125


def resnet9(
    classes: int = 10,
    image_size: int | Sequence[int] = 32,
    channels: int = 3,
    *,
    width: int = 64,
    momentum: float = 0.9,
    epsilon: float = 1e-5,
    mean: float | Sequence[float] = 127.5,
    std: float | Sequence[float] = 127.5,
    features: bool = False,
) -> keras.Model:
    """Builds a ResNet-9 from pixels to logits.

    Args:
        classes: Number of logits.
        image_size: Side of a square image or (height, width), pixels.
        channels: 1 for grey, 3 for red, green, blue.
        width: Channels of the stem; the three stages have 2, 4 and 8 times as many.
        momentum: How much of the running mean and variance of batch normalization stays at each step, in [0, 1].
        epsilon: Added to the variance by batch normalization.
        mean: Mean pixel value in [0, 255], one number or one for each channel.
        std: Standard deviation of the pixel values, in the same way.
        features: Whether to answer the last maps at each stride instead of logits.

    Returns:
        A model from pixels [B, H, W, C] in [0, 255], uint8 or float, to logits [B, classes]; with `features`, to a
        dict from stride ("1", "2", "4", "8") to maps.

    Raises:
        ValueError: An argument outside of what is listed above.

    Example:
        >>> resnet9(classes=10, image_size=28, channels=1, width=32).output_shape
        (None, 10)
    """
    arguments.whole(width=width)
    inputs, x = pixels(image_size, channels, mean, std)
    normalization = {"momentum": momentum, "epsilon": epsilon}

    x = conv_bn(x, width, 3, name="stem_conv", **normalization)
    maps = {"1": x}
    for stage, residual in ((1, True), (2, False), (3, True)):
        filters = width * 2**stage
        x = conv_bn(x, filters, 3, pool=2, name=f"stage{stage}_conv", **normalization)
        if residual:
            y = conv_bn(x, filters, 3, name=f"stage{stage}_block_conv1", **normalization)
            y = conv_bn(y, filters, 3, name=f"stage{stage}_block_conv2", **normalization)
            x = keras.layers.Add(name=f"stage{stage}_block_add")([x, y])
        maps[str(2**stage)] = x
    if features:
        return keras.Model(inputs, maps, name="resnet9_features")

    x = keras.layers.GlobalMaxPooling2D(data_format="channels_last", name="maximum")(x)  # [B, C]
    x = keras.layers.Rescaling(_LOGIT_SCALE, name="timid")(x)
    return keras.Model(inputs, logits(x, classes), name="resnet9")

"""ResNet: blocks that learn what to add to their input, so that depth does not get in the way of training.

Paper: He, Zhang, Ren and Sun 2015, "Deep Residual Learning for Image Recognition", arXiv:1512.03385. Figure 3 and
table 1 are the nets for large images, section 4.2 those for small ones (6n + 2 layers, widths 16, 32, 64).

What differs from the paper, and where the constants come from:
- A shortcut that changes its shape is a projection with 1x1 convolutions (the paper's option B) in every net; option A
  (subsample and fill with zero channels, no parameters), the paper's choice for the small nets, is `shortcut="A"`.
- The stride of a bottleneck stands on its 3x3 convolution, as torchvision has it, so that no pixel is skipped unread;
  `bottleneck_stride="1x1"` is the paper's.
- Momentum 0.9 and epsilon 1e-5 of the batch normalization are torchvision's. keras.applications is
  `resnet(50, use_bias=True, bottleneck_stride="1x1", momentum=0.99, epsilon=1.001e-5)`.
- Convolutions begin with He's normal distribution (He et al. 2015, arXiv:1502.01852), as in the paper.

Shapes, B images of H x W pixels, w = width:

    depth 18, 34, 50, 101, 152 (w = 64; e = 1, from depth 50 on 4)    depth 6n + 2: 20, 32, 44, 56, 110 (w = 16)
    pixels      B  H     W     C                                      B  H    W    C
    stem        B  H/2   W/2   w      7x7                             B  H    W    w     3x3
    pool        B  H/4   W/4   w                                      -
    stage1      B  H/4   W/4   w e                                    B  H    W    w
    stage2      B  H/8   W/8   2w e                                   B  H/2  W/2  2w
    stage3      B  H/16  W/16  4w e                                   B  H/4  W/4  4w
    stage4      B  H/32  W/32  8w e                                   -
    mean        B  8w e                                               B  4w
    logits      B  classes                                            B  classes
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras

from zoo.layers import arguments
from zoo.layers.convolution import conv_bn
from zoo.layers.head import logits
from zoo.layers.pixels import pixels

# Depth -> blocks in each stage (table 1 of the paper). 50 and 152 also are 6n + 2: the large net is meant.
_STAGES = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


def resnet(
    depth: int = 50,
    classes: int = 1000,
    image_size: int | Sequence[int] = 224,
    channels: int = 3,
    *,
    width: int | None = None,
    stem: str | None = None,
    stem_strides: int | None = None,
    shortcut: str = "B",
    bottleneck_stride: str = "3x3",
    use_bias: bool = False,
    zero_gamma: bool = False,
    momentum: float = 0.9,
    epsilon: float = 1e-5,
    mean: float | Sequence[float] = 127.5,
    std: float | Sequence[float] = 127.5,
    features: bool = False,
) -> keras.Model:
    """Builds a ResNet from pixels to logits.

    Args:
        depth: Layers with weights: 18, 34, 50, 101, 152, or 6n + 2 (20, 32, 44, 56, 110) for small images.
        classes: Number of logits.
        image_size: Side of a square image or (height, width), pixels.
        channels: 1 for grey, 3 for red, green, blue.
        width: Channels of the first stage; every later stage has twice those of the one before. Default 64, for the
            small nets 16.
        stem: "7x7" (followed by 3x3 max pooling of stride 2) or "3x3". Default "3x3" for the small nets, else "7x7".
        stem_strides: Stride of the stem's convolution. Default 2 for "7x7", 1 for "3x3".
        shortcut: "A" or "B", the paper's options for a shortcut that changes its shape.
        bottleneck_stride: "3x3" or "1x1": the convolution that takes the stride in a block of depth 50 and more.
        use_bias: Whether convolutions have biases.
        zero_gamma: Whether the last batch normalization of each block begins with scale 0, so that the block begins as
            its shortcut (Goyal et al. 2017, arXiv:1706.02677, section 5.1): deep nets start to learn sooner.
        momentum: How much of the running mean and variance of batch normalization stays at each step, in [0, 1].
        epsilon: Added to the variance by batch normalization.
        mean: Mean pixel value in [0, 255], one number or one for each channel.
        std: Standard deviation of the pixel values, in the same way.
        features: Whether to answer the last maps at each stride instead of logits.

    Returns:
        A model from pixels [B, H, W, C] in [0, 255], uint8 or float, to logits [B, classes]; with `features`, to a
        dict from stride ("2", "4", "8", ...) to maps.

    Raises:
        ValueError: An argument outside of what is listed above.

    Example:
        >>> resnet(depth=20, classes=10, image_size=32).output_shape
        (None, 10)
    """
    small = depth not in _STAGES
    if not isinstance(depth, int) or small and (depth < 8 or depth % 6 != 2):
        raise ValueError(f"Expected depth to be one of {sorted(_STAGES)} or 6n + 2 (20, 32, ...). Received: {depth!r}")
    blocks = (depth // 6,) * 3 if small else _STAGES[depth]
    if width is None:
        width = 16 if small else 64
    if stem is None:
        stem = "3x3" if small else "7x7"
    stride = stem_strides
    if stride is None:
        stride = 2 if stem == "7x7" else 1
    arguments.whole(width=width, stem_strides=stride)
    arguments.one_of(("7x7", "3x3"), stem=stem)
    arguments.one_of(("A", "B"), shortcut=shortcut)
    arguments.one_of(("3x3", "1x1"), bottleneck_stride=bottleneck_stride)
    style = _Style(
        convolve=functools.partial(conv_bn, use_bias=use_bias, momentum=momentum, epsilon=epsilon),
        last_gamma="zeros" if zero_gamma else "ones",
        shortcut=shortcut,
        bottleneck_stride=bottleneck_stride,
    )
    block = _basic if small or depth < 50 else _bottleneck

    inputs, x = pixels(image_size, channels, mean, std)
    x = style.convolve(x, width, int(stem[0]), stride, name="stem_conv")
    maps = {stride: x}
    if stem == "7x7":
        # Zeros around maps that are never negative: the same maximum as with minus infinity.
        x = keras.layers.ZeroPadding2D(1, data_format="channels_last", name="stem_pool_pad")(x)
        x = keras.layers.MaxPooling2D(3, 2, data_format="channels_last", name="stem_pool")(x)
        stride *= 2
    for stage, repeats in enumerate(blocks):
        for i in range(repeats):
            down = 2 if stage > 0 and i == 0 else 1
            x = block(x, width * 2**stage, down, style, f"stage{stage + 1}_block{i + 1}")
            stride *= down
        maps[stride] = x
    if features:
        return keras.Model(inputs, {str(s): m for s, m in maps.items()}, name=f"resnet{depth}_features")

    x = keras.layers.GlobalAveragePooling2D(data_format="channels_last", name="mean")(x)  # [B, C]
    return keras.Model(inputs, logits(x, classes), name=f"resnet{depth}")


@dataclass(frozen=True)
class _Style:
    """Options that all blocks of one net share."""

    convolve: Callable
    last_gamma: str
    shortcut: str
    bottleneck_stride: str


def _basic(x: keras.KerasTensor, filters: int, strides: int, style: _Style, name: str) -> keras.KerasTensor:
    """Two 3x3 convolutions beside a shortcut: [B, H, W, C] -> [B, H / strides, W / strides, filters]."""
    y = style.convolve(x, filters, 3, strides, name=f"{name}_conv1")
    y = style.convolve(y, filters, 3, name=f"{name}_conv2", activation=None, gamma_initializer=style.last_gamma)
    return _join(_shortcut(x, filters, strides, style, f"{name}_shortcut"), y, name)


def _bottleneck(x: keras.KerasTensor, filters: int, strides: int, style: _Style, name: str) -> keras.KerasTensor:
    """1x1, 3x3 and 1x1 convolutions: [B, H, W, C] -> [B, H / strides, W / strides, 4 filters]."""
    first, second = (strides, 1) if style.bottleneck_stride == "1x1" else (1, strides)
    y = style.convolve(x, filters, 1, first, name=f"{name}_conv1")
    y = style.convolve(y, filters, 3, second, name=f"{name}_conv2")
    y = style.convolve(y, 4 * filters, 1, name=f"{name}_conv3", activation=None, gamma_initializer=style.last_gamma)
    return _join(_shortcut(x, 4 * filters, strides, style, f"{name}_shortcut"), y, name)


def _join(shortcut: keras.KerasTensor, y: keras.KerasTensor, name: str) -> keras.KerasTensor:
    x = keras.layers.Add(name=f"{name}_add")([shortcut, y])
    return keras.layers.Activation("relu", name=f"{name}_relu")(x)


def _shortcut(x: keras.KerasTensor, filters: int, strides: int, style: _Style, name: str) -> keras.KerasTensor:
    """The input itself; where the shape changes, brought to [B, H / strides, W / strides, filters]."""
    if strides == 1 and x.shape[-1] == filters:
        return x
    if style.shortcut == "B":
        return style.convolve(x, filters, 1, strides, name=name, activation=None)
    if strides > 1:  # every second pixel
        x = keras.layers.AveragePooling2D(1, strides, data_format="channels_last", name=f"{name}_subsample")(x)
    # ZeroPadding2D pads the two middle axes: channels are brought there and back.
    more = filters - x.shape[-1]
    x = keras.layers.Permute((1, 3, 2), name=f"{name}_turn")(x)  # [B, H, C, W]
    x = keras.layers.ZeroPadding2D(((0, 0), (0, more)), data_format="channels_last", name=f"{name}_zeros")(x)
    return keras.layers.Permute((1, 3, 2), name=f"{name}_turn_back")(x)  # [B, H, W, filters]

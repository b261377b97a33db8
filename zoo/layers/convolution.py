"""Convolution, batch normalization, activation: the step that most image models repeat."""

from __future__ import annotations

import math

import keras


def conv_bn(
    x: keras.KerasTensor,
    filters: int | None,
    kernel_size: int,
    strides: int = 1,
    *,
    name: str,
    activation: str | None = "relu",
    padding: str = "both",
    use_bias: bool = False,
    momentum: float = 0.9,
    epsilon: float = 1e-5,
    gamma_initializer: str = "ones",
    pool: int | None = None,
) -> keras.KerasTensor:
    """Convolves, perhaps pools, normalizes over the batch and activates.

    Args:
        x: Maps [B, H, W, C].
        filters: Channels of the answer. None gives each channel a kernel of its own (a depthwise convolution).
        kernel_size: Side of the kernel, pixels; odd.
        strides: Step of the kernel, pixels.
        name: Name of the convolution; the other layers append to it ("stem_conv", "stem_conv_bn").
        activation: Name of a Keras activation, None for a linear answer.
        padding: "both": kernel_size // 2 zeros on every side, as torch pads. "same": as TensorFlow pads, and
            keras.applications' MobileNets; for a strided kernel over an even image that is one zero less on the left
            and on the top, so weights trained with the one miss half a pixel under the other.
        use_bias: Whether the convolution has biases. Batch normalization subtracts them again.
        momentum: How much of the running mean and variance stays at each step, in [0, 1].
        epsilon: Added to the variance.
        gamma_initializer: Initializer of the scale of the batch normalization.
        pool: Side and step of a max pooling behind the convolution, pixels; None for none.

    Returns:
        Maps [B, ceil(H / strides), ceil(W / strides), filters]; with `pool` each side is that much
        smaller again, rounded up.
    """
    if padding == "both" and strides > 1 and kernel_size > 1:
        x = keras.layers.ZeroPadding2D(kernel_size // 2, data_format="channels_last", name=f"{name}_pad")(x)
        padding = "valid"
    else:
        padding = "same"  # at stride 1 the two are one
    if filters is None:
        convolution = keras.layers.DepthwiseConv2D(
            kernel_size,
            strides,
            padding,
            data_format="channels_last",
            use_bias=use_bias,
            # He's normal distribution for kernel_size ** 2 inputs; Keras's own would count every channel as an input.
            depthwise_initializer=keras.initializers.RandomNormal(stddev=math.sqrt(2) / kernel_size),
            name=name,
        )
    else:
        convolution = keras.layers.Conv2D(
            filters,
            kernel_size,
            strides,
            padding,
            data_format="channels_last",
            use_bias=use_bias,
            kernel_initializer="he_normal",
            name=name,
        )
    x = convolution(x)
    if pool:
        x = keras.layers.MaxPooling2D(pool, padding="same", data_format="channels_last", name=f"{name}_pool")(x)
    x = keras.layers.BatchNormalization(
        momentum=momentum, epsilon=epsilon, gamma_initializer=gamma_initializer, name=f"{name}_bn"
    )(x)
    return keras.layers.Activation(activation, name=f"{name}_{activation}")(x) if activation else x

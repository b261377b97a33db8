"""Gradient centralization: gradients of mean zero for every output."""

import math

import keras
from keras import ops

from optimizers.wrappers.wrapper import Wrapper


@keras.saving.register_keras_serializable("menagerie")
class GradientCentralization(Wrapper):
    """Takes from each gradient its mean over all axes but the last.

        g = g - mean(g, all axes but the last)        (variables of two dimensions or more)
        then the inner optimizer's step

    When to use: convolutional networks, small batches; it costs next to nothing.
    Memory: none.
    Paper: Yong et al., arXiv:2004.01461.
    Defaults: the inner optimizer's; it has none of its own.
    """

    def update_step(self, gradient, variable, learning_rate, *scalars):
        if len(variable.shape) > 1:
            # By the sum: on JAX, `ops.mean` goes through float32.
            inputs = math.prod(variable.shape[:-1])
            total = ops.sum(gradient, axis=tuple(range(len(variable.shape) - 1)), keepdims=True)
            gradient = gradient - total / inputs
        self.inner.update_step(gradient, variable, learning_rate, *scalars)

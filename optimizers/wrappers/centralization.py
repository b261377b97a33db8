"""Gradient centralization: gradients of mean zero for every output."""

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
    """

    def update_step(self, gradient, variable, learning_rate, *scalars):
        if len(variable.shape) > 1:
            gradient = gradient - ops.mean(gradient, axis=tuple(range(len(variable.shape) - 1)), keepdims=True)
        self.inner.update_step(gradient, variable, learning_rate, *scalars)

"""Cautious updates: only what the gradient of this step agrees with."""

import math

import keras
from keras import ops

from optimizers.wrappers.wrapper import Wrapper


@keras.saving.register_keras_serializable("menagerie")
class Cautious(Wrapper):
    """Leaves out what goes uphill, and makes the rest longer by as much.

        u = the inner optimizer's step (w falls by u), without weight decay
        a = 1 where u g > 0, else 0
        w -= u a n / (sum(a) + 1)            (n: the number of elements of the variable)

    When to use: around any optimizer with momentum (C-AdamW, C-Lion), above all for transformers.
    Memory: none.
    Paper: Liang et al., arXiv:2411.16085, Algorithm 1.
    Defaults: the inner optimizer's; it has none of its own.
    """

    def update_step(self, gradient, variable, learning_rate, *scalars):
        before = variable + 0  # a copy: the variable moves below
        self.inner.update_step(gradient, variable, learning_rate, *scalars)
        update = before - variable
        agrees = ops.cast(update * gradient > 0, variable.dtype)
        size = math.prod(variable.shape)
        self.assign(variable, before - update * agrees * (size / (ops.sum(agrees) + 1)))

"""Fromage: every step turns each variable by the same angle."""

import keras
from keras import ops

from optimizers.arithmetic import norm_of
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class Fromage(Optimizer):
    """Frobenius matched gradient descent.

        w -= lr g ||w|| / ||g||
        w = w / sqrt(1 + lr^2)

    The norms are of one variable. Where w is 0 the ratio is 1, as in the authors' code, optax and pytorch_optimizer.
    Where g is 0 the paper divides by 0; ours leaves the variable alone, theirs still shrink it.

    When to use: without tuning: 0.01 serves most networks. Halve it when the loss no longer falls.
    Memory: nothing.
    Paper: Bernstein, Vahdat, Yue & Liu, arXiv:2002.03432.
    Defaults: learning rate 0.01, the paper's.
    """

    def __init__(self, learning_rate=0.01, **kwargs):
        super().__init__(learning_rate, **kwargs)

    def step_scalars(self, step, learning_rate):
        return (1 / ops.sqrt(1 + ops.square(learning_rate)),)

    def update_step(self, gradient, variable, learning_rate, shrinking):
        length, slope = norm_of(variable), norm_of(gradient)
        ratio = ops.where(length > 0, length, slope) / ops.where(slope > 0, slope, 1)
        moved = shrinking * (variable - learning_rate * ratio * gradient)
        self.assign(variable, ops.where(slope > 0, moved, ops.convert_to_tensor(variable)))

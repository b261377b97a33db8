"""MADGRAD: dual averaging with momentum, and a cube root in place of the square root."""

import keras
from keras import ops

from optimizers.arithmetic import toward
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class MADGRAD(Optimizer):
    """MADGRAD, Algorithm 1 of the paper: AdaGrad by dual averaging, with a cube root; x is where the weights stood at
    the first step.

        s = s + lr sqrt(t) g
        v = v + lr sqrt(t) g^2
        w = momentum w + (1 - momentum) (x - s / (cbrt(v) + epsilon))

    The authors' code and optax add epsilon to the learning rate as well; the paper does not.

    When to use: image models, where SGD generalizes better than Adam. Give it less weight decay than SGD, or none.
    Memory: three numbers per parameter.
    Paper: Defazio & Jelassi, arXiv:2101.11075.
    Defaults: learning rate 0.01, momentum 0.9, epsilon 1e-6, the paper's.
    """

    def __init__(self, learning_rate=0.01, momentum=0.9, epsilon=1e-6, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(momentum=momentum)
        self._check_at_least_zero(epsilon=epsilon)
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        names = ["sum", "square", "start"]
        self._sums, self._squares, self._starts = self.add_optimizer_variables(variables, names)

    def step_scalars(self, step, learning_rate):
        return learning_rate * ops.sqrt(step), ops.cast(step > 1, step.dtype)

    def update_step(self, gradient, variable, learning_rate, rate, later):
        index = self._get_variable_index(variable)
        # The start is taken at the first step, not at the build: weights may be loaded in between.
        start = later * self._starts[index] + (1 - later) * variable
        total = self._sums[index] + rate * gradient
        square = self._squares[index] + rate * ops.square(gradient)
        self.assign(self._starts[index], start)
        self.assign(self._sums[index], total)
        self.assign(self._squares[index], square)
        target = start - total / (square ** (1 / 3) + self.epsilon)
        self.assign(variable, toward(variable, target, 1 - self.momentum))

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}

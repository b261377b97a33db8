"""Adadelta: steps in the units of the weights themselves."""

import keras
from keras import ops

from optimizers import kernels
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class Adadelta(Optimizer):
    """Adadelta, Algorithm 1 of the paper: steps in the units of the weights, so that no rate has to be chosen.

        s = rho s + (1 - rho) g^2
        d = g sqrt(u + epsilon) / sqrt(s + epsilon)
        u = rho u + (1 - rho) d^2
        w -= lr d

    Epsilon stands inside the roots, as in the paper, torch, optax and Keras: it is what starts the motion.

    When to use: where no learning rate is to be chosen; slower than Adam with a good one.
    Memory: two numbers per parameter.
    Paper: Zeiler, arXiv:1212.5701.
    Defaults: learning rate 1, rho 0.95, epsilon 1e-6, the paper's (Keras has a rate of 0.001).
    """

    reads_keras_state = True
    elementwise = True

    def __init__(self, learning_rate=1.0, rho=0.95, epsilon=1e-6, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(rho=rho)
        self._check_at_least_zero(epsilon=epsilon)
        self.rho = rho
        self.epsilon = epsilon

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._squares, self._updates = self.add_optimizer_variables(variables, ["square", "update"])

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        square, update = self._squares[index], self._updates[index]
        if kernels.fused(variable):
            kernels.adadelta(variable, square, update, learning_rate, gradient, self.rho, self.epsilon)
            return
        squared = self._average(square, ops.square(gradient), self.rho)
        step = gradient * ops.sqrt((ops.convert_to_tensor(update) + self.epsilon) / (squared + self.epsilon))
        self.assign(square, squared)
        self.assign(update, self._average(update, ops.square(step), self.rho))
        self.assign_sub(variable, learning_rate * step)

    def get_config(self):
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}

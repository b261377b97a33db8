"""RMSProp: AdaGrad with a memory that fades."""

import math

import keras
from keras import ops

from optimizers import kernels, rows
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class RMSProp(Optimizer):
    """RMSProp, optionally centered and with momentum.

        s = rho s + (1 - rho) g^2
        d = g / (sqrt(s) + epsilon)      centered: c = rho c + (1 - rho) g;  d = g / (sqrt(s - c^2) + epsilon)
        w -= lr d                        momentum: b = momentum b + d;       w -= lr b

    Follows torch: epsilon outside the root (Keras and optax put it inside, 26 % apart at epsilon 1e-3) and the learning
    rate outside the momentum.

    When to use: recurrent networks, reinforcement learning, objectives that move.
    Memory: one number per parameter, two with `momentum` or `centered`, three with both.
    Paper: Hinton, lecture 6e, 2012; centered: Graves, arXiv:1308.0850.
    Defaults: learning rate 0.001 and rho 0.9 (the lecture), epsilon 1e-7 (Keras).
    """

    elementwise = True

    def __init__(self, learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(rho=rho, momentum=momentum)
        self._check_at_least_zero(epsilon=epsilon)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        # The slot is s / (1 - rho), a sum that fades: so the gradient need not be scaled on its way into it.
        self._squares = self.add_optimizer_variables(variables, "square")
        if self.centered:
            self._means = self.add_optimizer_variables(variables, "mean")
        if self.momentum:
            self._velocities = self.add_optimizer_variables(variables, "velocity")

    def takes_rows(self):
        return rows.is_elementwise(self) and not self.momentum

    def fades(self):
        return {"_squares": self.rho, "_means": self.rho}

    def step_scalars(self, step, learning_rate):
        return (learning_rate / math.sqrt(1 - self.rho),)

    def update_step(self, gradient, variable, learning_rate, rate):
        index = self._get_variable_index(variable)
        total = self._squares[index]
        if kernels.fused(variable) and not self.centered and not self.momentum:
            # AdaGrad's kernel on the faded sum.
            kernels.scale(total, self.rho)
            kernels.adagrad(variable, total, rate, gradient, self.epsilon / math.sqrt(1 - self.rho))
            return
        squares = self.rho * ops.convert_to_tensor(total) + ops.square(gradient)
        self.assign(total, squares)
        variance = squares * (1 - self.rho)
        if self.centered:
            mean = self._average(self._means[index], gradient, self.rho)
            self.assign(self._means[index], mean)
            # Rounding can take the difference below zero.
            variance = ops.relu(variance - ops.square(mean))
        direction = gradient / (ops.sqrt(variance) + self.epsilon)
        if self.momentum:
            direction = self.momentum * ops.convert_to_tensor(self._velocities[index]) + direction
            self.assign(self._velocities[index], direction)
        self.assign_sub(variable, learning_rate * direction)

    def get_config(self):
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }

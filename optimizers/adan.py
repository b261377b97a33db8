"""Adan: adaptive Nesterov momentum from the differences of gradients."""

import keras
from keras import ops

from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class Adan(Optimizer):
    """Adan: Adam with Nesterov momentum, which follows the change of the gradient; d = g - (the gradient before), 0 at
    first; c_i = 1 - beta_i^t.

        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) d
        n = beta_3 n + (1 - beta_3) (g + beta_2 d)^2
        w = (w - lr (m / c_1 + beta_2 v / c_2) / (sqrt(n / c_3) + epsilon)) / (1 + lr weight_decay)

    The betas here are the paper's 1 - beta, as in the authors' code, whose bias correction this follows. optax weighs
    the differences by 1 - beta_2 (.08 for .92), which is the paper's formula in the other notation: 40 % apart.

    When to use: vision and language transformers; takes learning rates 5 to 10 times Adam's.
    Memory: four numbers per parameter.
    Paper: Xie et al., arXiv:2208.06677, Algorithm 1.
    Defaults: learning rate 0.001, betas 0.98, 0.92, 0.99, epsilon 1e-8 (the authors').
    """

    decays_itself = True

    def __init__(self, learning_rate=0.001, beta_1=0.98, beta_2=0.92, beta_3=0.99, epsilon=1e-8, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(beta_1=beta_1, beta_2=beta_2, beta_3=beta_3)
        self._check_at_least_zero(epsilon=epsilon)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.beta_3 = beta_3
        self.epsilon = epsilon

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        names = ["momentum", "difference", "square", "gradient"]
        self._momentums, self._differences, self._squares, self._gradients = self.add_optimizer_variables(
            variables, names
        )

    def step_scalars(self, step, learning_rate):
        root = ops.sqrt(self._bias_correction(self.beta_3, step))
        momentum_rate = learning_rate * root / self._bias_correction(self.beta_1, step)
        difference_rate = learning_rate * root * self.beta_2 / self._bias_correction(self.beta_2, step)
        return momentum_rate, difference_rate, self.epsilon * root, ops.cast(step > 1, step.dtype)

    def update_step(self, gradient, variable, learning_rate, momentum_rate, difference_rate, epsilon, later):
        index = self._get_variable_index(variable)
        difference = later * (gradient - self._gradients[index])
        m = self._average(self._momentums[index], gradient, self.beta_1)
        v = self._average(self._differences[index], difference, self.beta_2)
        n = self._average(self._squares[index], ops.square(gradient + self.beta_2 * difference), self.beta_3)
        self.assign(self._momentums[index], m)
        self.assign(self._differences[index], v)
        self.assign(self._squares[index], n)
        self.assign(self._gradients[index], gradient)
        value = variable - (momentum_rate * m + difference_rate * v) / (ops.sqrt(n) + epsilon)
        if self._decay_of(variable):
            value = value / (1 + learning_rate * self._decay_of(variable))
        self.assign(variable, value)

    def get_config(self):
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "beta_3": self.beta_3,
            "epsilon": self.epsilon,
        }

"""ADOPT: Adam that converges with any beta_2, since a gradient is divided by what was known before it."""

import keras
from keras import ops

from optimizers.arithmetic import larger, toward
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class ADOPT(Optimizer):
    """ADOPT, Algorithm 2 of the paper (with clipping): Adam that divides by the second moment of the steps before; step
    t = 0 only sets v = g^2.

        m = beta_1 m + (1 - beta_1) clip(g / max(sqrt(v), epsilon), -c, c),   c = t^(1/4)
        w -= lr m
        v = beta_2 v + (1 - beta_2) g^2

    When to use: in place of Adam where it is unstable; very noisy gradients.
    Memory: two numbers per parameter.
    Paper: Taniguchi et al., arXiv:2411.02853.
    Defaults: the paper's.
    """

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.9999, epsilon=1e-6, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(beta_1=beta_1, beta_2=beta_2)
        self._check_at_least_zero(epsilon=epsilon)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])

    def step_scalars(self, step, learning_rate):
        later = ops.cast(step > 1, step.dtype)
        # At first v takes g^2 whole, and a limit of 0 keeps the momentum where it is.
        share = later * (1 - self.beta_2) + (1 - later)
        return later * learning_rate, ops.sqrt(ops.sqrt(step - 1)), share

    def update_step(self, gradient, variable, learning_rate, rate, limit, share):
        index = self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        divisor = larger(ops.sqrt(v), ops.convert_to_tensor(self.epsilon, variable.dtype))
        normalized = ops.clip(gradient / divisor, -limit, limit)
        first = toward(m, normalized, 1 - self.beta_1)
        self.assign(m, first)
        self.assign(v, toward(v, ops.square(gradient), share))
        self.assign_sub(variable, rate * first)

    def get_config(self):
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}

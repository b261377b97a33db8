"""Yogi: Adam whose second moment moves by steps of a size that does not depend on itself."""

import keras
from keras import ops

from optimizers.adam import AdaptiveMoments
from optimizers.arithmetic import constant


@keras.saving.register_keras_serializable("menagerie")
class Yogi(AdaptiveMoments):
    """Adam with an additive second moment.

        m = beta_1 m + (1 - beta_1) g
        v = v - (1 - beta_2) sign(v - g^2) g^2
        w -= lr (m / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + epsilon)

    Both moments start at `initial_accumulator_value`. The paper's Algorithm 2 corrects no bias; ours does, as optax and
    pytorch_optimizer do.

    When to use: where Adam's second moment forgets too fast: rare, large gradients.
    Memory: two numbers per parameter.
    Paper: Zaheer et al., Adaptive Methods for Nonconvex Optimization, NeurIPS 2018.
    Defaults: learning rate 0.01, epsilon 1e-3 (the paper's), start 1e-6.
    """

    elementwise = True

    def __init__(self, learning_rate=0.01, *, epsilon=1e-3, initial_accumulator_value=1e-6, **kwargs):
        super().__init__(learning_rate, epsilon=epsilon, **kwargs)
        self._check_at_least_zero(initial_accumulator_value=initial_accumulator_value)
        self.initial_accumulator_value = initial_accumulator_value

    def _slot_start(self):
        return constant(self.initial_accumulator_value)

    def update_step(self, gradient, variable, learning_rate, rate, epsilon):
        index = self._get_variable_index(variable)
        v = self._velocities[index]
        first = self._average(self._momentums[index], gradient, self.beta_1)
        squared = ops.square(gradient)
        second = v + ops.sign(squared - v) * squared * self._complement(self.beta_2, variable.dtype)
        self.assign(self._momentums[index], first)
        self.assign(v, second)
        self.assign_sub(variable, rate * first / (ops.sqrt(second) + epsilon))

    def get_config(self):
        return {**super().get_config(), "initial_accumulator_value": self.initial_accumulator_value}

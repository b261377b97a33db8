"""LaProp: Adam with the momentum after the division."""

import keras
from keras import ops

from optimizers.adam import AdaptiveMoments


@keras.saving.register_keras_serializable("menagerie")
class LaProp(AdaptiveMoments):
    """LaProp, Algorithm 1 of the paper.

        v = beta_2 v + (1 - beta_2) g^2
        m = beta_1 m + (1 - beta_1) g / (sqrt(v / (1 - beta_2^t)) + epsilon)
        w -= lr m / (1 - beta_1^t)

    The authors' code and pytorch_optimizer multiply by the learning rate inside m: the same at a constant rate, but a
    schedule then acts late. Follows the paper, and Adam, here.

    When to use: where Adam is unstable: noisy gradients, small beta_2; any pair of betas is allowed.
    Memory: two numbers per parameter.
    Paper: Ziyin, Wang & Ueda, arXiv:2002.04839.
    Defaults: the paper's: learning rate 4e-4, betas 0.9 and 0.999, epsilon 1e-15.
    """

    elementwise = True

    def __init__(self, learning_rate=4e-4, beta_1=0.9, beta_2=0.999, epsilon=1e-15, **kwargs):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)

    def step_scalars(self, step, learning_rate):
        root = ops.sqrt(self._bias_correction(self.beta_2, step))
        return learning_rate / self._bias_correction(self.beta_1, step), root, self.epsilon * root

    def update_step(self, gradient, variable, learning_rate, rate, root, epsilon):
        index = self._get_variable_index(variable)
        second = self._average(self._velocities[index], ops.square(gradient), self.beta_2)
        scaled = root * gradient / (ops.sqrt(second) + epsilon)
        first = self._average(self._momentums[index], scaled, self.beta_1)
        self.assign(self._velocities[index], second)
        self.assign(self._momentums[index], first)
        self.assign_sub(variable, rate * first)

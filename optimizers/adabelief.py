"""AdaBelief: long steps where the gradient is as expected, short ones where it surprises."""

import keras
from keras import ops

from optimizers.adam import AdaptiveMoments


@keras.saving.register_keras_serializable("menagerie")
class AdaBelief(AdaptiveMoments):
    """Adam on the variance of the gradient around its mean.

        m = beta_1 m + (1 - beta_1) g
        s = beta_2 s + (1 - beta_2) (g - m)^2 + epsilon
        w -= lr (m / (1 - beta_1^t)) / (sqrt(s / (1 - beta_2^t)) + epsilon)

    Epsilon stands in both places, as in the paper's Algorithm 2: it adds up in s.

    When to use: in place of Adam on image models and GANs.
    Memory: two numbers per parameter.
    Paper: Zhuang et al., arXiv:2010.07468.
    Defaults: Adam's, epsilon 1e-16 (the authors' code).
    """

    elementwise = True

    def __init__(self, learning_rate=0.001, *, epsilon=1e-16, **kwargs):
        super().__init__(learning_rate, epsilon=epsilon, **kwargs)

    def update_step(self, gradient, variable, learning_rate, rate, epsilon):
        index = self._get_variable_index(variable)
        first = self._average(self._momentums[index], gradient, self.beta_1)
        surprise = ops.square(gradient - first)
        second = self._average(self._velocities[index], surprise, self.beta_2) + self.epsilon
        self.assign(self._momentums[index], first)
        self.assign(self._velocities[index], second)
        self.assign_sub(variable, rate * first / (ops.sqrt(second) + epsilon))

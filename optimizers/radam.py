"""RAdam: Adam that waits until its second moment can be trusted."""

import math

import keras
from keras import ops

from optimizers.adam import AdaptiveMoments


@keras.saving.register_keras_serializable("menagerie")
class RAdam(AdaptiveMoments):
    """Adam with the warm-up that its variance asks for.

        n = 2 / (1 - beta_2) - 1;   n_t = n - 2 t beta_2^t / (1 - beta_2^t)
        n_t > threshold: w -= lr r m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon),
                         r = sqrt((n_t - 4)(n_t - 2) n / ((n - 4)(n - 2) n_t))
        else:            w -= lr m / (1 - beta_1^t)

    Follows the paper's Algorithm 2, which goes over at 4. torch and optax wait until 5; `threshold=5.0` is theirs.

    When to use: in place of Adam with a hand-made warm-up. The first five steps are plain momentum.
    Memory: two numbers per parameter.
    Paper: Liu et al., arXiv:1908.03265.
    Defaults: Adam's.
    """

    same_state_as = "Adam"
    elementwise = True

    def __init__(self, learning_rate=0.001, *, threshold=4.0, **kwargs):
        super().__init__(learning_rate, **kwargs)
        if not threshold >= 4:
            raise ValueError(f"RAdam: `threshold` must be at least 4. Received: threshold={threshold}")
        self.threshold = threshold

    def step_scalars(self, step, learning_rate):
        correction = self._bias_correction(self.beta_2, step)
        longest = 2 / (1 - self.beta_2) - 1
        length = averaged_length(self.beta_2, step)
        trusted = length > self.threshold
        # Where it is not trusted the root would be of a negative number.
        safe = ops.where(trusted, length, self.threshold + 1)
        variance = (safe - 4) * (safe - 2) * longest / ((longest - 4) * (longest - 2) * safe)
        rate = learning_rate / self._bias_correction(self.beta_1, step)
        root = ops.sqrt(correction)
        return ops.where(trusted, rate * ops.sqrt(variance) * root, rate), self.epsilon * root, trusted

    def update_step(self, gradient, variable, learning_rate, rate, epsilon, trusted):
        index = self._get_variable_index(variable)
        first = self._average(self._momentums[index], gradient, self.beta_1)
        second = self._average(self._velocities[index], ops.square(gradient), self.beta_2)
        self.assign(self._momentums[index], first)
        self.assign(self._velocities[index], second)
        divisor = trusted * (ops.sqrt(second) + epsilon) + (1 - trusted)
        self.assign_sub(variable, rate * first / divisor)

    def get_config(self):
        return {**super().get_config(), "threshold": self.threshold}


def averaged_length(beta, step):
    """n_t = n - 2 t beta^t / (1 - beta^t), n = 2 / (1 - beta) - 1, to the last digits of the step's dtype.

    As written, 1999 - 1994 at beta .999 and step 5 keeps four digits of float32. With h = -log(beta) and y = t h / 2,
    n_t = n - 2 / h + 2 / h (y - f(y)), f(y) = y coth(y) - 1, where n - 2 / h is a small constant, and f(y) is below
    y / 3 for y < 1; by Lambert's continued fraction it is a quotient of positive numbers. From y = 1 on,
    y - f(y) = 1 - 2 y / (exp(2 y) - 1) cancels nothing.
    """
    if not beta:
        return ops.ones_like(step)
    decrement = -math.log(beta)
    half = step * (decrement / 2)
    square = ops.square(half)
    fraction = ops.zeros_like(step)
    for odd in range(19, 1, -2):
        fraction = square / (odd + fraction)
    early = step - (2 / decrement) * fraction
    late = (2 / decrement) * (1 - 2 * half / ops.expm1(2 * half))
    return ops.where(half < 1, early, late) + (2 / (1 - beta) - 1 - 2 / decrement)

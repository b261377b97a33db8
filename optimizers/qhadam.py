"""QHAdam: Adam whose moments are mixed with the gradient of the step itself."""

import keras
from keras import ops

from optimizers.adam import AdaptiveMoments


@keras.saving.register_keras_serializable("menagerie")
class QHAdam(AdaptiveMoments):
    """Quasi-hyperbolic Adam.

        m, v as in Adam
        a = (1 - nu_1) g + nu_1 m / (1 - beta_1^t)
        b = (1 - nu_2) g^2 + nu_2 v / (1 - beta_2^t)
        w -= lr a / (sqrt(b) + epsilon)

    nu_1 = nu_2 = 1 is Adam. The authors' code and pytorch_optimizer agree with the paper; they keep the corrected
    moments, which is the same.

    When to use: in place of Adam where beta_2 close to 1 and a long momentum should not make single steps large.
    Memory: two numbers per parameter.
    Paper: Ma & Yarats, arXiv:1810.06801.
    Defaults: what the authors recommend: nus 0.7 and 1, betas 0.995 and 0.999; the rest is Adam's.
    """

    same_state_as = "Adam"
    elementwise = True

    def __init__(self, learning_rate=0.001, beta_1=0.995, beta_2=0.999, *, nu_1=0.7, nu_2=1.0, **kwargs):
        super().__init__(learning_rate, beta_1, beta_2, **kwargs)
        self._check_at_least_zero(nu_1=nu_1, nu_2=nu_2)
        if not nu_2 <= 1:
            raise ValueError(f"QHAdam: `nu_2` must be at most 1. Received: nu_2={nu_2}")
        self.nu_1 = nu_1
        self.nu_2 = nu_2

    def step_scalars(self, step, learning_rate):
        of_first = self.nu_1 / self._bias_correction(self.beta_1, step)
        return of_first, self.nu_2 / self._bias_correction(self.beta_2, step)

    def update_step(self, gradient, variable, learning_rate, of_first, of_second):
        index = self._get_variable_index(variable)
        square = ops.square(gradient)
        first = self._average(self._momentums[index], gradient, self.beta_1)
        second = self._average(self._velocities[index], square, self.beta_2)
        self.assign(self._momentums[index], first)
        self.assign(self._velocities[index], second)
        direction = (1 - self.nu_1) * gradient + of_first * first
        mixed = (1 - self.nu_2) * square + of_second * second
        self.assign_sub(variable, learning_rate * direction / (ops.sqrt(mixed) + self.epsilon))

    def get_config(self):
        return {**super().get_config(), "nu_1": self.nu_1, "nu_2": self.nu_2}

"""Rprop: a step size for every weight, from the signs of its gradients alone."""

import keras
from keras import ops

from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class Rprop(Optimizer):
    """Resilient backpropagation; p is the gradient before, d the step sizes, which start at the learning rate.

        d = min(d eta_plus, maximum) where g p > 0, max(d eta_minus, minimum) where g p < 0
        g = 0 where g p < 0
        w -= sign(g) d
        p = g

    Follows torch: where the sign turns, the step is left out and not taken back. After the first step the learning
    rate and its schedule have no say.

    When to use: the whole set as one batch; the signs of mini-batches are too noisy.
    Memory: two numbers per parameter.
    Paper: Riedmiller & Braun, ICNN 1993.
    Defaults: start 0.01 (torch), factors 0.5 and 1.2, steps in [1e-6, 50], the paper's.
    """

    def __init__(self, learning_rate=0.01, eta_minus=0.5, eta_plus=1.2, minimum_step=1e-6, maximum_step=50.0, **kwargs):
        super().__init__(learning_rate, **kwargs)
        if not 0 < eta_minus < 1 < eta_plus:
            raise ValueError(
                "Rprop: `eta_minus` must be in (0, 1) and `eta_plus` above 1. "
                f"Received: eta_minus={eta_minus}, eta_plus={eta_plus}"
            )
        if not 0 <= minimum_step <= maximum_step:
            raise ValueError(
                "Rprop: `minimum_step` must be at least 0 and at most `maximum_step`. "
                f"Received: minimum_step={minimum_step}, maximum_step={maximum_step}"
            )
        self.eta_minus = eta_minus
        self.eta_plus = eta_plus
        self.minimum_step = minimum_step
        self.maximum_step = maximum_step

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._gradients, self._sizes = self.add_optimizer_variables(variables, ["gradient", "step_size"])

    def step_scalars(self, step, learning_rate):
        return (ops.cast(step == 1, step.dtype) * learning_rate,)

    def update_step(self, gradient, variable, learning_rate, start):
        index = self._get_variable_index(variable)
        agreement = gradient * self._gradients[index]
        agree, differ = ops.cast(agreement > 0, variable.dtype), ops.cast(agreement < 0, variable.dtype)
        # Every size is 0 before the first step and `start` is 0 after it.
        factor = 1 + agree * (self.eta_plus - 1) - differ * (1 - self.eta_minus)
        least, most = (ops.convert_to_tensor(bound, variable.dtype) for bound in (self.minimum_step, self.maximum_step))
        size = ops.clip((self._sizes[index] + start) * factor, least, most)
        gradient = gradient * (1 - differ)
        self.assign(self._sizes[index], size)
        self.assign(self._gradients[index], gradient)
        self.assign_sub(variable, ops.sign(gradient) * size)

    def get_config(self):
        return {
            **super().get_config(),
            "eta_minus": self.eta_minus,
            "eta_plus": self.eta_plus,
            "minimum_step": self.minimum_step,
            "maximum_step": self.maximum_step,
        }

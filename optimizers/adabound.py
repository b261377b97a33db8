"""AdaBound: Adam that becomes SGD as the training goes on."""

import keras
from keras import ops

from optimizers.adam import AdaptiveMoments
from optimizers.arithmetic import larger


@keras.saving.register_keras_serializable("menagerie")
class AdaBound(AdaptiveMoments):
    """Adam whose rates are held between two bounds that close in on one rate for all.

        m, v as in Adam;   s = final_ratio lr
        r = lr sqrt(1 - beta_2^t) / (1 - beta_1^t) / (sqrt(v) + epsilon)
        w -= min(max(r, s (1 - 1 / (gamma t + 1))), s (1 + 1 / (gamma t))) m

    Follows the authors' code, which corrects biases, adds an epsilon and does not divide by sqrt(t) as Algorithm 2
    does for its proof. There `final_lr` falls with the schedule from the constructor's rate on; `final_ratio` is
    final_lr over that rate, so that a warm-up from 0 has a final rate too. With `amsbound` v never shrinks.

    When to use: where Adam starts faster and SGD ends better.
    Memory: two numbers per parameter, three with `amsbound`.
    Paper: Luo, Xiong, Liu & Sun, arXiv:1902.09843.
    Defaults: Adam's; gamma 0.001 and the final rate 0.1, a hundred times the learning rate, the paper's.
    """

    same_state_as = "Adam"
    elementwise = True

    def __init__(self, learning_rate=0.001, *, final_ratio=100.0, gamma=0.001, amsbound=False, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_at_least_zero(final_ratio=final_ratio)
        if not 0 < gamma < 1:
            raise ValueError(f"AdaBound: `gamma` must be in (0, 1), for example 0.001. Received: gamma={gamma}")
        self.final_ratio = final_ratio
        self.gamma = gamma
        self.amsbound = amsbound

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._maxima = self.add_optimizer_variables(variables, "maximum") if self.amsbound else None

    def step_scalars(self, step, learning_rate):
        root = ops.sqrt(self._bias_correction(self.beta_2, step))
        rate = learning_rate * root / self._bias_correction(self.beta_1, step)
        final, passed = learning_rate * self.final_ratio, step * self.gamma
        return rate, final * passed / (passed + 1), final * (passed + 1) / passed

    def update_step(self, gradient, variable, learning_rate, rate, lower, upper):
        index = self._get_variable_index(variable)
        first = self._average(self._momentums[index], gradient, self.beta_1)
        second = self._average(self._velocities[index], ops.square(gradient), self.beta_2)
        self.assign(self._momentums[index], first)
        self.assign(self._velocities[index], second)
        if self.amsbound:
            second = larger(self._maxima[index], second)
            self.assign(self._maxima[index], second)
        rates = rate / (ops.sqrt(second) + self.epsilon)
        self.assign_sub(variable, ops.clip(rates, lower, upper) * first)

    def get_config(self):
        return {
            **super().get_config(),
            "final_ratio": self.final_ratio,
            "gamma": self.gamma,
            "amsbound": self.amsbound,
        }

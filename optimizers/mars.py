"""MARS: Adam on gradients from which a part of the noise is taken."""

import keras
from keras import ops

from optimizers.adam import AdaptiveMoments
from optimizers.arithmetic import norm_of


@keras.saving.register_keras_serializable("menagerie")
class MARS(AdaptiveMoments):
    """MARS-AdamW with the approximate correction; p is the gradient of the step before.

        c = g + gamma beta_1 / (1 - beta_1) (g - p)
        c = c / max(1, ||c||)
        m, v of c and the step as in Adam

    The paper's exact form takes p at the weights before but on the batch of now, a second gradient a step. The norm is
    of one variable, as in the authors' code. The first step has no correction, as Algorithm 1 has it (x_1 = x_0); the
    code starts from p = 0. That code gives vectors AdamW's step; here all variables take the same rule.

    When to use: language models, in place of AdamW and at a higher learning rate.
    Memory: three numbers per parameter.
    Paper: Yuan et al., arXiv:2411.10438.
    Defaults: the authors': learning rate 0.003, betas 0.95 and 0.99, gamma 0.025, epsilon 1e-8.
    """

    def __init__(self, learning_rate=0.003, beta_1=0.95, beta_2=0.99, *, gamma=0.025, **kwargs):
        super().__init__(learning_rate, beta_1, beta_2, **kwargs)
        self._check_at_least_zero(gamma=gamma)
        self.gamma = gamma

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._gradients = self.add_optimizer_variables(variables, "gradient")

    def step_scalars(self, step, learning_rate):
        later = ops.cast(step > 1, step.dtype)
        correction = later * (self.gamma * self.beta_1 / (1 - self.beta_1))
        return *super().step_scalars(step, learning_rate), correction

    def update_step(self, gradient, variable, learning_rate, rate, epsilon, correction):
        index = self._get_variable_index(variable)
        corrected = gradient + correction * (gradient - self._gradients[index])
        norm = norm_of(corrected)
        corrected = corrected / ops.where(norm > 1, norm, 1)
        self.assign(self._gradients[index], gradient)
        super().update_step(corrected, variable, learning_rate, rate, epsilon)

    def get_config(self):
        return {**super().get_config(), "gamma": self.gamma}

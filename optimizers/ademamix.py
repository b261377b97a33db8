"""AdEMAMix: Adam with a second, very slow momentum."""

import math

import keras
from keras import ops

from optimizers.adam import AdaptiveMoments
from optimizers.arithmetic import smaller, toward


@keras.saving.register_keras_serializable("menagerie")
class AdEMAMix(AdaptiveMoments):
    """Adam on a mixture of a fast and a slow average of the gradients.

        m, v as in Adam;   s = b s + (1 - b) g
        w -= lr (m / (1 - beta_1^t) + a s) / (sqrt(v / (1 - beta_2^t)) + epsilon)
        a = alpha, b = beta_3; with `warmup_steps` T they rise: a = alpha min(1, t / T),
        b = exp(ln beta_1 ln beta_3 / ((1 - t / T) ln beta_3 + t / T ln beta_1)), at most beta_3

    The slow average is not corrected: it fills slowly, on purpose.

    When to use: long trainings of language models (the slow average remembers 10,000 steps); set `warmup_steps` to
    the length of the training, as the paper does.
    Memory: three numbers per parameter.
    Paper: Pagliardini, Ablin & Grangier, arXiv:2409.03137.
    Defaults: Adam's, beta_3 0.9999, alpha 5 (the paper's), no warm-up.
    """

    def __init__(self, learning_rate=0.001, *, beta_3=0.9999, alpha=5.0, warmup_steps=None, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(beta_3=beta_3)
        self._check_at_least_zero(alpha=alpha, warmup_steps=warmup_steps)
        if warmup_steps and not 0 < self.beta_1 <= beta_3:
            raise ValueError(
                "AdEMAMix: with `warmup_steps`, beta_3 rises from beta_1 and must not be smaller, nor beta_1 0. "
                f"Received: beta_1={self.beta_1}, beta_3={beta_3}"
            )
        self.beta_3 = beta_3
        self.alpha = alpha
        self.warmup_steps = warmup_steps

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._slow = self.add_optimizer_variables(variables, "slow_momentum")

    def step_scalars(self, step, learning_rate):
        rate, epsilon = super().step_scalars(step, learning_rate)
        # `rate` holds the correction of m, which the slow average does not get.
        plain = rate * self._bias_correction(self.beta_1, step)
        if not self.warmup_steps:
            complement = (1 - self.beta_3) * ops.ones_like(step)
            return rate, epsilon, plain * self.alpha, complement
        done = smaller(step / self.warmup_steps, ops.ones_like(step))
        low, high = math.log(self.beta_1), math.log(self.beta_3)
        complement = -ops.expm1(low * high / ((1 - done) * high + done * low))
        return rate, epsilon, plain * self.alpha * done, complement

    def update_step(self, gradient, variable, learning_rate, rate, epsilon, slow_rate, complement):
        index = self._get_variable_index(variable)
        first = self._average(self._momentums[index], gradient, self.beta_1)
        second = self._average(self._velocities[index], ops.square(gradient), self.beta_2)
        slow = toward(self._slow[index], gradient, complement)
        self.assign(self._momentums[index], first)
        self.assign(self._velocities[index], second)
        self.assign(self._slow[index], slow)
        self.assign_sub(variable, (rate * first + slow_rate * slow) / (ops.sqrt(second) + epsilon))

    def get_config(self):
        return {
            **super().get_config(),
            "beta_3": self.beta_3,
            "alpha": self.alpha,
            "warmup_steps": self.warmup_steps,
        }

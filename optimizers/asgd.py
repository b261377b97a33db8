"""ASGD: gradient descent that keeps the average of where it has been."""

import keras
from keras import ops

from optimizers.arithmetic import constant, larger
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class ASGD(Optimizer):
    """Averaged stochastic gradient descent, Polyak and Juditsky's in Bottou's form; k = t - 1.

        r = lr / (1 + lambd lr k)^alpha
        w = (1 - lambd r) w - r g
        a = a + (w - a) / max(1, k - t0)

    a, the average, is what to evaluate at, by `EvaluationWeights`; up to step t0 + 2 it is w itself. `lambd` is a decay
    of the weights as well. Follows torch, which under a schedule lags behind by one step: its r is made of the lr
    before.

    When to use: convex problems and last epochs, with `t0` where the averaging should begin: the average converges
    fast where the iterates only wander around the minimum.
    Memory: one number per parameter.
    Paper: Polyak & Juditsky, SIAM J. Control Optim. 30 (1992); Bottou, COMPSTAT 2010.
    Defaults: torch's: learning rate 0.01, lambd 1e-4, alpha 0.75, t0 1e6: no average before a million steps.
    """

    averages = True

    def __init__(self, learning_rate=0.01, lambd=1e-4, alpha=0.75, t0=1e6, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_at_least_zero(lambd=lambd, alpha=alpha, t0=t0)
        self.lambd = lambd
        self.alpha = alpha
        self.t0 = t0

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._averages = self.add_optimizer_variables(variables, "average", constant("nan"))

    def evaluation_slots(self):
        return super().evaluation_slots() or self._averages

    def step_scalars(self, step, learning_rate):
        before = step - 1
        rate = learning_rate * (1 + self.lambd * learning_rate * before) ** -self.alpha
        return rate, 1 / larger(before - self.t0, ops.ones_like(step))

    def update_step(self, gradient, variable, learning_rate, rate, share):
        slot = self._averages[self._get_variable_index(variable)]
        average = self._begun(slot, variable)
        value = (1 - self.lambd * rate) * variable - rate * gradient
        self.assign(variable, value)
        self.assign(slot, average + share * (value - average))

    def get_config(self):
        return {**super().get_config(), "lambd": self.lambd, "alpha": self.alpha, "t0": self.t0}

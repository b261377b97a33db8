"""QHM: a weighted mean of momentum and plain gradient descent."""

import keras

from optimizers.arithmetic import toward
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class QHM(Optimizer):
    """Quasi-hyperbolic momentum.

        m = momentum m + (1 - momentum) g
        w -= lr ((1 - nu) g + nu m)

    nu 0 is SGD, nu 1 momentum, nu = momentum Nesterov's; m is an average, so that a learning rate for SGD's velocity
    has to be divided by 1 - momentum of there.

    When to use: in place of SGD with momentum or Nesterov, where a long memory (momentum 0.999) pays.
    Memory: one number per parameter.
    Paper: Ma & Yarats, arXiv:1810.06801.
    Defaults: the authors': nu 0.7, momentum 0.999, learning rate 1 (SGD's 0.1 with momentum 0.9).
    """

    elementwise = True

    def __init__(self, learning_rate=1.0, momentum=0.999, nu=0.7, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(momentum=momentum)
        self._check_at_least_zero(nu=nu)
        self.momentum = momentum
        self.nu = nu

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        first = toward(self._momentums[index], gradient, 1 - self.momentum)
        self.assign(self._momentums[index], first)
        self.assign_sub(variable, learning_rate * (gradient + self.nu * (first - gradient)))

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum, "nu": self.nu}

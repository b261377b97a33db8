"""Signum: descent by the sign of the momentum."""

import keras
from keras import ops

from optimizers.arithmetic import toward
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class Signum(Optimizer):
    """Signum: the sign of the momentum; with momentum 0 it is signSGD.

        m = momentum m + (1 - momentum) g
        w -= lr sign(m)

    When to use: gradients sent between machines (a bit each), or of wildly different scales.
    Memory: one number per parameter; none for momentum 0.
    Paper: Bernstein et al., arXiv:1802.04434.
    Defaults: learning rate 1e-4 and momentum 0.9, the paper's.
    """

    elementwise = True

    def __init__(self, learning_rate=1e-4, momentum=0.9, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(momentum=momentum)
        self.momentum = momentum

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        if self.momentum:
            self._momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient, variable, learning_rate):
        direction = gradient
        if self.momentum:
            m = self._momentums[self._get_variable_index(variable)]
            direction = toward(m, gradient, 1 - self.momentum)
            self.assign(m, direction)
        self.assign_sub(variable, learning_rate * ops.sign(direction))

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum}

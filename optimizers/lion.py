"""Lion: the sign of a momentum, found by search over programs."""

import keras
from keras import ops

from optimizers import kernels
from optimizers.arithmetic import number
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class Lion(Optimizer):
    """Lion, Algorithm 2 of the paper: the sign of a momentum, so that all steps have one size.

        d = sign(beta_1 m + (1 - beta_1) g)
        w -= lr d
        m = beta_2 m + (1 - beta_2) g

    The sign is taken with the old momentum. optax and Keras agree.

    When to use: large batches; take a learning rate 3 to 10 times smaller than Adam's and a weight decay as many times
    larger.
    Memory: one number per parameter.
    Paper: Chen et al., arXiv:2302.06675.
    Defaults: learning rate 1e-4, betas 0.9 and 0.99, the paper's; no decay.
    """

    reads_keras_state = True
    elementwise = True

    def __init__(self, learning_rate=1e-4, beta_1=0.9, beta_2=0.99, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(beta_1=beta_1, beta_2=beta_2)
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient, variable, learning_rate):
        m = self._momentums[self._get_variable_index(variable)]
        value = kernels.read(m)
        change = value - gradient
        direction = ops.sign(value - change * number(1 - self.beta_1, m.dtype))
        self._descend(variable, learning_rate, direction)
        with kernels.after(direction):
            self._descend(kernels.native(m), number(1 - self.beta_2, m.dtype), change)

    def get_config(self):
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2}

"""NovoGrad: one second moment for each layer, and gradients normalized by it before the momentum."""

import keras
from keras import ops

from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class NovoGrad(Optimizer):
    """NovoGrad, Algorithm 1 of the paper: momentum of gradients that are divided by their variable's norm.

        v = beta_2 v + (1 - beta_2) ||g||^2        (first step: v = ||g||^2)
        m = beta_1 m + g / (sqrt(v) + epsilon) + weight_decay w
        w -= lr m

    The norm is of one variable. As in the paper, g is not multiplied by 1 - beta_1 and the decay goes through m.

    When to use: speech and other deep convolutional networks, large batches, little memory.
    Memory: one number per parameter, one per variable.
    Paper: Ginsburg et al., arXiv:1905.11286.
    Defaults: learning rate 0.01, betas 0.95 and 0.98, epsilon 1e-8, the paper's.
    """

    decays_itself = True

    def __init__(self, learning_rate=0.01, beta_1=0.95, beta_2=0.98, epsilon=1e-8, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(beta_1=beta_1, beta_2=beta_2)
        self._check_at_least_zero(epsilon=epsilon)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum")
        self._squares = [self.add_slot(variable, (), "square") for variable in variables]

    def step_scalars(self, step, learning_rate):
        return (1 - self.beta_2 * ops.cast(step > 1, step.dtype),)

    def update_step(self, gradient, variable, learning_rate, share):
        index = self._get_variable_index(variable)
        square = self._squares[index]
        squared = square + share * (ops.sum(ops.square(gradient)) - square)
        momentum = ops.convert_to_tensor(self._momentums[index])
        value = self.beta_1 * momentum + gradient / (ops.sqrt(squared) + self.epsilon)
        if self._decay_of(variable):
            value = value + self._decay_of(variable) * ops.convert_to_tensor(variable)
        self.assign(square, squared)
        self.assign(self._momentums[index], value)
        self.assign_sub(variable, learning_rate * value)

    def get_config(self):
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}

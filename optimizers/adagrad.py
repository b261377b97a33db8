"""AdaGrad: a learning rate of its own for every parameter, shrinking with the squares it has seen."""

import keras
from keras import ops

from optimizers import kernels, rows
from optimizers.arithmetic import constant
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class AdaGrad(Optimizer):
    """AdaGrad, diagonal form: a weight's steps shrink with the gradients that it has seen.

        a += g^2
        w -= lr g / (sqrt(a) + epsilon)

    Follows the paper and torch: the sum starts at 0 and epsilon stands outside the root. Keras and optax start at 0.1
    with epsilon inside; their defaults part from these by half of the way.

    When to use: sparse features, convex problems. On long trainings its steps become too small.
    Memory: one number per parameter.
    Paper: Duchi, Hazan & Singer, JMLR 12 (2011).
    Defaults: learning rate 0.01, epsilon 1e-10, sum 0 (torch).
    """

    reads_keras_state = True
    elementwise = True

    def __init__(self, learning_rate=0.01, initial_accumulator_value=0.0, epsilon=1e-10, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_at_least_zero(initial_accumulator_value=initial_accumulator_value, epsilon=epsilon)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        start = constant(self.initial_accumulator_value)
        self._accumulators = self.add_optimizer_variables(variables, "accumulator", initializer=start)

    def takes_rows(self):
        return rows.is_elementwise(self)

    def update_step(self, gradient, variable, learning_rate):
        accumulator = self._accumulators[self._get_variable_index(variable)]
        if kernels.fused(variable):
            kernels.adagrad(variable, accumulator, learning_rate, gradient, self.epsilon)
            return
        value = accumulator + ops.square(gradient)
        self.assign(accumulator, value)
        self.assign_sub(variable, learning_rate * gradient / (ops.sqrt(value) + self.epsilon))

    def get_config(self):
        return {
            **super().get_config(),
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }

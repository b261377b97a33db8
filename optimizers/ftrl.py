"""FTRL-Proximal: follow the regularized leader, with exact zeros."""

import keras
from keras import ops

from optimizers import kernels
from optimizers.arithmetic import constant
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class FTRL(Optimizer):
    """FTRL-Proximal, Algorithm 1 of the paper: AdaGrad's steps, with weights that are exactly 0 where they tell little.

        z = z + g - (sqrt(n + g^2) - sqrt(n)) / lr w
        n = n + g^2
        w = 0 where |z| <= l1, else -(z - sign(z) l1) / ((beta + sqrt(n)) / lr + l2)

    The weights follow from z and n alone: a start other than 0 is soon forgotten, and a weight that has seen no
    gradient becomes 0. Keras has twice the l2.

    When to use: linear models on sparse features that must stay small: l1 makes most weights exactly 0.
    Memory: two numbers per parameter.
    Paper: McMahan et al., KDD 2013.
    Defaults: learning rate 0.1 and beta 1 (the paper's), n from 0.
    """

    elementwise = True

    def __init__(
        self,
        learning_rate=0.1,
        beta=1.0,
        l1_regularization_strength=0.0,
        l2_regularization_strength=0.0,
        initial_accumulator_value=0.0,
        **kwargs,
    ):
        super().__init__(learning_rate, **kwargs)
        self._check_at_least_zero(
            beta=beta,
            l1_regularization_strength=l1_regularization_strength,
            l2_regularization_strength=l2_regularization_strength,
            initial_accumulator_value=initial_accumulator_value,
        )
        self.beta = beta
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.initial_accumulator_value = initial_accumulator_value

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        starts = [constant(self.initial_accumulator_value), "zeros"]
        self._accumulators, self._linears = self.add_optimizer_variables(variables, ["accumulator", "linear"], starts)

    def step_scalars(self, step, learning_rate):
        return (self.l2_regularization_strength + self.beta / learning_rate,)

    def update_step(self, gradient, variable, learning_rate, quadratic):
        index = self._get_variable_index(variable)
        accumulator, linear = self._accumulators[index], self._linears[index]
        l1 = self.l1_regularization_strength
        if kernels.fused(variable):
            kernels.ftrl(variable, accumulator, linear, learning_rate, gradient, l1, quadratic / 2)
            return
        n = accumulator + ops.square(gradient)
        root = ops.sqrt(n)
        z = linear + gradient - (root - ops.sqrt(accumulator)) / learning_rate * variable
        self.assign(accumulator, n)
        self.assign(linear, z)
        moved = (ops.sign(z) * l1 - z) / (root / learning_rate + quadratic)
        self.assign(variable, ops.where(ops.abs(z) > l1, moved, 0))

    def get_config(self):
        return {
            **super().get_config(),
            "beta": self.beta,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "initial_accumulator_value": self.initial_accumulator_value,
        }

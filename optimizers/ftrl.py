"""FTRL-Proximal: follow the regularized leader, with exact zeros."""

import math

import keras
from keras import ops

from optimizers import kernels
from optimizers.arithmetic import constant
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class FTRL(Optimizer):
    """FTRL-Proximal, Algorithm 1 of the paper: AdaGrad's steps, with weights that are exactly 0 where they tell little.

        z = z + g + 2 l2_shrinkage w - ((n + g^2)^p - n^p) / lr w       (p = -learning_rate_power)
        n = n + g^2
        w = 0 where |z| <= l1, else -(z - sign(z) l1) / ((beta + n^p) / lr + l2)

    The paper has p = 1/2 and no shrinkage. `learning_rate_power` and `l2_shrinkage_regularization_strength`, a decay
    that does not act through the accumulator, are TensorFlow's. The weights follow from z and n alone: a start other
    than 0 is soon forgotten, and a weight that has seen no gradient becomes 0. Keras has twice the l2, which
    `from_config` makes up for.

    When to use: linear models on sparse features that must stay small: l1 makes most weights exactly 0.
    Memory: two numbers per parameter.
    Paper: McMahan et al., KDD 2013.
    Defaults: learning rate 0.1 and beta 1 (the paper's), n from 0.
    """

    reads_keras_state = True
    elementwise = True

    def __init__(
        self,
        learning_rate=0.1,
        *,
        learning_rate_power=-0.5,
        initial_accumulator_value=0.0,
        l1_regularization_strength=0.0,
        l2_regularization_strength=0.0,
        l2_shrinkage_regularization_strength=0.0,
        beta=1.0,
        **kwargs,
    ):
        super().__init__(learning_rate, **kwargs)
        if not -math.inf < learning_rate_power <= 0:
            raise ValueError(
                "FTRL: `learning_rate_power` must be a finite number <= 0, for example -0.5. "
                f"Received: learning_rate_power={learning_rate_power}"
            )
        self._check_at_least_zero(
            initial_accumulator_value=initial_accumulator_value,
            l1_regularization_strength=l1_regularization_strength,
            l2_regularization_strength=l2_regularization_strength,
            l2_shrinkage_regularization_strength=l2_shrinkage_regularization_strength,
            beta=beta,
        )
        self.learning_rate_power = float(learning_rate_power)
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta

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
        l1, shrinkage = self.l1_regularization_strength, self.l2_shrinkage_regularization_strength
        if kernels.fused(variable):
            power, l2 = self.learning_rate_power, quadratic / 2
            kernels.ftrl(variable, accumulator, linear, learning_rate, gradient, l1, l2, shrinkage, power)
            return
        before = ops.convert_to_tensor(accumulator)
        n = before + ops.square(gradient)
        root = self._root(n)
        z = linear + gradient - (root - self._root(before)) / learning_rate * variable
        if shrinkage:
            z = z + 2 * shrinkage * ops.convert_to_tensor(variable)
        self.assign(accumulator, n)
        self.assign(linear, z)
        moved = (ops.sign(z) * l1 - z) / (root / learning_rate + quadratic)
        self.assign(variable, ops.where(ops.abs(z) > l1, moved, 0))

    def _root(self, n):
        return ops.sqrt(n) if self.learning_rate_power == -0.5 else n**-self.learning_rate_power

    def get_config(self):
        return {
            "groups": [],  # always there: it tells this configuration from Keras's
            **super().get_config(),
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        if "groups" not in config and "learning_rate_power" in config:  # of Keras's class, whose l2 is doubled
            l2 = config.get("l2_regularization_strength", 0.0)
            config = {**config, "l2_regularization_strength": 2 * l2}
        return super().from_config(config, custom_objects)

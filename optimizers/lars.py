"""LARS: momentum whose steps are, layer by layer, a fixed fraction of the weights."""

import keras
from keras import ops

from optimizers.arithmetic import norm_of
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class LARS(Optimizer):
    """LARS, Algorithm 1 of the paper: momentum, in steps that follow the norm of the variable.

        ratio = trust_coefficient ||w|| / (||g|| + weight_decay ||w||)
        v = momentum v + lr ratio (g + weight_decay w)
        w -= v

    The norms are of one variable; where either is 0 the ratio is 1. optax and pytorch_optimizer divide by
    ||g + weight_decay w||, which is the same without decay. Variables of fewer than two dimensions (biases,
    normalization) take a plain step of momentum, without ratio and decay: their small norms would stop them.

    When to use: convolutional networks at very large batches (thousands), with warm-up.
    Memory: one number per parameter.
    Paper: You, Gitman & Ginsburg, arXiv:1708.03888.
    Defaults: momentum 0.9, trust coefficient 0.001 (the paper's); learning rate 1, to be tuned.
    """

    decays_itself = True

    def __init__(self, learning_rate=1.0, momentum=0.9, trust_coefficient=0.001, adapt_vectors=False, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(momentum=momentum)
        self._check_at_least_zero(trust_coefficient=trust_coefficient)
        self.momentum = momentum
        self.trust_coefficient = trust_coefficient
        self.adapt_vectors = adapt_vectors

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._velocities = self.add_optimizer_variables(variables, "velocity")

    def update_step(self, gradient, variable, learning_rate):
        velocity = self._velocities[self._get_variable_index(variable)]
        if len(variable.shape) > 1 or self.adapt_vectors:
            decay = self._decay_of(variable)
            weights, slope = norm_of(variable), norm_of(gradient)
            both = ops.logical_and(weights > 0, slope > 0)
            ratio = self.trust_coefficient * weights / ops.where(both, slope + decay * weights, 1)
            gradient = ops.where(both, ratio, 1) * (gradient + decay * ops.convert_to_tensor(variable))
        value = self.momentum * ops.convert_to_tensor(velocity) + learning_rate * gradient
        self.assign(velocity, value)
        self.assign_sub(variable, value)

    def get_config(self):
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "trust_coefficient": self.trust_coefficient,
            "adapt_vectors": self.adapt_vectors,
        }

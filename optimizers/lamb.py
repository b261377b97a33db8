"""LAMB: Adam whose steps are as large, layer by layer, as the weights allow."""

import keras
from keras import ops

from optimizers import kernels
from optimizers.adam import AdaptiveMoments
from optimizers.arithmetic import number


@keras.saving.register_keras_serializable("menagerie")
class LAMB(AdaptiveMoments):
    """LAMB, Algorithm 2 of the paper: Adam's direction, in steps as long as the variable's norm.

        r = (m / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + epsilon) + weight_decay w
        w -= lr (||w|| / ||r||) r

    The norms are of one variable; where either is 0 the ratio is 1. The decay belongs to r, inside the ratio, as in
    the paper and optax (Keras has it outside: 9 % off at a decay of 0.1).

    When to use: very large batches (thousands of examples) on transformers.
    Memory: two numbers per parameter.
    Paper: You et al., arXiv:1904.00962.
    Defaults: Adam's, epsilon 1e-6 (the paper's).
    """

    same_state_as = "Adam"
    decays_itself = True
    reads_keras_state = True

    def __init__(self, learning_rate=0.001, *, epsilon=1e-6, **kwargs):
        super().__init__(learning_rate, epsilon=epsilon, **kwargs)

    def step_scalars(self, step, learning_rate):
        root = ops.sqrt(self._bias_correction(self.beta_2, step))
        return root / self._bias_correction(self.beta_1, step), self.epsilon * root

    def update_step(self, gradient, variable, learning_rate, scale, epsilon):
        first, second = self._moments(gradient, variable)
        direction = scale * first / (ops.sqrt(second) + epsilon)
        if self._decay_of(variable):
            direction = direction + self._decay_of(variable) * ops.convert_to_tensor(variable)
        self._descend(variable, learning_rate * trust_ratio(variable, direction), direction)


def trust_ratio(variable, direction):
    """||variable|| / ||direction||, or 1 where either is 0."""
    weights, length = kernels.half_sum_of_squares(variable), kernels.half_sum_of_squares(direction)
    zero, one = number(0.0, variable.dtype), number(1.0, variable.dtype)
    both = ops.logical_and(weights > zero, length > zero)
    return ops.where(both, ops.sqrt(weights / ops.where(both, length, one)), one)

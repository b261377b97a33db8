"""DoG: gradient descent whose step is the distance gone over the gradients seen."""

import keras
from keras import ops

from optimizers.arithmetic import larger
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class DoG(Optimizer):
    """Distance over gradients, Algorithm 1 of the paper; x is the first weights, norms are over all variables.

        r = max(r, ||w - x||), from initial_distance (1 + ||x||)
        G = G + ||g||^2
        w -= lr r / sqrt(G + epsilon) (g + weight_decay w)

    As in the authors' code and optax, epsilon stands inside the root; there the decay enters the gradient, and so G.

    When to use: to train without a learning rate (leave it at 1), best with an average of the weights: `use_ema=True`.
    Memory: one number per parameter.
    Paper: Ivgi, Hinder & Carmon, arXiv:2302.12022.
    Defaults: the authors': initial_distance 1e-6 (1e-4 for models with batch normalization), epsilon 1e-8.
    """

    decays_itself = True

    def __init__(self, learning_rate=1.0, initial_distance=1e-6, epsilon=1e-8, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_at_least_zero(epsilon=epsilon)
        self._check_above_zero(initial_distance=initial_distance)
        self.initial_distance = initial_distance
        self.epsilon = epsilon

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._starts = self.add_optimizer_variables(variables, "start")
        self.add_scalar("distance", 0.0)
        self.add_scalar("squares", 0.0)

    def advance(self, step, learning_rate, gradients, variables, distance, squares):
        later = ops.cast(step > 1, step.dtype)
        gone = ops.zeros_like(step)
        for gradient, variable in zip(gradients, variables, strict=True):
            # At the first step no start has been taken, and this is the length of the weights.
            way = variable - self._starts[self._get_variable_index(variable)]
            gone = gone + ops.cast(ops.sum(ops.square(way)), step.dtype)
            squares = squares + ops.cast(ops.sum(ops.square(gradient)), step.dtype)
        gone = ops.sqrt(gone)
        return later * larger(distance, gone) + (1 - later) * self.initial_distance * (1 + gone), squares

    def step_scalars(self, step, learning_rate, distance, squares):
        root = ops.sqrt(squares + self.epsilon)
        # With no epsilon and no gradient yet there is nowhere to go.
        return learning_rate * distance / ops.where(root > 0, root, 1), ops.cast(step > 1, step.dtype)

    def update_step(self, gradient, variable, learning_rate, rate, later):
        start = self._starts[self._get_variable_index(variable)]
        self.assign(start, later * start + (1 - later) * variable)
        if self._decay_of(variable):
            gradient = gradient + self._decay_of(variable) * ops.convert_to_tensor(variable)
        self.assign_sub(variable, rate * gradient)

    def get_config(self):
        return {**super().get_config(), "initial_distance": self.initial_distance, "epsilon": self.epsilon}

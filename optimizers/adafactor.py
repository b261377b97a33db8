"""Adafactor: Adam's second moment of a matrix from its row and column sums."""

import math

import keras
from keras import ops

from optimizers import kernels
from optimizers.arithmetic import at_least, number, smaller
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class Adafactor(Optimizer):
    """Adafactor, Algorithms 4 and 5 of the paper: a second moment kept as the means of rows and of columns; rms(x) =
    sqrt(mean(x^2)), b = 1 - t^beta_2_decay.

        r = b r + (1 - b) row means of (g^2 + epsilon_1);   c likewise of columns;   v = r c / mean(r)
        u = g / sqrt(v)
        w -= min(lr, 1 / sqrt(t)) max(epsilon_2, rms(w)) u / max(1, rms(u) / clip_threshold)

    Vectors keep a whole v; of more than two dimensions, the last two are factored. No momentum. Keras allocates the
    whole second moment besides.

    When to use: models whose Adam state would not fit: transformers, large embeddings.
    Memory: rows + columns for each matrix, one number per parameter of vectors.
    Paper: Shazeer & Stern, arXiv:1804.04235.
    Defaults: the paper's: learning rate 0.01 (the limit of the relative step; `relative_step=False` takes it as it
    is), decay -0.8, epsilons 1e-30 and 1e-3, clipping at 1.
    """

    def __init__(
        self,
        learning_rate=0.01,
        beta_2_decay=-0.8,
        epsilon_1=1e-30,
        epsilon_2=1e-3,
        clip_threshold=1.0,
        relative_step=True,
        **kwargs,
    ):
        super().__init__(learning_rate, **kwargs)
        if not -1 <= beta_2_decay < 0:
            raise ValueError(f"Adafactor: `beta_2_decay` must be in [-1, 0). Received: beta_2_decay={beta_2_decay}")
        self._check_at_least_zero(epsilon_1=epsilon_1, epsilon_2=epsilon_2, clip_threshold=clip_threshold)
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._squares, self._rows, self._columns = [], [], []
        for variable in variables:
            shape = tuple(variable.shape)
            matrix = len(shape) > 1
            self._squares.append(None if matrix else self.add_slot(variable, shape, "square"))
            self._rows.append(self.add_slot(variable, shape[:-1], "row") if matrix else None)
            self._columns.append(self.add_slot(variable, shape[:-2] + shape[-1:], "column") if matrix else None)

    def step_scalars(self, step, learning_rate):
        rate = smaller(learning_rate, 1 / ops.sqrt(step)) if self.relative_step else learning_rate
        return rate * self.clip_threshold, step**self.beta_2_decay

    def update_step(self, gradient, variable, learning_rate, rate, share):
        index = self._get_variable_index(variable)
        squared = ops.square(gradient) + number(self.epsilon_1, variable.dtype)

        def averaged(slot, value):
            self._descend(kernels.native(slot), share, kernels.read(slot) - value)
            return kernels.read(slot)

        if len(variable.shape) < 2:
            update = gradient * ops.rsqrt(averaged(self._squares[index], squared))
        else:
            row = averaged(self._rows[index], kernels.mean(squared, -1))  # ... R
            column = averaged(self._columns[index], kernels.mean(squared, -2))  # ... C
            row = row / kernels.mean(row, -1, keepdims=True)
            # Roots of the small factors: the matrix itself is only multiplied.
            update = gradient * kernels.expanded(ops.rsqrt(row), -1) * kernels.expanded(ops.rsqrt(column), -2)
        # clip_threshold max(epsilon_2, rms(w)) / max(clip_threshold, rms(u)), by half the sums of squares.
        half = math.prod(variable.shape) / 2
        size = at_least(kernels.half_sum_of_squares(variable), half * self.epsilon_2**2)
        length = at_least(kernels.half_sum_of_squares(update), half * self.clip_threshold**2)
        self._descend(variable, rate * ops.sqrt(size / length), update)

    def get_config(self):
        return {
            **super().get_config(),
            "beta_2_decay": self.beta_2_decay,
            "epsilon_1": self.epsilon_1,
            "epsilon_2": self.epsilon_2,
            "clip_threshold": self.clip_threshold,
            "relative_step": self.relative_step,
        }

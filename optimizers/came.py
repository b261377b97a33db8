"""CAME: Adafactor with momentum, and less of a step where the momentum is not to be trusted."""

import math

import keras
from keras import ops

from optimizers import kernels
from optimizers.arithmetic import number, toward
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class CAME(Optimizer):
    """CAME, Algorithm 2 of the paper; ~x is x from the moving averages of its rows and columns, as in Adafactor.

        v = ~(g^2 + epsilon_1) by beta_2
        u = g / sqrt(v);   u = u / max(1, rms(u) / clip_threshold)
        m = beta_1 m + (1 - beta_1) u
        s = ~((u - m)^2 + epsilon_2) by beta_3
        w -= lr m / sqrt(s)

    Vectors keep a whole v and step by m alone, as in the authors' code; of more than two dimensions, the last two are
    factored. No bias correction: the clipping holds the first steps.

    When to use: in place of Adam for large transformers, at 0.5 to 0.9 of AdamW's rate.
    Memory: one number per parameter and 2 (rows + columns) for each matrix, two per parameter of vectors.
    Paper: Luo et al., arXiv:2307.02047.
    Defaults: the authors': learning rate 2e-4, betas 0.9, 0.999 and 0.9999, epsilons 1e-30 and 1e-16, clipping at 1.
    """

    def __init__(
        self,
        learning_rate=2e-4,
        beta_1=0.9,
        beta_2=0.999,
        beta_3=0.9999,
        epsilon_1=1e-30,
        epsilon_2=1e-16,
        clip_threshold=1.0,
        **kwargs,
    ):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(beta_1=beta_1, beta_2=beta_2, beta_3=beta_3)
        self._check_at_least_zero(epsilon_1=epsilon_1, epsilon_2=epsilon_2, clip_threshold=clip_threshold)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.beta_3 = beta_3
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum")
        self._squares, self._factors, self._residuals = [], [], []
        for variable in variables:
            shape = tuple(variable.shape)
            matrix = len(shape) > 1
            self._squares.append(None if matrix else self.add_slot(variable, shape, "square"))
            self._factors.append(self._factored(variable, "square") if matrix else None)
            self._residuals.append(self._factored(variable, "residual") if matrix else None)

    def _factored(self, variable, name):
        shape = tuple(variable.shape)
        row = self.add_slot(variable, shape[:-1], f"{name}_row")
        return row, self.add_slot(variable, shape[:-2] + shape[-1:], f"{name}_column")

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        squared = ops.square(gradient) + self.epsilon_1
        if self._squares[index] is not None:
            second = toward(self._squares[index], squared, 1 - self.beta_2)
            self.assign(self._squares[index], second)
            update = gradient / ops.sqrt(second)
        else:
            update = self._divided(gradient, squared, self._factors[index], self.beta_2)
        excess = root_mean_square(update) / self.clip_threshold
        update = update / ops.where(excess > 1, excess, 1)
        first = toward(self._momentums[index], update, 1 - self.beta_1)
        self.assign(self._momentums[index], first)
        if self._squares[index] is None:
            instability = ops.square(update - first) + self.epsilon_2
            first = self._divided(first, instability, self._residuals[index], self.beta_3)
        self.assign_sub(variable, learning_rate * first)

    def _divided(self, values, squared, slots, beta):
        """`values` over the root of what the averages of the rows and columns of `squared` give."""
        row = toward(slots[0], kernels.mean(squared, -1), 1 - beta)  # ... R
        column = toward(slots[1], kernels.mean(squared, -2), 1 - beta)  # ... C
        self.assign(slots[0], row)
        self.assign(slots[1], column)
        row = row / kernels.mean(row, -1, keepdims=True)
        return values / ops.sqrt(ops.expand_dims(row, -1)) / ops.sqrt(ops.expand_dims(column, -2))

    def get_config(self):
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "beta_3": self.beta_3,
            "epsilon_1": self.epsilon_1,
            "epsilon_2": self.epsilon_2,
            "clip_threshold": self.clip_threshold,
        }


def root_mean_square(values):
    half = kernels.half_sum_of_squares(values)
    return ops.sqrt(half * number(2 / math.prod(values.shape), half.dtype))

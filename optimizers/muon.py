"""Muon: momentum whose matrices are made orthogonal before the step."""

import math
import re

import keras
from keras import ops

from optimizers.adam import Adam
from optimizers.arithmetic import norm_of

# Of the quintic iteration: steep at 0, so that five rounds bring every singular value into about [0.7, 1.2].
A, B, C = 3.4445, -4.7750, 2.0315


@keras.saving.register_keras_serializable("menagerie")
class Muon(Adam):
    """Muon for matrices, Adam for all else.

        b = momentum b + g
        O = orthogonal part of (g + momentum b), or of b without `nesterov`
        w -= lr O sqrt(max(1, columns / rows))
        the orthogonal part of X: X / ||X||, then five times X = A X + B (X X') X + C (X X')^2 X

    Kernels of convolutions count as matrices of (all else, output channels). Keras keeps outputs in the last axis,
    torch in the first: the ratio is outputs over inputs in both. Computed in the variable's dtype, not in bfloat16.
    Vectors, scalars and variables whose path matches a pattern of `exclude_layers` take Adam's step, by
    `adam_lr_ratio` times the learning rate: give it the embedding and the last layer.

    When to use: hidden layers of transformers and convolutional networks; needs about half of Adam's steps.
    Memory: one number per parameter of matrices, two of the rest.
    Paper: Jordan et al. 2024; Liu et al., arXiv:2502.16982.
    Defaults: Jordan's: learning rate 0.02, momentum 0.95; Adam at 0.015 of it (3e-4).
    """

    def __init__(
        self,
        learning_rate=0.02,
        momentum=0.95,
        nesterov=True,
        ns_steps=5,
        adam_lr_ratio=0.015,
        exclude_layers=None,
        **kwargs,
    ):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(momentum=momentum)
        self._check_at_least_zero(adam_lr_ratio=adam_lr_ratio, ns_steps=ns_steps)
        self.momentum = momentum
        self.nesterov = nesterov
        self.ns_steps = ns_steps
        self.adam_lr_ratio = adam_lr_ratio
        self.exclude_layers = list(exclude_layers or ())

    def build(self, variables):
        if self.built:
            return
        # Past Adam's build: a matrix needs no second moment.
        super(Adam, self).build(variables)
        self._orthogonal = [
            len(v.shape) > 1 and not any(re.search(pattern, v.path) for pattern in self.exclude_layers)
            for v in variables
        ]
        self._momentums = self.add_optimizer_variables(variables, "momentum")
        self._velocities = [
            None if orthogonal else self.add_slot(variable, variable.shape, "velocity")
            for variable, orthogonal in zip(variables, self._orthogonal, strict=True)
        ]

    def update_step(self, gradient, variable, learning_rate, rate, epsilon):
        index = self._get_variable_index(variable)
        if not self._orthogonal[index]:
            super().update_step(gradient, variable, learning_rate, self.adam_lr_ratio * rate, epsilon)
            return
        velocity = self.momentum * ops.convert_to_tensor(self._momentums[index]) + gradient
        self.assign(self._momentums[index], velocity)
        direction = gradient + self.momentum * velocity if self.nesterov else velocity
        columns = variable.shape[-1]
        rows = math.prod(variable.shape[:-1])
        update = orthogonal_part(ops.reshape(direction, (rows, columns)), self.ns_steps)
        scale = math.sqrt(max(1, columns / rows))
        self._descend(variable, learning_rate * scale, ops.reshape(update, variable.shape))

    def get_config(self):
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "nesterov": self.nesterov,
            "ns_steps": self.ns_steps,
            "adam_lr_ratio": self.adam_lr_ratio,
            "exclude_layers": list(self.exclude_layers),
        }


def orthogonal_part(matrix, steps):
    """The matrix with all singular values brought near 1, by Newton-Schulz iteration."""
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else ops.transpose(matrix)
    x = x / (norm_of(x) + 1e-7)
    for _ in range(steps):
        gram = x @ ops.transpose(x)
        x = A * x + (B * gram + C * (gram @ gram)) @ x
    return x if wide else ops.transpose(x)

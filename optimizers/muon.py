"""Muon: momentum whose matrices are made orthogonal before the step."""

import math
import re

import keras
from keras import ops

from optimizers import messages
from optimizers.adam import AdaptiveMoments
from optimizers.arithmetic import norm_of


@keras.saving.register_keras_serializable("menagerie")
class Muon(AdaptiveMoments):
    """Muon for matrices, Adam for all else.

        b = momentum b + g
        O = orthogonal part of (g + momentum b), or of b without `nesterov`
        w -= lr O sqrt(max(1, columns / rows)), or with `rms_rate` lr O rms_rate sqrt(max(columns, rows))
        the orthogonal part of X: X / ||X||, then `ns_steps` times X = a X + b (X X') X + c (X X')^2 X

    Kernels of convolutions count as matrices of (all else, output channels). Keras keeps outputs in the last axis,
    torch in the first: the ratio is outputs over inputs in both. Computed in float32 or float64, not in bfloat16.
    Vectors, scalars, embeddings (`exclude_embeddings`: "embedding" in the path) and variables whose path matches a
    pattern of `exclude_layers` take Adam's step, by `adam_lr_ratio` times the learning rate and with a decay of their
    own, `adam_weight_decay` (None: `weight_decay`): name the last layer there. `rms_rate=0.2` is Liu et al.'s, for
    Adam's learning rates.

    When to use: hidden layers of transformers and convolutional networks; needs about half of Adam's steps.
    Memory: one number per parameter of matrices, two of the rest.
    Paper: Jordan et al. 2024; Liu et al., arXiv:2502.16982.
    Defaults: Jordan's: learning rate 0.02, momentum 0.95; Adam at 0.015 of it (3e-4).
    """

    absent = ("beta_1", "beta_2")
    reads_keras_state = True

    def __init__(
        self,
        learning_rate=0.02,
        *,
        adam_beta_1=0.9,
        adam_beta_2=0.999,
        adam_weight_decay=None,
        epsilon=1e-8,
        exclude_layers=None,
        exclude_embeddings=True,
        muon_a=3.4445,
        muon_b=-4.7750,
        muon_c=2.0315,
        adam_lr_ratio=0.015,
        momentum=0.95,
        ns_steps=5,
        nesterov=True,
        rms_rate=None,
        **kwargs,
    ):
        messages.check_arguments(type(self), kwargs)
        self._check_fractions(momentum=momentum, adam_beta_1=adam_beta_1, adam_beta_2=adam_beta_2)
        super().__init__(learning_rate, beta_1=adam_beta_1, beta_2=adam_beta_2, epsilon=epsilon, **kwargs)
        self._check_at_least_zero(
            adam_weight_decay=adam_weight_decay, adam_lr_ratio=adam_lr_ratio, ns_steps=ns_steps, rms_rate=rms_rate
        )
        self.adam_weight_decay = adam_weight_decay
        self.exclude_layers = list(exclude_layers or ())
        self.exclude_embeddings = bool(exclude_embeddings)
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate

    def build(self, variables):
        if self.built:
            return
        self._orthogonal = [len(variable.shape) > 1 and not self._excludes(variable) for variable in variables]
        # Past the moments' own build: a matrix needs no second moment.
        super(AdaptiveMoments, self).build(variables)
        self._momentums, self._velocities = [], []
        for variable, orthogonal in zip(variables, self._orthogonal, strict=True):  # in Keras's order
            names = ["momentum"] if orthogonal else ["momentum", "velocity"]
            (first,), *second = self.add_optimizer_variables([variable], names)
            self._momentums.append(first)
            self._velocities.append(second[0][0] if second else None)

    def _excludes(self, variable):
        embedding = self.exclude_embeddings and "embedding" in variable.path.lower()
        return embedding or any(re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def _default_decays(self, variables):
        apart = self.weight_decay if self.adam_weight_decay is None else self.adam_weight_decay
        return [self.weight_decay if orthogonal else apart for orthogonal in self._orthogonal]

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
        coefficients = self.muon_a, self.muon_b, self.muon_c
        update = orthogonal_part(ops.reshape(direction, (rows, columns)), self.ns_steps, *coefficients)
        scale = math.sqrt(max(1, columns / rows))
        if self.rms_rate is not None:
            scale = self.rms_rate * math.sqrt(max(columns, rows))
        self._descend(variable, learning_rate * scale, ops.reshape(update, variable.shape))

    def get_config(self):
        config = super().get_config()
        del config["beta_1"], config["beta_2"]
        return {
            "groups": [],  # always there: it tells this configuration from Keras's
            **config,
            "adam_beta_1": self.beta_1,
            "adam_beta_2": self.beta_2,
            "adam_weight_decay": self.adam_weight_decay,
            "exclude_layers": list(self.exclude_layers),
            "exclude_embeddings": self.exclude_embeddings,
            "muon_a": self.muon_a,
            "muon_b": self.muon_b,
            "muon_c": self.muon_c,
            "adam_lr_ratio": self.adam_lr_ratio,
            "momentum": self.momentum,
            "ns_steps": self.ns_steps,
            "nesterov": self.nesterov,
            "rms_rate": self.rms_rate,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        if "beta_1" in config:  # of version 0.1.0, which took Adam for embeddings only where they were named
            renamed = {"beta_1": "adam_beta_1", "beta_2": "adam_beta_2"}
            config = {renamed.get(key, key): value for key, value in config.items()}
            config["exclude_embeddings"] = False
        elif "groups" not in config and "rms_rate" in config:  # of Keras's class
            if config["rms_rate"] is None:
                raise ValueError(
                    "Muon: `rms_rate=None` leaves the update as it is in Keras, here it scales it by "
                    "sqrt(max(1, columns / rows)). Give a number (Keras's default is 0.2), or leave the argument out."
                )
            config = {**config, "adam_weight_decay": config["adam_weight_decay"] or 0.0}
        return super().from_config(config, custom_objects)


def orthogonal_part(matrix, steps, a, b, c):
    """The matrix with all singular values brought near 1, by Newton-Schulz iteration.

    Muon's default coefficients are steep at 0: five rounds bring every singular value into about [0.7, 1.2].
    """
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else ops.transpose(matrix)
    x = x / (norm_of(x) + 1e-7)
    for _ in range(steps):
        gram = x @ ops.transpose(x)
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x if wide else ops.transpose(x)

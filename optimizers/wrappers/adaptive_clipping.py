"""Adaptive gradient clipping: a gradient no longer than a fraction of the weights it moves."""

import re

import keras
from keras import ops

from optimizers import messages
from optimizers.arithmetic import larger
from optimizers.wrappers.wrapper import Wrapper


@keras.saving.register_keras_serializable("menagerie")
class AdaptiveGradientClipping(Wrapper):
    """Clips the gradient of each output unit by the norm of the unit's weights.

        limit = clipping max(||w||, epsilon)
        g = g limit / ||g||     where ||g|| > limit
        then the inner optimizer's step

    A unit is a column of a matrix (all axes but the last of a kernel); a vector or a scalar is one unit. Leave out
    the last layer, as the paper does: `exclude_layers=["logits/"]`.

    When to use: networks without normalization; large batches.
    Memory: none.
    Paper: Brock et al., arXiv:2102.06171.
    Defaults: clipping 0.01, epsilon 1e-3 (the paper's).
    """

    def __init__(self, inner, clipping=0.01, epsilon=1e-3, exclude_layers=None, **kwargs):
        super().__init__(inner, **kwargs)
        self._check_at_least_zero(clipping=clipping, epsilon=epsilon)
        self.clipping = clipping
        self.epsilon = epsilon
        self.exclude_layers = list(exclude_layers or ())

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._clipped = [
            not any(re.search(pattern, text) for pattern in self.exclude_layers for text in messages.texts(variable))
            for variable in variables
        ]

    def update_step(self, gradient, variable, learning_rate, *scalars):
        if self._clipped[self._get_variable_index(variable)]:
            epsilon = ops.convert_to_tensor(self.epsilon, variable.dtype)
            limit = self.clipping * larger(_unit_norms(variable), epsilon)
            length = _unit_norms(gradient)
            longer = length > limit
            gradient = gradient * ops.where(longer, limit / ops.where(longer, length, 1), 1)
        self.inner.update_step(gradient, variable, learning_rate, *scalars)

    def get_config(self):
        return {
            **super().get_config(),
            "clipping": self.clipping,
            "epsilon": self.epsilon,
            "exclude_layers": list(self.exclude_layers),
        }


def _unit_norms(values):
    axes = tuple(range(len(values.shape) - 1)) if len(values.shape) > 1 else None
    return ops.sqrt(ops.sum(ops.square(values), axis=axes, keepdims=axes is not None))

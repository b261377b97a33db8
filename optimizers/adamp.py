"""AdamP: Adam without the part of the step that only makes scale-invariant weights longer."""

import math

import keras
from keras import ops

from optimizers.adam import AdaptiveMoments


@keras.saving.register_keras_serializable("menagerie")
class AdamP(AdaptiveMoments):
    """Adam whose step is projected where the loss does not depend on the length of the weights.

        u = Adam's step / lr
        |cos(w, g)| < delta / sqrt(size of w): u -= w <w, u> / <w, w> and weight_decay is multiplied by decay_ratio
        w -= lr (weight_decay w + u)

    Tried first with each output channel as a w of its own, all of which must pass, then with the whole variable; never
    with vectors. Keras keeps output channels in the last axis, torch in the first. Follows the authors' code, with
    Adam's epsilon; pytorch_optimizer does not divide it by the bias correction and lets it shorten the projection.

    When to use: weights before a normalization (most convolutional networks), whose effective step momentum shrinks.
    Memory: two numbers per parameter.
    Paper: Heo et al., arXiv:2006.08217.
    Defaults: Adam's; delta 0.1 and decay ratio 0.1, the paper's.
    """

    same_state_as = "Adam"
    decays_itself = True

    def __init__(self, learning_rate=0.001, *, delta=0.1, decay_ratio=0.1, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_at_least_zero(delta=delta, decay_ratio=decay_ratio)
        self.delta = delta
        self.decay_ratio = decay_ratio

    def update_step(self, gradient, variable, learning_rate, rate, epsilon):
        index = self._get_variable_index(variable)
        first = self._average(self._momentums[index], gradient, self.beta_1)
        second = self._average(self._velocities[index], ops.square(gradient), self.beta_2)
        self.assign(self._momentums[index], first)
        self.assign(self._velocities[index], second)
        update, ratio = projected(
            first / (ops.sqrt(second) + epsilon), gradient, variable, self.delta, self.decay_ratio
        )
        decay = learning_rate * self._decay_of(variable) * ratio
        self.assign_sub(variable, decay * variable + rate * update)

    def get_config(self):
        return {**super().get_config(), "delta": self.delta, "decay_ratio": self.decay_ratio}


def projected(update, gradient, variable, delta, decay_ratio):
    """The update without its part along the weights, where these look scale-invariant, and the factor of the decay.

    They do if the gradient is nearly orthogonal to them: channel by channel (all axes but the last), or as a whole.
    """
    weights = ops.convert_to_tensor(variable)
    if len(weights.shape) < 2:
        return update, 1.0

    def seen(axes):
        inner = ops.sum(weights * gradient, axes, keepdims=True)
        length = ops.sum(ops.square(weights), axes, keepdims=True)
        slope = ops.sum(ops.square(gradient), axes, keepdims=True)
        norms = ops.sqrt(length) * ops.sqrt(slope)
        cosine = ops.abs(inner) / ops.where(norms > 0, norms, 1)
        radial = ops.sum(weights * update, axes, keepdims=True) / ops.where(length > 0, length, 1)
        size = math.prod(weights.shape[axis] for axis in axes)
        return ops.max(cosine) < delta / math.sqrt(size), update - radial * weights

    axes = tuple(range(len(weights.shape)))
    channels, without_theirs = seen(axes[:-1])
    whole, without_its = seen(axes)
    update = ops.where(channels, without_theirs, ops.where(whole, without_its, update))
    invariant = ops.cast(ops.logical_or(channels, whole), weights.dtype)
    return update, 1 - invariant * (1 - decay_ratio)

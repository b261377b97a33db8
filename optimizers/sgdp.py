"""SGDP: momentum without the part of the step that only makes scale-invariant weights longer."""

import keras
from keras import ops

from optimizers.adamp import projected
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class SGDP(Optimizer):
    """SGD with momentum whose step is projected where the loss does not depend on the length of the weights.

        v = momentum v + g
        u = v, or g + momentum v with `nesterov`
        |cos(w, g)| < delta / sqrt(size of w): u -= w <w, u> / <w, w> and weight_decay is multiplied by decay_ratio
        w -= lr (weight_decay w + u)

    The condition is AdamP's. The decay is ours, lr weight_decay w; the authors' code (and pytorch_optimizer) divides it
    by 1 - momentum, to be as strong as a decay inside the gradient: multiply theirs by 1 / (1 - momentum).

    When to use: in place of SGD for networks with normalization.
    Memory: one number per parameter.
    Paper: Heo et al., arXiv:2006.08217.
    Defaults: learning rate 0.1, momentum 0.9, delta 0.1 and decay ratio 0.1, the paper's.
    """

    decays_itself = True

    def __init__(self, learning_rate=0.1, momentum=0.9, nesterov=False, delta=0.1, decay_ratio=0.1, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(momentum=momentum)
        self._check_at_least_zero(delta=delta, decay_ratio=decay_ratio)
        self.momentum = momentum
        self.nesterov = nesterov
        self.delta = delta
        self.decay_ratio = decay_ratio

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._velocities = self.add_optimizer_variables(variables, "velocity")

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        velocity = self.momentum * ops.convert_to_tensor(self._velocities[index]) + gradient
        self.assign(self._velocities[index], velocity)
        update = gradient + self.momentum * velocity if self.nesterov else velocity
        update, ratio = projected(update, gradient, variable, self.delta, self.decay_ratio)
        decay = learning_rate * self._decay_of(variable) * ratio
        self.assign_sub(variable, decay * variable + learning_rate * update)

    def get_config(self):
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "nesterov": self.nesterov,
            "delta": self.delta,
            "decay_ratio": self.decay_ratio,
        }

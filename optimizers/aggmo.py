"""AggMo: several momentums side by side, each damping what makes the others swing."""

import keras
from keras import ops

from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class AggMo(Optimizer):
    """Aggregated momentum.

        v_i = beta_i v_i + g, for each beta
        w -= lr (mean of the v_i)

    When to use: in place of SGD with momentum 0.9 and more, where that swings: up to 0.999 stays stable.
    Memory: one number per parameter for each beta above 0.
    Paper: Lucas, Sun, Zemel & Grosse, arXiv:1804.00325.
    Defaults: the paper's: learning rate 0.1, betas 0, 0.9 and 0.99.
    """

    def __init__(self, learning_rate=0.1, betas=(0.0, 0.9, 0.99), **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.betas = [float(beta) for beta in betas]
        self._check_fractions(**{f"betas[{i}]": beta for i, beta in enumerate(self.betas)})
        if not self.betas:
            raise ValueError(f"AggMo: `betas` must hold at least one number in [0, 1). Received: betas={betas}")

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        names = [f"velocity_{i}" for i, beta in enumerate(self.betas) if beta]
        # Of each variable, one slot a beta that needs one.
        self._velocities = list(zip(*(self.add_optimizer_variables(variables, name) for name in names), strict=True))

    def update_step(self, gradient, variable, learning_rate):
        # A velocity that forgets at once is the gradient.
        total = gradient * self.betas.count(0.0)
        remembered = [beta for beta in self.betas if beta]
        slots = self._velocities[self._get_variable_index(variable)] if remembered else ()
        for beta, slot in zip(remembered, slots, strict=True):
            velocity = beta * ops.convert_to_tensor(slot) + gradient
            self.assign(slot, velocity)
            total = total + velocity
        self.assign_sub(variable, learning_rate / len(self.betas) * total)

    def get_config(self):
        return {**super().get_config(), "betas": list(self.betas)}

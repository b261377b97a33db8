"""COCOB: each weight bets on its gradients, and needs no learning rate."""

import keras
from keras import ops

from optimizers.arithmetic import larger
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class COCOB(Optimizer):
    """COCOB-Backprop, Algorithm 2 of the paper; x is the first weights, g the gradient times lr.

        L = max(L, |g|), from epsilon;   G = G + |g|
        reward = max(reward - (w - x) g, 0)
        theta = theta - g
        w = x + theta / (L max(G + L, alpha L)) (L + reward)

    The rule does not notice the scale of its gradients: a learning rate other than 1 changes nothing, a schedule weighs
    the steps against each other. Since w follows from the sums alone, weight decay enters the gradient. So in optax.

    When to use: to train without a learning rate; steady, though seldom the fastest.
    Memory: five numbers per parameter.
    Paper: Orabona & Tommasi, arXiv:1705.07795.
    Defaults: alpha 100, the paper's; epsilon 1e-8 (tensorflow-addons, optax).
    """

    decays_itself = True

    def __init__(self, learning_rate=1.0, alpha=100.0, epsilon=1e-8, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_above_zero(alpha=alpha, epsilon=epsilon)
        self.alpha = alpha
        self.epsilon = epsilon

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        names = ["start", "sum", "largest", "size", "reward"]
        self._starts, self._sums, self._largest, self._sizes, self._rewards = self.add_optimizer_variables(
            variables, names
        )

    def step_scalars(self, step, learning_rate):
        return (ops.cast(step > 1, step.dtype),)

    def update_step(self, gradient, variable, learning_rate, later):
        index = self._get_variable_index(variable)
        if self._decay_of(variable):
            gradient = gradient + self._decay_of(variable) * ops.convert_to_tensor(variable)
        gradient = learning_rate * gradient
        size = ops.abs(gradient)
        start = later * self._starts[index] + (1 - later) * variable
        reward = ops.relu(self._rewards[index] - (variable - start) * gradient)
        floor = ops.convert_to_tensor(self.epsilon, variable.dtype)
        largest = larger(larger(self._largest[index], size), floor)
        sizes = self._sizes[index] + size
        total = self._sums[index] - gradient
        bet = total / (largest * larger(sizes + largest, self.alpha * largest))
        self.assign(variable, start + bet * (largest + reward))
        self.assign(self._starts[index], start)
        self.assign(self._sums[index], total)
        self.assign(self._largest[index], largest)
        self.assign(self._sizes[index], sizes)
        self.assign(self._rewards[index], reward)

    def get_config(self):
        return {**super().get_config(), "alpha": self.alpha, "epsilon": self.epsilon}

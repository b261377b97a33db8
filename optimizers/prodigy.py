"""Prodigy: Adam that finds its own learning rate."""

import keras
from keras import ops

from optimizers.arithmetic import larger, toward
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class Prodigy(Optimizer):
    """Prodigy, the paper's Algorithm 4: Adam that finds its own learning rate; d is the distance estimate, x the first
    weights, b = sqrt(beta_2).

        m = beta_1 m + (1 - beta_1) d g;   v = beta_2 v + (1 - beta_2) d^2 g^2
        r = b r + (1 - b) lr d^2 <g, x - w>
        s = b s + (1 - b) lr d^2 g
        w -= lr d m / (sqrt(v) + d epsilon)
        d = max(d, r / ||s||_1)                            (over all variables, for the next step)

    Follows the algorithm as printed; the authors' code (and so optax and pytorch_optimizer, which part from each other)
    puts the new d beside epsilon and adds up r and s with other weights.

    When to use: to train without tuning: leave the learning rate at 1 and give it a cosine schedule.
    Memory: four numbers per parameter.
    Paper: Mishchenko & Defazio, arXiv:2306.06101.
    Defaults: the paper's: learning rate 1, betas 0.9 and 0.999, epsilon 1e-8, d from 1e-6. Decay goes by lr d.
    """

    decays_itself = True

    def __init__(self, learning_rate=1.0, beta_1=0.9, beta_2=0.999, epsilon=1e-8, initial_distance=1e-6, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(beta_1=beta_1, beta_2=beta_2)
        self._check_at_least_zero(epsilon=epsilon)
        if not initial_distance > 0:
            raise ValueError(
                f"Prodigy: `initial_distance` must be above 0. Received: initial_distance={initial_distance}"
            )
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.initial_distance = initial_distance

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        names = ["momentum", "velocity", "sum", "start"]
        self._momentums, self._velocities, self._sums, self._starts = self.add_optimizer_variables(variables, names)
        self.add_scalar("distance", self.initial_distance)
        self.add_scalar("next_distance", self.initial_distance)
        self.add_scalar("numerator", 0.0)

    def advance(self, step, learning_rate, gradients, variables, last, distance, numerator):
        fading = self.beta_2**0.5
        weight = (1 - fading) * learning_rate * ops.square(distance)
        descent = norm = ops.zeros_like(step)
        for gradient, variable in zip(gradients, variables, strict=True):
            index = self._get_variable_index(variable)
            moved = ops.cast(ops.sum(gradient * (self._starts[index] - variable)), step.dtype)
            total = fading * ops.convert_to_tensor(self._sums[index]) + ops.cast(weight, variable.dtype) * gradient
            descent = descent + moved
            norm = norm + ops.cast(ops.sum(ops.abs(total)), step.dtype)
        # At the first step nothing has moved, and no start has been taken.
        numerator = fading * numerator + weight * ops.where(step > 1, descent, 0)
        estimate = numerator / ops.where(norm > 0, norm, 1)
        return distance, larger(distance, estimate), numerator

    def step_scalars(self, step, learning_rate, distance, following, numerator):
        weight = (1 - self.beta_2**0.5) * learning_rate * ops.square(distance)
        return learning_rate * distance, distance, weight, ops.cast(step > 1, step.dtype)

    def update_step(self, gradient, variable, learning_rate, rate, distance, weight, later):
        index = self._get_variable_index(variable)
        start = later * self._starts[index] + (1 - later) * variable
        scaled = distance * gradient
        first = toward(self._momentums[index], scaled, 1 - self.beta_1)
        second = toward(self._velocities[index], ops.square(scaled), 1 - self.beta_2)
        self.assign(self._starts[index], start)
        self.assign(self._momentums[index], first)
        self.assign(self._velocities[index], second)
        total = self.beta_2**0.5 * ops.convert_to_tensor(self._sums[index]) + weight * gradient
        self.assign(self._sums[index], total)
        direction = first / (ops.sqrt(second) + distance * self.epsilon)
        if self._decay_of(variable):
            direction = direction + self._decay_of(variable) * ops.convert_to_tensor(variable)
        self.assign_sub(variable, rate * direction)

    def get_config(self):
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "initial_distance": self.initial_distance,
        }

"""D-Adaptation: gradient descent and Adam that find the distance to the solution, and so their learning rate."""

import keras
from keras import ops

from optimizers.arithmetic import larger, toward
from optimizers.base import Optimizer


class _DAdapt(Optimizer):
    """Base of the two: the estimate d of the distance, which a step uses before it moves it on."""

    decays_itself = True

    def _add_distances(self, initial_distance):
        self.add_scalar("distance", initial_distance)
        self.add_scalar("next_distance", initial_distance)
        self.add_scalar("numerator", 0.0)

    def _check_distance(self, initial_distance):
        self._check_above_zero(initial_distance=initial_distance)
        self.initial_distance = initial_distance


@keras.saving.register_keras_serializable("menagerie")
class DAdaptAdam(_DAdapt):
    """Adam with D-Adaptation, the paper's Algorithm 5; b = sqrt(beta_2), r starts at 0, norms are over all variables.

        m = beta_1 m + (1 - beta_1) lr d g;   v = beta_2 v + (1 - beta_2) g^2
        w -= m / (sqrt(v) + epsilon) + lr d weight_decay w
        r = b r + (1 - b) lr d <g, s / (sqrt(v) + epsilon)>
        s = b s + (1 - b) lr d g
        d = max(d, r / ((1 - b) ||s||_1))                  (for the next step)

    Follows the algorithm as printed: no bias correction, and the v of this step in r. The authors' code,
    pytorch_optimizer and optax take the v of the step before, and optax multiplies Adam's bias corrections into lr.

    When to use: to train without tuning: leave the learning rate at 1 and give it a schedule. Prodigy grows d faster.
    Memory: three numbers per parameter.
    Paper: Defazio & Mishchenko, arXiv:2301.07733.
    Defaults: the paper's: learning rate 1, betas 0.9 and 0.999, epsilon 1e-8, d from 1e-6.
    """

    def __init__(self, learning_rate=1.0, beta_1=0.9, beta_2=0.999, epsilon=1e-8, initial_distance=1e-6, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(beta_1=beta_1, beta_2=beta_2)
        self._check_at_least_zero(epsilon=epsilon)
        self._check_distance(initial_distance)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        names = ["momentum", "velocity", "sum"]
        self._momentums, self._velocities, self._sums = self.add_optimizer_variables(variables, names)
        self._add_distances(self.initial_distance)

    def advance(self, step, learning_rate, gradients, variables, last, distance, numerator):
        fading = self.beta_2**0.5
        weight = learning_rate * distance
        inner = norm = ops.zeros_like(step)
        for gradient, variable in zip(gradients, variables, strict=True):
            index = self._get_variable_index(variable)
            before = self._sums[index]
            second = toward(self._velocities[index], ops.square(gradient), 1 - self.beta_2)
            product = ops.sum(gradient * before / (ops.sqrt(second) + self.epsilon))
            total = toward(before, ops.cast(weight, variable.dtype) * gradient, 1 - fading)
            inner = inner + ops.cast(product, step.dtype)
            norm = norm + ops.cast(ops.sum(ops.abs(total)), step.dtype)
        numerator = fading * numerator + (1 - fading) * weight * inner
        estimate = numerator / ops.where(norm > 0, (1 - fading) * norm, 1)
        return distance, larger(distance, estimate), numerator

    def step_scalars(self, step, learning_rate, distance, following, numerator):
        return (learning_rate * distance,)

    def update_step(self, gradient, variable, learning_rate, rate):
        index = self._get_variable_index(variable)
        scaled = rate * gradient
        first = toward(self._momentums[index], scaled, 1 - self.beta_1)
        second = toward(self._velocities[index], ops.square(gradient), 1 - self.beta_2)
        self.assign(self._momentums[index], first)
        self.assign(self._velocities[index], second)
        self.assign(self._sums[index], toward(self._sums[index], scaled, 1 - self.beta_2**0.5))
        change = first / (ops.sqrt(second) + self.epsilon)
        if self._decay_of(variable):
            change = change + (rate * self._decay_of(variable)) * variable
        self.assign_sub(variable, change)

    def get_config(self):
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "initial_distance": self.initial_distance,
        }


@keras.saving.register_keras_serializable("menagerie")
class DAdaptSGD(_DAdapt):
    """Gradient descent with D-Adaptation, the paper's Algorithm 4; norms and products are over all variables.

        c = lr d / ||first g||;   z = z - c g              (z from the first weights)
        w = momentum w + (1 - momentum) z
        r = r + c <g, s>;   s = s + c g
        d = max(d, 2 r / ||s||)                            (for the next step)

    The momentum is an average of the weights, and equals the usual one at learning rates 1 - momentum times as large.
    Weight decay enters the gradient, as in the authors' code. A first gradient of 0 is waited out.

    When to use: where SGD trains well, without tuning: leave the learning rate at 1 and give it the usual schedule. d
    never falls again: if the loss jumps in the first epochs, warm the schedule up or do without momentum.
    Memory: two numbers per parameter.
    Paper: Defazio & Mishchenko, arXiv:2301.07733.
    Defaults: learning rate 1 and d from 1e-6, the paper's; no momentum, as in the authors' code.
    """

    def __init__(self, learning_rate=1.0, momentum=0.0, initial_distance=1e-6, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(momentum=momentum)
        self._check_distance(initial_distance)
        self.momentum = momentum

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._sums, self._starts = self.add_optimizer_variables(variables, ["sum", "start"])
        self._add_distances(self.initial_distance)
        self.add_scalar("first_norm", 0.0)

    def advance(self, step, learning_rate, gradients, variables, last, distance, numerator, first):
        gradients = [self._decayed(gradient, variable) for gradient, variable in zip(gradients, variables, strict=True)]
        squares = sum(ops.cast(ops.sum(ops.square(gradient)), step.dtype) for gradient in gradients)
        first = ops.where(first > 0, first, ops.sqrt(squares))
        weight = _weight(learning_rate, distance, first)
        inner = norm = ops.zeros_like(step)
        for gradient, variable in zip(gradients, variables, strict=True):
            before = self._sums[self._get_variable_index(variable)]
            total = before + ops.cast(weight, variable.dtype) * gradient
            inner = inner + ops.cast(ops.sum(gradient * before), step.dtype)
            norm = norm + ops.cast(ops.sum(ops.square(total)), step.dtype)
        numerator = numerator + weight * inner
        estimate = 2 * numerator / ops.where(norm > 0, ops.sqrt(norm), 1)
        return distance, larger(distance, estimate), numerator, first

    def step_scalars(self, step, learning_rate, distance, following, numerator, first):
        return _weight(learning_rate, distance, first), ops.cast(step > 1, step.dtype)

    def update_step(self, gradient, variable, learning_rate, weight, later):
        index = self._get_variable_index(variable)
        total = self._sums[index] + weight * self._decayed(gradient, variable)
        start = later * self._starts[index] + (1 - later) * variable
        self.assign(self._sums[index], total)
        self.assign(self._starts[index], start)
        # From the sum, which is small: to move z itself would round every step to the last digit of the weights.
        end = start - total
        self.assign(variable, end + self.momentum * (variable - end))

    def _decayed(self, gradient, variable):
        decay = self._decay_of(variable)
        return gradient + decay * ops.convert_to_tensor(variable) if decay else gradient

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum, "initial_distance": self.initial_distance}


def _weight(learning_rate, distance, first):
    return learning_rate * distance / ops.where(first > 0, first, 1)

"""Schedule-Free learning: averaging in place of a falling learning rate."""

import keras
from keras import ops

from optimizers import kernels
from optimizers.arithmetic import constant, larger, smaller
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class ScheduleFreeSGD(Optimizer):
    """Schedule-Free SGD; y are the model's weights while it trains, x those to evaluate and to keep.

        r = lr min(1, t / warmup_steps)
        z -= r (g + weight_decay y)                        (g: the gradient at y)
        c = max(r)^2 / sum of max(r)^2                     (max(r): the largest r so far)
        x = (1 - c) x + c z
        y = (1 - beta_1) z + beta_1 x                      (at the start x = y = z)

    Follows the authors' code, as optax does, where the paper's c = r^2 / sum of r^2 has no maximum: they part only when
    the rate falls. optax reads a schedule one step ahead for c. Keras's own (AdamW alone) reads x after it has been
    overwritten, on TensorFlow and torch, and cannot evaluate at x. Use `optimizers.EvaluationWeights()` for that.

    When to use: where the number of steps is not known beforehand; no schedule but a warm-up. Rates are larger than
        usual.
    Memory: two numbers per parameter. (z, and x: computing it from y and z instead would round at each evaluation.)
    Paper: Defazio et al., arXiv:2405.15682.
    Defaults: learning rate 1.0 and beta_1 0.9 (the authors' code), no warm-up. `warmup_steps` counts updates.
    """

    decays_itself = True
    averages = True

    def __init__(self, learning_rate=1.0, beta_1=0.9, warmup_steps=0, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(beta_1=beta_1)
        if not isinstance(warmup_steps, int) or warmup_steps < 0:
            raise ValueError(
                f"{type(self).__name__}: `warmup_steps` must be an integer >= 0. Received: warmup_steps={warmup_steps}"
            )
        self.beta_1 = beta_1
        self.warmup_steps = warmup_steps

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._fast, self._averaged = self.add_optimizer_variables(variables, ["fast", "averaged"], constant("nan"))
        self.add_scalar("largest_rate", 0.0)
        self.add_scalar("count", 0.0)

    def evaluation_slots(self):
        return super().evaluation_slots() or self._averaged

    def advance(self, step, learning_rate, gradients, variables, before, count):
        # 1 / c: a number of steps. The sum of max(r)^2 itself would soon be too large for float32 to add one more.
        largest = larger(before, self._warmed(step, learning_rate))
        begun = largest > 0
        return largest, ops.where(begun, count * ops.square(before / ops.where(begun, largest, 1)) + 1, count)

    def step_scalars(self, step, learning_rate, largest, count):
        weight = ops.cast(count > 0, step.dtype) / ops.where(count > 0, count, 1)
        return self._warmed(step, learning_rate), weight

    def update_step(self, gradient, variable, learning_rate, rate, weight):
        self._follow_step(rate * gradient, variable, rate, weight)

    def _follow_step(self, step, variable, rate, weight):
        """Moves z by a step, then x and y after it."""
        index = self._get_variable_index(variable)
        fast, averaged = self._fast[index], self._averaged[index]
        if self._decay_of(variable):
            step = step + (rate * self._decay_of(variable)) * ops.convert_to_tensor(variable)
        z = self._begun(fast, variable) - step
        x = self._begun(averaged, variable)
        x = x + weight * (z - x)
        y = z + self.beta_1 * (x - z)
        self.assign(fast, z)
        self.assign(averaged, x)
        self.assign(variable, y)

    def _warmed(self, step, learning_rate):
        if not self.warmup_steps:
            return learning_rate
        return learning_rate * smaller(step / self.warmup_steps, ops.ones_like(step))

    def get_config(self):
        return {**super().get_config(), "beta_1": self.beta_1, "warmup_steps": self.warmup_steps}


@keras.saving.register_keras_serializable("menagerie")
class ScheduleFreeAdamW(ScheduleFreeSGD):
    """Schedule-Free AdamW; r, c, x and y as in `ScheduleFreeSGD`.

        v = beta_2 v + (1 - beta_2) g^2
        z -= r (g / (sqrt(v / (1 - beta_2^t)) + epsilon) + weight_decay y)

    Follows the authors' code, as optax does; the paper puts the bias correction into r, and so into c.

    When to use: as AdamW, where the number of steps is not known beforehand; evaluate with `EvaluationWeights()`.
    Memory: three numbers per parameter, one more than the authors' code; see `ScheduleFreeSGD`.
    Paper: Defazio et al., arXiv:2405.15682, Algorithm 1.
    Defaults: learning rate 0.0025, betas 0.9 and 0.999, epsilon 1e-8 (the authors' code).
    """

    def __init__(self, learning_rate=0.0025, beta_1=0.9, beta_2=0.999, epsilon=1e-8, warmup_steps=0, **kwargs):
        super().__init__(learning_rate, beta_1=beta_1, warmup_steps=warmup_steps, **kwargs)
        self._check_fractions(beta_2=beta_2)
        self._check_at_least_zero(epsilon=epsilon)
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        # The slot is v / (1 - beta_2), a sum that fades: so the gradient need not be scaled on its way into it.
        self._squares = self.add_optimizer_variables(variables, "square")

    def step_scalars(self, step, learning_rate, largest, count):
        rate, weight = super().step_scalars(step, learning_rate, largest, count)
        # g / (sqrt(v) / root + epsilon) = scale g / (sqrt(slot) + scale epsilon)
        scale = ops.sqrt(self._bias_correction(self.beta_2, step) / self._complement(self.beta_2, step.dtype))
        return rate, weight, rate * scale, self.epsilon * scale, self.beta_1 * (weight - 1)

    def update_step(self, gradient, variable, learning_rate, rate, weight, scaled_rate, epsilon, share):
        index = self._get_variable_index(variable)
        squares = self._squares[index]
        if not kernels.fused(variable):
            total = ops.convert_to_tensor(squares) * self.beta_2 + ops.square(gradient)
            self.assign(squares, total)
            direction = scaled_rate * gradient / (ops.sqrt(total) + epsilon)
            self._follow_step(direction, variable, rate, weight)
            return
        fast, averaged = self._fast[index], self._averaged[index]
        y, z, x = kernels.read(variable), kernels.read(fast), kernels.read(averaged)
        begins = kernels.is_nan(z)
        x = kernels.either(begins, y, x)
        self.assign(fast, kernels.either(begins, y, z))
        if self._decay_of(variable):
            kernels.gradient_descent(fast.value, rate * self._decay_of(variable), y)
        # AdaGrad's kernel on the faded sum moves z.
        kernels.scale(squares, self.beta_2)
        kernels.adagrad(fast.value, squares, scaled_rate, gradient, epsilon)
        z = kernels.read(fast)
        apart = x - z
        # y = z + beta_1 (1 - c) (x - z), with the x before this step
        self.assign(averaged, x)
        kernels.gradient_descent(averaged.value, weight, apart)
        self.assign(variable, z)
        kernels.gradient_descent(variable, share, apart)

    def get_config(self):
        return {**super().get_config(), "beta_2": self.beta_2, "epsilon": self.epsilon}

"""Adam and its closest kin."""

import keras
from keras import ops

from optimizers import kernels
from optimizers.arithmetic import larger
from optimizers.base import Optimizer


class AdaptiveMoments(Optimizer):
    """Base of Adam and its kin: averages of the gradient and of its square, and the corrections of their bias."""

    # True: the step divides by the largest second moment so far. An argument of Adam and AdamW alone.
    amsgrad = False

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(beta_1=beta_1, beta_2=beta_2)
        self._check_at_least_zero(epsilon=epsilon)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        names = ["momentum", "velocity"]
        self._momentums, self._velocities = self.add_optimizer_variables(variables, names, self._slot_start())
        if self.amsgrad:
            self._maxima = self.add_optimizer_variables(variables, "velocity_hat")

    def _slot_start(self):
        return "zeros"

    def step_scalars(self, step, learning_rate):
        # With r = sqrt(1 - beta_2^t) the rule is w -= (lr r / (1 - beta_1^t)) m / (sqrt(v) + epsilon r).
        root = ops.sqrt(self._bias_correction(self.beta_2, step))
        return learning_rate * root / self._bias_correction(self.beta_1, step), self.epsilon * root

    def update_step(self, gradient, variable, learning_rate, rate, epsilon):
        index = self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        if kernels.fused(variable) and not self.amsgrad:
            kernels.adam(variable, m, v, rate, gradient, self.beta_1, self.beta_2, epsilon)
            return
        first, second = self._moments(gradient, variable)
        if self.amsgrad:
            second = larger(self._maxima[index], second)
            self.assign(self._maxima[index], second)
        self._descend(variable, rate, first / (ops.sqrt(second) + epsilon))

    def _moments(self, gradient, variable):
        """Moves both moments and returns them, for rules that only begin as Adam."""
        index = self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        if kernels.fused(variable):
            # At a rate of 0 the kernel leaves the weights where they are.
            kernels.adam(variable, m, v, 0.0, gradient, self.beta_1, self.beta_2, 1.0)
            return ops.convert_to_tensor(m), ops.convert_to_tensor(v)
        first = self._average(m, gradient, self.beta_1)
        second = self._average(v, ops.square(gradient), self.beta_2)
        self.assign(m, first)
        self.assign(v, second)
        return first, second

    def get_config(self):
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }


@keras.saving.register_keras_serializable("menagerie")
class Adam(AdaptiveMoments):
    """Adam, Algorithm 1 of the paper: averages of the gradient and of its square, corrected for starting at 0.

        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) g^2
        w -= lr (m / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + epsilon)

    Follows Algorithm 1, as torch and optax do. Keras implements the paper's section 2 form, in which epsilon is not
    divided by the bias correction: 12 % apart at epsilon 1e-3. `amsgrad=True` is `AMSGrad`.

    When to use: the first thing to try on almost anything.
    Memory: two numbers per parameter, three with `amsgrad`.
    Paper: Kingma & Ba, arXiv:1412.6980.
    Defaults: the paper's.
    """

    reads_keras_state = True
    elementwise = True

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8, amsgrad=False, **kwargs):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)
        self.amsgrad = bool(amsgrad)

    def get_config(self):
        return {**super().get_config(), "amsgrad": self.amsgrad}


@keras.saving.register_keras_serializable("menagerie")
class AdamW(Adam):
    """Adam with decoupled weight decay.

        w -= lr weight_decay w, then Adam's step

    The decay is multiplied by the learning rate and its schedule, as in torch, optax and Keras; the paper's own
    multiplies by the schedule alone. Biases and normalization are best left out:
    `exclude_from_weight_decay=["bias", "gamma", "beta"]`.

    When to use: transformers, and wherever Adam overfits.
    Memory: two numbers per parameter, three with `amsgrad`.
    Paper: Loshchilov & Hutter, arXiv:1711.05101.
    Defaults: Adam's, weight decay 0.004 (Keras; torch has 0.01).
    """

    same_state_as = "Adam"
    reads_keras_state = True
    elementwise = True

    def __init__(self, learning_rate=0.001, weight_decay=0.004, **kwargs):
        if weight_decay is None:
            raise ValueError(
                "AdamW: `weight_decay` must be a finite number >= 0; without decay it is Adam. "
                "Received: weight_decay=None"
            )
        super().__init__(learning_rate, weight_decay=weight_decay, **kwargs)


@keras.saving.register_keras_serializable("menagerie")
class AMSGrad(AdaptiveMoments):
    """Adam whose second moment never shrinks.

        m, v as in Adam
        u = max(u, v)
        w -= lr (m / (1 - beta_1^t)) / (sqrt(u / (1 - beta_2^t)) + epsilon)

    Follows torch and Keras: the maximum is of the uncorrected v. The paper corrects nothing; optax takes the maximum
    after the correction (25 % apart).

    When to use: where Adam does not settle; seldom better in practice.
    Memory: three numbers per parameter.
    Paper: Reddi, Kale & Kumar, arXiv:1904.09237.
    Defaults: Adam's.
    """

    amsgrad = True
    same_state_as = "Adam"  # with amsgrad=True; otherwise it has fewer slots
    reads_keras_state = True
    elementwise = True

    @classmethod
    def from_config(cls, config, custom_objects=None):
        if config.get("amsgrad"):  # of an Adam that is this one
            config = {key: value for key, value in config.items() if key != "amsgrad"}
        return super().from_config(config, custom_objects)


@keras.saving.register_keras_serializable("menagerie")
class AdaMax(AdaptiveMoments):
    """Adam with the largest gradient, fading, in place of the root of the second moment.

        m = beta_1 m + (1 - beta_1) g
        u = max(beta_2 u, |g|)
        w -= lr (m / (1 - beta_1^t)) / (u + epsilon)

    The paper (Algorithm 2) has no epsilon; it stands beside u as in Keras, where torch and optax add it to |g|.

    When to use: sparse gradients and embeddings, where Adam's second moment forgets rare rows.
    Memory: two numbers per parameter.
    Paper: Kingma & Ba, arXiv:1412.6980, section 7.1.
    Defaults: learning rate 0.002, the paper's; epsilon 1e-8.
    """

    reads_keras_state = True
    elementwise = True

    def __init__(self, learning_rate=0.002, **kwargs):
        super().__init__(learning_rate, **kwargs)

    def step_scalars(self, step, learning_rate):
        return (learning_rate / self._bias_correction(self.beta_1, step),)

    def update_step(self, gradient, variable, learning_rate, rate):
        index = self._get_variable_index(variable)
        m, u = self._momentums[index], self._velocities[index]
        if kernels.fused(variable):
            kernels.adamax(variable, m, u, rate, gradient, self.beta_1, self.beta_2, self.epsilon)
            return
        first = self._average(m, gradient, self.beta_1)
        largest = larger(self.beta_2 * ops.convert_to_tensor(u), ops.abs(gradient))
        self.assign(m, first)
        self.assign(u, largest)
        self.assign_sub(variable, rate * first / (largest + self.epsilon))

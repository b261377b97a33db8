"""SOAP: Adam in the eigenbasis of Shampoo's matrices."""

import keras
from keras import ops

from optimizers.arithmetic import norm_of
from optimizers.base import Optimizer
from optimizers.eigenbasis import eigenbasis, followed, rounding
from optimizers.shampoo import along, gram


@keras.saving.register_keras_serializable("menagerie")
class SOAP(Optimizer):
    """SOAP, Algorithm 3 of the paper, for any number of axes; x' is x in the bases Q_i, one an axis.

        m = beta_1 m + (1 - beta_1) g;   v = beta_2 v + (1 - beta_2) g'^2
        w -= lr (m' / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + epsilon), turned back
        P_i = beta_2 P_i + (1 - beta_2) (g with its axis i in front, as a matrix) (the same)'
        every precondition_frequency steps: Q_i = the Q of QR(P_i Q_i), columns and v ordered by diag(Q_i' P_i Q_i)

    The first step only starts P and Q (by eigendecomposition, `optimizers.eigenbasis`: P has a null space, whose basis
    is a matter of convention); t counts from the second. The order is the authors' code's; so is one basis for each
    axis of a convolution's kernel, and Adam for vectors. An axis longer than `max_size` keeps its own basis. Epsilon
    stands beside the corrected root, as in `Adam`; in the authors' code and in pytorch_optimizer beside the
    uncorrected one.

    When to use: transformers and wide layers with large batches, where Adam needs many steps.
    Memory: two numbers per parameter, and twice the square of each axis's length, except of vectors.
    Paper: Vyas et al., arXiv:2409.11321.
    Defaults: the authors': learning rate 0.003, betas 0.95 and 0.95, epsilon 1e-8, frequency 10, max_size 10000.
    """

    def __init__(
        self,
        learning_rate=0.003,
        beta_1=0.95,
        beta_2=0.95,
        epsilon=1e-8,
        precondition_frequency=10,
        max_size=10000,
        **kwargs,
    ):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(beta_1=beta_1, beta_2=beta_2)
        self._check_above_zero(epsilon=epsilon, precondition_frequency=precondition_frequency, max_size=max_size)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.precondition_frequency = precondition_frequency
        self.max_size = max_size

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        names = ["momentum", "velocity"]
        self._momentums, self._velocities = self.add_optimizer_variables(variables, names)
        self._turned, self._statistics, self._bases = [], [], []
        for variable in variables:
            shape = variable.shape if len(variable.shape) > 1 else ()
            axes = [axis for axis, size in enumerate(shape) if 1 < size <= self.max_size]
            self._turned.append(axes)
            for slots, name in ((self._statistics, "statistic"), (self._bases, "basis")):
                slots.append([self.add_slot(variable, (shape[a], shape[a]), f"{name}_{a}") for a in axes])

    def step_scalars(self, step, learning_rate):
        later = ops.cast(step > 1, step.dtype)
        count = step - later
        due = ops.equal(ops.mod(count, self.precondition_frequency), 0)
        root = ops.sqrt(self._bias_correction(self.beta_2, count))
        rate = learning_rate * root / self._bias_correction(self.beta_1, count)
        return later * rate, self.epsilon * root, later, later * ops.cast(due, step.dtype)

    def update_step(self, gradient, variable, learning_rate, rate, epsilon, later, due):
        index = self._get_variable_index(variable)
        axes = self._turned[index]
        bases = [ops.convert_to_tensor(basis) for basis in self._bases[index]]
        first = later * self._average(self._momentums[index], gradient, self.beta_1)
        turned = _into(bases, axes, gradient)
        second = later * self._average(self._velocities[index], ops.square(turned), self.beta_2)
        direction = _into(bases, axes, first) / (ops.sqrt(second) + epsilon)
        self.assign_sub(variable, rate * _out_of(bases, axes, direction))
        self.assign(self._momentums[index], first)
        if axes:
            totals = [
                self._average(statistic, gram(gradient, axis), self.beta_2)
                for statistic, axis in zip(self._statistics[index], axes, strict=True)
            ]
            *bases, second = ops.cond(
                (due > 0) | (later < 1),
                lambda: ops.cond(
                    due > 0,
                    lambda: _followed(bases, axes, totals, second),
                    lambda: [*(eigenbasis(total) for total in totals), second],
                ),
                lambda: [*bases, second],
            )
            for slot, value in zip([*self._statistics[index], *self._bases[index]], [*totals, *bases], strict=True):
                self.assign(slot, value)
        self.assign(self._velocities[index], second)

    def get_config(self):
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "precondition_frequency": self.precondition_frequency,
            "max_size": self.max_size,
        }


def _into(bases, axes, tensor):
    """The tensor in the bases, where what is nothing but rounding is 0: Adam would make whole steps of it."""
    turned = tensor
    for basis, axis in zip(bases, axes, strict=True):
        turned = along(ops.transpose(basis), turned, axis)
    if not axes:
        return tensor
    return ops.where(ops.abs(turned) > rounding(tensor.dtype) * norm_of(tensor), turned, 0)


def _out_of(bases, axes, tensor):
    for basis, axis in zip(bases, axes, strict=True):
        tensor = along(basis, tensor, axis)
    return tensor


def _followed(bases, axes, totals, second):
    """The bases after one round of power iteration, and the second moment in their order."""
    moved = []
    for basis, axis, total in zip(bases, axes, totals, strict=True):
        basis, order = followed(total, basis)
        second = ops.take(second, order, axis=axis)
        moved.append(basis)
    return [*moved, second]

"""Shampoo: AdaGrad with a whole matrix for each axis of a weight."""

import keras
from keras import ops

from optimizers.arithmetic import toward
from optimizers.base import Optimizer
from optimizers.eigenbasis import eigenvectors


@keras.saving.register_keras_serializable("menagerie")
class Shampoo(Optimizer):
    """Shampoo, Algorithm 2 of the paper, for a weight of k axes; a vector has one, a scalar counts as a vector of one.

        b = momentum b + (1 - momentum) g
        for each axis i:  H_i = H_i + (g with its axis i in front, as a matrix) (the same)'
                          b = b multiplied along its axis i by (epsilon I + H_i)^(-1 / 2k)
        w -= lr b

    Each axis of a convolution's kernel has a matrix of its own. An axis longer than `max_size` keeps the diagonal of
    its matrix only (the paper's diagonal variant). The other roots, by eigendecomposition, are taken at each of the
    first `update_period` steps and at each step that it divides. pytorch_optimizer's agrees, but for scalars, which it
    leaves as they are, and for its momentum, which takes in the preconditioned gradient of the step before.

    When to use: layers of moderate width, where the gradient's directions are of very unequal size.
    Memory: twice the square of each axis's length (beyond max_size its length); one number per parameter with momentum.
    Paper: Gupta, Koren & Singer, arXiv:1802.09568.
    Defaults: epsilon 1e-4 and no momentum, those of the authors' TensorFlow code; the paper's max_size 1200 and its
    least period, 20; learning rate 0.1 (pytorch_optimizer).
    """

    def __init__(self, learning_rate=0.1, momentum=0.0, epsilon=1e-4, update_period=20, max_size=1200, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(momentum=momentum)
        self._check_above_zero(epsilon=epsilon, update_period=update_period, max_size=max_size)
        self.momentum = momentum
        self.epsilon = epsilon
        self.update_period = update_period
        self.max_size = max_size

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum") if self.momentum else []
        self._statistics, self._roots = [], []
        for variable in variables:
            statistics, roots = [], []
            for axis, size in enumerate(tuple(variable.shape) or (1,)):
                whole = 1 < size <= self.max_size
                shape = (size, size) if whole else (size,)
                statistics.append(self.add_slot(variable, shape, f"statistic_{axis}"))
                roots.append(self.add_slot(variable, shape, f"root_{axis}") if whole else None)
            self._statistics.append(statistics)
            self._roots.append(roots)

    def step_scalars(self, step, learning_rate):
        due = (step <= self.update_period) | ops.equal(ops.mod(step, self.update_period), 0)
        return (ops.cast(due, step.dtype),)

    def update_step(self, gradient, variable, learning_rate, due):
        index = self._get_variable_index(variable)
        moved = gradient
        if self.momentum:
            moved = toward(self._momentums[index], gradient, 1 - self.momentum)
            self.assign(self._momentums[index], moved)
        shape = tuple(variable.shape) or (1,)
        gradient, moved = ops.reshape(gradient, shape), ops.reshape(moved, shape)
        exponent = -1 / (2 * len(shape))
        for axis, (statistic, root) in enumerate(zip(self._statistics[index], self._roots[index], strict=True)):
            if root is None:
                total = statistic + squares(gradient, axis)
                scale = (total + self.epsilon) ** exponent
                moved = moved * ops.reshape(scale, [-1 if i == axis else 1 for i in range(len(shape))])
            else:
                total = statistic + gram(gradient, axis)
                power = self._root(total, exponent, root, due)
                self.assign(root, power)
                moved = along(power, moved, axis)
            self.assign(statistic, total)
        self.assign_sub(variable, learning_rate * ops.reshape(moved, variable.shape))

    def _root(self, total, exponent, kept, due):
        def taken():
            values, vectors = eigenvectors(total)
            # What rounding leaves below 0 is 0.
            values = (ops.relu(values) + self.epsilon) ** exponent
            return (vectors * values) @ ops.transpose(vectors)

        return ops.cond(due > 0, taken, lambda: ops.convert_to_tensor(kept))

    def get_config(self):
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "update_period": self.update_period,
            "max_size": self.max_size,
        }


def unfolded(tensor, axis):
    """The tensor as a matrix whose rows run over `axis`."""
    return ops.reshape(ops.moveaxis(tensor, axis, 0), (tensor.shape[axis], -1))


def gram(tensor, axis):
    """The products of a tensor with itself, summed over every axis but one."""
    rows = unfolded(tensor, axis)
    return rows @ ops.transpose(rows)


def squares(tensor, axis):
    """The diagonal of `gram`."""
    return ops.sum(ops.square(unfolded(tensor, axis)), axis=1)


def along(matrix, tensor, axis):
    """The tensor multiplied by a matrix along one axis."""
    shape = tuple(tensor.shape)
    product = ops.reshape(matrix @ unfolded(tensor, axis), (shape[axis], *shape[:axis], *shape[axis + 1 :]))
    return ops.moveaxis(product, 0, axis)

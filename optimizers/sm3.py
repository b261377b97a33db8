"""SM3: AdaGrad whose sums are kept for rows and columns alone."""

import keras
from keras import ops

from optimizers.arithmetic import smaller, toward
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class SM3(Optimizer):
    """SM3-II of the paper; the cover is the slices along each axis: rows and columns of a matrix.

        v = g^2 + smallest s of the slices that the element is in
        s = largest v in the slice, for each slice
        m = momentum m + (1 - momentum) g / sqrt(v)                (0 / 0 = 0)
        w -= lr m

    For vectors this is AdaGrad. optax adds 1e-8 under the root, pytorch_optimizer 1e-30; the paper and ours, nothing.

    When to use: large embeddings and transformers whose AdaGrad state would not fit; learning rates need warm-up.
    Memory: the sum of the axes' lengths for each variable; with momentum, one number per parameter more.
    Paper: Anil, Gupta, Koren & Singer, arXiv:1901.11150.
    Defaults: the authors': learning rate 0.1, momentum 0.9.
    """

    def __init__(self, learning_rate=0.1, momentum=0.9, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(momentum=momentum)
        self.momentum = momentum

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum") if self.momentum else None
        self._covers = [
            [self.add_slot(variable, (length,), f"axis_{axis}") for axis, length in enumerate(variable.shape)]
            or [self.add_slot(variable, (), "axis")]
            for variable in variables
        ]

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        axes = range(len(variable.shape))
        covers = [
            ops.reshape(slices, [-1 if axis == own else 1 for axis in axes])
            for own, slices in enumerate(self._covers[index])
        ]
        total = covers[0]
        for cover in covers[1:]:
            total = smaller(total, cover)
        total = total + ops.square(gradient)
        update = gradient / ops.where(total > 0, ops.sqrt(total), 1)
        for own, slices in enumerate(self._covers[index]):
            others = [axis for axis in axes if axis != own]
            self.assign(slices, ops.max(total, others) if others else total)
        if self.momentum:
            update = toward(self._momentums[index], update, 1 - self.momentum)
            self.assign(self._momentums[index], update)
        self.assign_sub(variable, learning_rate * update)

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum}

"""Variables in float16 and bfloat16: their slots and their steps are computed in float32.

A half cannot hold Adam's epsilon of 1e-8, the square of a gradient below 2e-4 (float16), or an average that moves by a
thousandth (bfloat16).
"""

import keras
from keras import ops

from optimizers.arithmetic import is_half


class Widened(keras.Variable):
    """A float32 stand-in for a half-precision variable during one update; not a variable of its own.

    Args:
        variable: a Keras variable or, inside a `tf.distribute` update, a tf.Variable.
    """

    def __init__(self, variable):
        # Not `super().__init__`: nothing is to be allocated or tracked.
        self.origin = variable
        self._name = variable.name
        self._path = getattr(variable, "path", variable.name)
        self._shape = tuple(variable.shape)
        self._dtype = "float32"
        self._autocast = False
        self._current = ops.cast(variable, "float32")

    @property
    def value(self):
        return self._current

    def assign(self, value):
        self._current = ops.cast(value, "float32")
        return self._current


def widened(variable):
    """The variable as a rule sees it."""
    return Widened(variable) if is_half(variable.dtype) else variable


def origin(variable):
    """The variable that a rule's variable stands for."""
    return variable.origin if isinstance(variable, Widened) else variable

"""Numbers in the dtype they are meant in: Keras takes some of them through float32 on their way."""

import keras
import numpy as np
from keras import ops

from optimizers import kernels


def constant(value):
    """An initializer; as a NumPy number, so that Keras does not round it to float32 on its way to float64."""
    return keras.initializers.Constant(np.float64(value))


def number(value, dtype):
    """A factor for tensors of that dtype: in a TensorFlow graph one tensor for all variables, elsewhere the number."""
    return kernels.constant(value, dtype) if keras.backend.backend() == "tensorflow" else value


def larger(one, other):
    """`ops.maximum` of two tensors of one dtype: on torch, Keras's own goes through float32."""
    return _extreme("maximum", one, other)


def smaller(one, other):
    """`ops.minimum`, as `larger` is `ops.maximum`."""
    return _extreme("minimum", one, other)


def _extreme(name, one, other):
    one, other = ops.convert_to_tensor(one), ops.convert_to_tensor(other)
    if keras.backend.backend() == "torch":
        return getattr(one, name)(other)  # the tensor's own
    return getattr(ops, name)(one, other)


def toward(slot, value, share):
    """slot + share (value - slot): an average whose share is given.

    For averages that no bias correction follows, with 1 - beta from Python's own numbers. `Optimizer._average` takes
    1 - beta of a float32 beta, 1.7e-4 off at .9999, which only a correction of the same number makes up for.
    """
    old = kernels.read(slot)
    return old + (value - old) * (number(share, slot.dtype) if isinstance(share, float) else share)


def at_least(value, least):
    """`larger` than a number."""
    return larger(value, ops.convert_to_tensor(number(least, value.dtype), value.dtype))


def norm_of(values):
    """The Euclidean norm of all elements."""
    half = kernels.half_sum_of_squares(values)
    return ops.sqrt(half * number(2.0, half.dtype))


def shrinking(norm, longest):
    """The factor that makes a norm at most `longest`."""
    return longest / larger(norm, ops.convert_to_tensor(longest, norm.dtype))


def scalar_dtype(variable):
    """Type in which step scalars are computed: a half cannot count to 257, nor hold .999."""
    return "float64" if keras.backend.standardize_dtype(variable.dtype) == "float64" else "float32"


def is_half(dtype) -> bool:
    return keras.backend.standardize_dtype(dtype) in ("float16", "bfloat16")


def as_stored(value, dtype):
    """`value` as a kernel of that dtype sees it, as a Python float."""
    double = keras.backend.standardize_dtype(dtype) == "float64"
    return float(value) if double else float(np.float32(value))

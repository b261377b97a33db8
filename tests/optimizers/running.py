"""Running an optimizer over the problem's gradients: eager, as a graph, under XLA; on whichever backend Keras has."""

import keras
import numpy as np

from tests.optimizers import problem


@keras.saving.register_keras_serializable("menagerie-tests")
class Listed(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that is a list: any learning rates at all, exact in float32."""

    def __init__(self, rates):
        self.rates = [float(rate) for rate in rates]

    def __call__(self, step):
        return keras.ops.take(keras.ops.convert_to_tensor(np.float32(self.rates)), step)

    def get_config(self):
        return {"rates": self.rates}


def schedule(peak: float) -> Listed:
    return Listed(problem.rates(peak))


def variables(dtype: str) -> list[keras.Variable]:
    return [keras.Variable(value, dtype=dtype, name=f"w{i}") for i, value in enumerate(problem.weights())]


def run(optimizer, dtype="float32", mode="eager", gradients=None, on=None) -> list[np.ndarray]:
    """The variables at the end, as float64.

    Args:
        mode: "eager", "graph" or "xla" (the last two are the same on JAX).
        on: the variables; fresh ones if None.
    """
    on = variables(dtype) if on is None else on
    optimizer.build(on)
    apply = _applying(optimizer, on, mode)
    for step in problem.gradients() if gradients is None else gradients:
        apply([keras.ops.convert_to_tensor(np.asarray(gradient, dtype)) for gradient in step])
    return [keras.ops.convert_to_numpy(variable).astype("float64") for variable in on]


def _applying(optimizer, on, mode):
    backend = keras.backend.backend()
    if mode == "eager" or backend == "torch":
        return lambda gradients: optimizer.apply(gradients, on)
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.function(lambda gradients: optimizer.apply(gradients, on), jit_compile=mode == "xla")
    import jax

    step = jax.jit(optimizer.stateless_apply)

    def apply(gradients):
        values, state = step([v.value for v in optimizer.variables], gradients, [v.value for v in on])
        for variable, value in zip([*on, *optimizer.variables], [*values, *state], strict=True):
            variable.assign(value)

    return apply


def missed(reached, expected) -> float:
    """The largest difference, as a fraction of the largest movement."""
    moved = max(np.abs(e - w).max() for e, w in zip(expected, problem.weights(), strict=True))
    return max(np.abs(r - e).max() for r, e in zip(reached, expected, strict=True)) / moved

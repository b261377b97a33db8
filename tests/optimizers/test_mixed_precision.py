"""Each optimizer inside Keras's LossScaleOptimizer, as `mixed_float16` puts it there."""

import keras
import numpy as np
import pytest

from tests.optimizers import problem
from tests.optimizers.running import schedule, variables
from tests.optimizers.table import TABLE

tf = pytest.importorskip("tensorflow")
SCALE = 1024.0  # a power of two: scaling by it loses nothing


def weights(optimizer, steps, graph=False):
    on = variables("float32")
    optimizer.build(on)
    apply = tf.function(lambda gradients: optimizer.apply(gradients, on)) if graph else lambda g: optimizer.apply(g, on)
    for gradients in steps:
        apply([tf.constant(gradient, tf.float32) for gradient in gradients])
    return [variable.numpy() for variable in on]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_scaled_gradients_move_as_unscaled_ones_and_a_step_that_overflows_is_left_out(row):
    few = problem.gradients(5)
    overflow = [np.full(shape, np.inf) for shape in problem.SHAPES]
    scaled = [[SCALE * gradient for gradient in step] for step in few[:3]]
    # Keras halves the scale at an overflow.
    after = [[SCALE / 2 * gradient for gradient in step] for step in few[3:]]
    wrapped = keras.optimizers.LossScaleOptimizer(row.make(schedule(row.rate)), initial_scale=SCALE)
    reached = weights(wrapped, [*scaled, overflow, *after], graph=row.name == "adam")
    expected = weights(row.make(schedule(row.rate)), few)
    for ours, theirs in zip(reached, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-6)

"""LazySparse and SkipNonFinite: what they leave alone."""

import keras
import numpy as np
import pytest

import optimizers
from optimizers import kernels
from tests.optimizers import problem
from tests.optimizers.running import run, schedule, variables

tf = pytest.importorskip("tensorflow")
if keras.backend.backend() != "tensorflow":
    pytest.skip("sparse gradients are TensorFlow's", allow_module_level=True)


def sparse(rows, values):
    return tf.IndexedSlices(tf.constant(values, "float64"), tf.constant(rows), (5, 2))


STEPS = [([3, 1, 3], [[1.0, 2], [3, 4], [5, 6]]), ([0, 1], [[0.5, 1], [2, 1]]), ([4, 4], [[1.0, 1], [-3, 2]])] * 3


def row_by_row(make):
    """Each row as a variable of its own that only sees the steps that touch it, at the common count of steps."""
    ends = []
    for row in range(5):
        weight, optimizer = keras.Variable(np.ones((1, 2)), dtype="float64"), make()
        optimizer.build([weight])
        for t, (rows, values) in enumerate(STEPS):
            if row in rows:
                total = sum(np.asarray([v]) for r, v in zip(rows, values, strict=True) if r == row)
                optimizer._iterations.assign(t)
                optimizer.apply([tf.constant(total, "float64")])
        ends.append(weight.numpy()[0])
    return np.stack(ends)


@pytest.mark.parametrize("name", ["Adam", "SGD", "Lion", "AMSGrad"])
def test_a_row_moves_when_it_is_touched_and_only_then(name):
    arguments = {"momentum": 0.8} if name == "SGD" else {"beta_1": 0.7}

    def make():
        return optimizers.get(name, learning_rate=schedule(0.1), weight_decay=0.1, **arguments)

    table, optimizer = keras.Variable(np.ones((5, 2)), dtype="float64"), optimizers.LazySparse(make())
    step = tf.function(lambda rows, values: optimizer.apply([tf.IndexedSlices(values, rows, (5, 2))], [table]))
    optimizer.build([table])
    for rows, values in STEPS:
        step(tf.constant(rows), tf.constant(values, "float64"))
    np.testing.assert_allclose(table.numpy(), row_by_row(make), rtol=0, atol=1e-12)
    assert np.array_equal(table.numpy()[2], [1, 1])  # never looked up


def test_a_dense_gradient_is_the_inner_optimizers():
    few = problem.gradients(6)
    lazy = run(optimizers.LazySparse(optimizers.Adam(0.05)), gradients=few)
    for ours, expected in zip(lazy, run(optimizers.Adam(0.05), gradients=few), strict=True):
        np.testing.assert_array_equal(ours, expected)
    with pytest.raises(ValueError, match="`match` is 'word', which matches none of the 5 variables"):
        optimizers.LazySparse(optimizers.Adam(), match="word").build(variables("float32"))
    again = optimizers.get(keras.saving.serialize_keras_object(optimizers.LazySparse(optimizers.Adam(), match="w1")))
    assert again.match == "w1" and again.rule == "LazySparse(Adam)"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
@pytest.mark.parametrize("options", [{}, {"gradient_accumulation_steps": 2, "use_ema": True, "clipnorm": 1.0}])
def test_a_step_that_is_not_finite_leaves_no_trace(bad, mode, options):
    if mode != "graph" and not np.isnan(bad):
        pytest.skip("one value in the other modes")
    good = problem.gradients(6)
    spoilt = list(good)
    for at in (4, 1, 0):  # the very first too
        worse = [gradient.copy() for gradient in good[at]]
        worse[2][1, 3] = bad
        spoilt.insert(at, worse)

    def make(wrap):
        return optimizers.Lookahead(wrap(optimizers.Prodigy(schedule(1.0), initial_distance=1e-3, **options)), 2)

    skipping, plain = make(optimizers.SkipNonFinite), make(lambda inner: inner)
    ours, expected = run(skipping, "float64", mode, spoilt), run(plain, "float64", mode, good)
    for one, other in zip(ours, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-15)
    assert int(skipping.inner.skipped) == 3 and int(skipping._iterations) == 6


@pytest.mark.parametrize("name", ["ScheduleFreeAdamW", "ScheduleFreeSGD", "ASGD"])
@pytest.mark.parametrize("first", [0, 3])
def test_rows_that_are_touched_late_begin_as_the_others(name, first, monkeypatch):
    """By fused kernels and by keras.ops alike: what begins as a copy of its variable is whole from the first step."""

    def trained():
        table = keras.Variable(np.ones((5, 2), "float32"))
        optimizer = optimizers.LazySparse(optimizers.get(name, learning_rate=0.1))
        for row in (first, 4, first, 4):
            optimizer.apply([tf.IndexedSlices(tf.ones((1, 2)), tf.constant([row]), (5, 2))], [table])
        return table.numpy()

    fused = trained()
    monkeypatch.setattr(kernels, "fused", lambda variable: False)
    np.testing.assert_allclose(fused, trained(), rtol=0, atol=1e-6)
    assert (fused[[first, 4]] < 0.95).all() and (np.delete(fused, [first, 4], axis=0) == 1).all()

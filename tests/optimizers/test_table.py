"""Every optimizer of the table against its paper, its peer, and itself under other conditions."""

import json
from pathlib import Path

import jax
import keras
import numpy as np
import pytest

import optimizers
from optimizers import kernels
from tests.optimizers import problem
from tests.optimizers.running import missed, run, schedule, variables
from tests.optimizers.table import TABLE

ROWS = pytest.mark.parametrize("row", TABLE, ids=[row.name for row in TABLE])
TENSORFLOW = keras.backend.backend() == "tensorflow"


def made(row, **arguments):
    decay = {"weight_decay": row.decay} if row.decay else {}
    return row.make(schedule(row.rate), **decay, **arguments)


def test_the_table_holds_every_optimizer():
    assert {row.build.__name__ for row in TABLE} == set(optimizers.names())


@ROWS
def test_follows_the_paper_in_float64(row):
    difference = max(np.abs(r - e).max() for r, e in zip(run(made(row), "float64", "graph"), row.expected, strict=True))
    assert difference < 1e-9


@ROWS
def test_follows_the_paper_in_float32(row):
    assert missed(run(made(row), "float32", "graph"), row.expected) < row.rounding


def some(*names):
    """Rows that stand for all in a plain run; the others follow in the matrix."""
    marks = [() if row.name in names else pytest.mark.matrix for row in TABLE]
    rows = [pytest.param(row, marks=mark) for row, mark in zip(TABLE, marks, strict=True)]
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in TABLE])


@some("sgd", "sgd-nesterov", "adagrad", "rmsprop", "adam", "adamax", "adadelta", "ftrl", "lion")
def test_eager_and_graph_agree_and_so_do_fused_kernels_and_keras_ops(row, monkeypatch):
    few = problem.gradients(10)
    graph = run(made(row), "float32", "graph", few)
    monkeypatch.setattr(kernels, "fused", lambda variable: False)
    assert missed(run(made(row), "float32", "eager", few), graph) < row.rounding


@pytest.mark.skipif(not TENSORFLOW, reason="the other backends have one way to run")
@some("adam", "rmsprop")
def test_xla_agrees(row):
    few = problem.gradients(10)
    assert missed(run(made(row), "float32", "xla", few), run(made(row), "float32", "eager", few)) < row.rounding


@pytest.mark.parametrize("row", [row for row in TABLE if row.optax], ids=lambda row: row.name)
def test_agrees_with_optax(row):
    rates = np.float32(problem.rates(row.rate))
    decay = row.decay if row.build is optimizers.AdamW else 0.0
    transformation = row.optax(row.arguments, lambda count: jax.numpy.asarray(rates)[count])

    def step(carry, gradients):
        values, state = carry
        updates, state = transformation.update(gradients, state, values)
        return ([value + update for value, update in zip(values, updates, strict=True)], state), None

    values = [jax.numpy.asarray(value, "float32") for value in problem.weights()]
    stacked = [jax.numpy.asarray(np.stack(column), "float32") for column in zip(*problem.gradients(), strict=True)]
    (values, _), _ = jax.lax.scan(step, (values, transformation.init(values)), stacked)
    assert missed([np.asarray(value, "float64") for value in values], row.trajectory(decay, **row.peer)[-1]) < 1e-4


# The fixture's maker says what these compute in float32.
LESS_EXACT = {"soap": 1e-7, "dadapt-sgd": 1e-6}


def fixture(name):
    """Rows of the table and where the peer came to, written down by tests/fixtures/make_NAME.py."""
    with np.load(Path(__file__).parents[1] / "fixtures" / f"{name}.npz") as ends:
        return [pytest.param(row, end, id=f"{name}-{row}") for row, end in ends.items()]


PEERS = [end for name in ("torch_optimizers", "pytorch_optimizers", "matrix_optimizers") for end in fixture(name)]


@pytest.mark.parametrize("name, end", PEERS)
def test_the_oracle_agrees_with_torch(name, end):
    row = next(row for row in TABLE if row.name == name)
    decay = row.decay if row.build is optimizers.AdamW else 0.0
    expected = np.concatenate([np.ravel(weight) for weight in row.trajectory(decay, **row.peer)[-1]])
    np.testing.assert_allclose(end, expected, rtol=0, atol=LESS_EXACT.get(name, 1e-9))


@ROWS
def test_goes_on_bit_exactly_from_a_checkpoint(row):
    first, second = problem.gradients()[:3], problem.gradients()[3:6]
    whole, on = made(row, use_ema=True), variables("float32")
    run(whole, gradients=first, on=on)
    store = {}
    whole.save_own_variables(store)
    values = [variable.numpy() for variable in on]
    expected = run(whole, gradients=second, on=on)

    config = json.loads(json.dumps(keras.saving.serialize_keras_object(whole)))
    resumed, on = optimizers.get(config), variables("float32")
    assert resumed.get_config() == whole.get_config()
    for variable, value in zip(on, values, strict=True):
        variable.assign(value)
    resumed.build(on)
    resumed.load_own_variables(store)
    assert all(np.array_equal(r, e) for r, e in zip(run(resumed, gradients=second, on=on), expected, strict=True))


# BatchGradientDescent accumulates by its own argument; tests/optimizers/test_base.py has that.
@pytest.mark.parametrize(
    "row", [row for row in TABLE if row.build is not optimizers.BatchGradientDescent], ids=lambda row: row.name
)
def test_accumulating_two_batches_is_one_of_twice_the_size(row):
    large = problem.gradients(4)
    parts = [[share * gradient for gradient in step] for step in large for share in (0.5, 1.5)]
    expected = run(made(row, clipvalue=0.8), "float64", gradients=large)
    reached = run(made(row, clipvalue=0.8, gradient_accumulation_steps=2), "float64", gradients=parts)
    assert max(np.abs(r - e).max() for r, e in zip(reached, expected, strict=True)) < 1e-12


@ROWS
def test_keeps_no_more_than_it_says(row):
    optimizer, on = made(row), variables("float32")
    optimizer.build(on)
    kept = sum(int(np.prod(v.shape)) for v in optimizer.variables[1:])  # the first is the number of steps
    parameters = sum(int(np.prod(v.shape)) for v in on)
    scalars = 2 + len(on)
    assert kept <= row.slots * parameters + scalars


def test_asgd_keeps_the_averages_of_the_paper():
    """Arguments that no row sees: the weights do not depend on them."""
    row = next(row for row in TABLE if row.name == "asgd")
    optimizer = row.make(schedule(row.rate))
    run(optimizer, "float64", "graph")
    for place, average in enumerate(optimizer.evaluation_slots()):
        step, weight = row.oracle(**row.arguments, averaged=True), problem.weights()[place]
        for t, (gradients, rate) in enumerate(zip(problem.gradients(), problem.rates(row.rate), strict=True), 1):
            weight, expected = step(weight, gradients[place], t, rate)
        np.testing.assert_allclose(keras.ops.convert_to_numpy(average), expected, rtol=0, atol=1e-9)

"""Sparse gradients: counted as the dense ones, in steps that stay on the rows where the rule allows it."""

import keras
import numpy as np
import pytest

import optimizers
from optimizers import kernels, rows

tf = pytest.importorskip("tensorflow")
if keras.backend.backend() != "tensorflow":
    pytest.skip("sparse gradients are TensorFlow's", allow_module_level=True)

SHAPE = (50, 3)
ELEMENTWISE = [name for name in optimizers.names() if vars(getattr(optimizers, name)).get("elementwise")]
# Steps on rows alone: plain SGD, AdaGrad, RMSProp.
ON_ROWS = [("SGD", {}), ("AdaGrad", {}), ("RMSProp", {}), ("RMSProp", {"centered": True})]
OTHERS = [("SGD", {"momentum": 0.8}), ("RMSProp", {"momentum": 0.8}), ("Adam", {}), ("AdamW", {})]
OPTIONS = {
    "clipvalue": {"clipvalue": 0.3},
    "clipnorm": {"clipnorm": 0.3},
    "global_clipnorm": {"global_clipnorm": 0.3},
    "decay": {"weight_decay": 0.1},
    "accumulation": {"gradient_accumulation_steps": 2},
    "average": {"use_ema": True, "ema_momentum": 0.6, "ema_overwrite_frequency": 2},
}


def gradients(steps=6, dtype="float32"):
    """(rows, values), with rows that are named twice and rows that never are."""
    random = np.random.RandomState(2)
    for _ in range(steps):
        yield np.append(random.randint(0, 40, 12), [7, 7]), random.normal(size=(14, 3)).astype(dtype)


def trained(optimizer, sparse, mode="eager", dtype="float32", steps=6):
    """The table beside a bias whose gradients are dense, and all slots, after a few steps."""
    start = np.random.RandomState(1).normal(size=SHAPE)
    table, bias = keras.Variable(start, dtype=dtype), keras.Variable(start[0], dtype=dtype)

    def step(indices, values):
        slices = tf.IndexedSlices(values, indices, tf.constant(SHAPE, indices.dtype))
        summed = tf.math.unsorted_segment_sum(values, indices, SHAPE[0])
        optimizer.apply([slices if sparse else summed, tf.reduce_sum(values, 0)], [table, bias])

    optimizer.build([table, bias])
    if mode != "eager":
        step = tf.function(step, jit_compile=mode == "xla")
    for indices, values in gradients(steps, dtype):
        step(tf.constant(indices), tf.constant(values))
    return [variable.numpy() for variable in (table, bias, *optimizer.variables)]


def assert_same(ours, expected, ulps=4):
    """Within a few roundings of the largest number of each variable: a row that is named k times is rounded k times."""
    for one, other in zip(ours, expected, strict=True):
        scale = np.abs(other).max() if np.size(other) else 0
        bound = ulps * np.finfo(one.dtype).eps * scale if one.dtype.kind == "f" else 0
        np.testing.assert_allclose(one, other, rtol=0, atol=bound)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
@pytest.mark.parametrize("name, arguments", ON_ROWS)
def test_a_step_on_rows_is_the_step_of_the_dense_gradient(name, arguments, mode, dtype):
    def make():
        return optimizers.get(name, learning_rate=0.05, **arguments)

    assert_same(*(trained(make(), sparse, mode, dtype) for sparse in (True, False)))


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("name, arguments", [*ON_ROWS[:3], *OTHERS])
def test_with_every_option_too(name, arguments, option):
    def make():
        return optimizers.get(name, learning_rate=0.05, **arguments, **OPTIONS[option])

    assert_same(*(trained(make(), sparse, "graph") for sparse in (True, False)))


def test_without_repeated_rows_or_with_their_sum_it_is_the_same_to_the_bit():
    for make in (optimizers.AdaGrad, lambda: optimizers.SGD(clipvalue=9.0)):
        for ours, expected in zip(trained(make(), True), trained(make(), False), strict=True):
            np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("name, arguments", ON_ROWS)
def test_a_sum_of_repeated_rows_that_overflows_is_skipped(name, arguments):
    optimizer = optimizers.SkipNonFinite(optimizers.get(name, **arguments))
    table = keras.Variable(np.ones(SHAPE, "float32"))
    optimizer.build([table])
    for value in (1.0, 3e38, np.nan):
        before = table.numpy()
        optimizer.apply([tf.IndexedSlices(tf.fill((2, 3), np.float32(value)), tf.constant([4, 4]), SHAPE)])
    np.testing.assert_array_equal(table.numpy(), before)
    assert int(optimizer.skipped) == 2 and (before[4] < 1).all() and (before[5] == 1).all()


# ---- nothing of the table's size -------------------------------------------------------------------------------------


def large_tensors(optimizer) -> list[str]:
    """Kinds of the operations in the graph of a step that give a tensor of the table's shape."""
    table = keras.Variable(np.ones(SHAPE, "float32"))
    optimizer.build([table])

    @tf.function
    def step(indices, values):
        optimizer.apply([tf.IndexedSlices(values, indices, tf.constant(SHAPE, tf.int64))], [table])

    graph = step.get_concrete_function(tf.zeros(14, tf.int64), tf.zeros((14, 3))).graph
    return [
        operation.type
        for operation in graph.get_operations()
        for tensor in operation.outputs
        if tensor.shape.rank == 2 and tensor.shape[0] == SHAPE[0] or tensor.shape.rank is None
    ]


@pytest.mark.parametrize("name, arguments", ON_ROWS[:2])
@pytest.mark.parametrize("options", [{}, {"clipnorm": 0.3}, {"global_clipnorm": 0.3}, {"clipvalue": 0.3}])
def test_the_graph_of_a_step_on_rows_has_no_tensor_of_the_tables_shape(name, arguments, options):
    assert large_tensors(optimizers.get(name, **arguments, **options)) == []


def test_rmsprop_reads_and_scales_its_slot_and_no_more():
    assert large_tensors(optimizers.RMSProp()) == ["ReadVariableOp", "Mul", "TensorScatterUpdate"]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_graph_of_a_lazy_step_has_none_either(name):
    assert large_tensors(optimizers.LazySparse(optimizers.get(name, weight_decay=0.1))) == []


def test_a_subclass_that_does_not_say_so_gets_the_dense_gradient():
    class Normalized(optimizers.SGD):
        def update_step(self, gradient, variable, learning_rate):
            assert tuple(variable.shape) == SHAPE or tuple(variable.shape) == SHAPE[1:]
            super().update_step(gradient / keras.ops.norm(variable), variable, learning_rate)

    assert "UnsortedSegmentSum" in large_tensors(Normalized())
    assert "UnsortedSegmentSum" in large_tensors(optimizers.LazySparse(Normalized()))


# ---- lazy ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("options", [{}, {"weight_decay": 0.1, "clipnorm": 0.5}])
def test_lazy_rows_move_as_in_the_whole_and_the_others_stay(name, options, monkeypatch):
    def run():
        return trained(optimizers.LazySparse(optimizers.get(name, learning_rate=0.05, **options)), True)

    on_rows = run()
    monkeypatch.setattr(rows, "is_elementwise", lambda rule: False)
    assert_same(on_rows, run(), ulps=32)
    start = np.random.RandomState(1).normal(size=SHAPE).astype("float32")
    assert np.array_equal(on_rows[0][40:], start[40:]) and not np.array_equal(on_rows[0], start)


def test_no_elementwise_rule_remembers_scalars():
    """Those may look at whole gradients."""
    for name in ELEMENTWISE:
        optimizer = optimizers.get(name)
        optimizer.build([keras.Variable(np.ones(SHAPE))])
        assert not optimizer._scalars
    assert {"SGD", "AdaGrad", "RMSProp", "Adam", "AdamW"} <= set(ELEMENTWISE)


def test_a_row_of_zeros_is_not_touched():
    table = keras.Variable(np.ones(SHAPE, "float32"))
    optimizer = optimizers.LazySparse(optimizers.Adam(0.1, weight_decay=0.1))
    tables = []
    for first in (1.0, 0.0):
        values = tf.constant([[first] * 3, [2.0] * 3, [-2.0] * 3, [1.0] * 3])
        optimizer.apply([tf.IndexedSlices(values, tf.constant([0, 1, 1, 2]), SHAPE)], [table])
        tables.append(table.numpy())
    once, twice = tables
    assert (once[0] < 1).all() and (twice[0] == once[0]).all() and (twice[2] < once[2]).all()
    assert (twice[1] == 1).all()  # the sum of its two gradients is 0


# ---- where gradients come from ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.matrix)])
@pytest.mark.parametrize("name", ["SGD", "AdaGrad", "RMSProp", "Adam", "LazySparse"])
def test_an_embedding_trains_in_fit_as_with_dense_gradients(name, jit_compile, monkeypatch):
    tokens = np.random.RandomState(0).randint(0, 20, (32, 5))
    targets = tokens.mean(1, keepdims=True).astype("float32") / 20

    def fitted():
        keras.utils.set_random_seed(3)
        layers = [keras.layers.Embedding(30, 4), keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(1)]
        model = keras.Sequential([keras.Input((5,), dtype="int32"), *layers])
        before = model.get_weights()[0]
        lazy = name == "LazySparse"
        optimizer = optimizers.LazySparse(optimizers.Adam(0.05)) if lazy else optimizers.get(name, learning_rate=0.05)
        model.compile(optimizer, "mse", jit_compile=jit_compile)
        losses = model.fit(tokens, targets, batch_size=8, epochs=3, verbose=0).history["loss"]
        assert losses[-1] < losses[0]
        after = model.get_weights()
        assert np.array_equal(after[0][20:], before[20:]) and not np.array_equal(after[0][:20], before[:20])
        return after

    ours = fitted()
    monkeypatch.setattr(rows, "is_elementwise", lambda rule: False)
    for one, other in zip(ours, fitted(), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-5)


def test_scaled_losses_scale_sparse_gradients_back():
    def moved(optimizer, scale):
        table = keras.Variable(np.ones(SHAPE, "float32"))
        optimizer.build([table])
        slices = tf.IndexedSlices(scale * tf.ones((3, 3)), tf.constant([3, 1, 3]), tf.constant(SHAPE))
        optimizer.apply([slices])
        return table.numpy()

    scaled = keras.optimizers.LossScaleOptimizer(optimizers.AdaGrad(0.1), initial_scale=8.0)
    np.testing.assert_array_equal(moved(scaled, 8.0), moved(optimizers.AdaGrad(0.1), 1.0))


@pytest.mark.parametrize("wrap", [lambda inner: inner, optimizers.LazySparse])
@pytest.mark.parametrize("name", ["SGD", "AdaGrad", "RMSProp", "Adam"])
def test_values_of_unknown_rank_get_that_of_the_table(name, wrap):
    table = keras.Variable(np.ones(SHAPE, "float32"))
    optimizer = wrap(optimizers.get(name, learning_rate=0.1, clipnorm=1.0))
    optimizer.build([table])

    @tf.function(input_signature=[tf.TensorSpec(None, "int32"), tf.TensorSpec(None, "float32")])
    def step(indices, values):
        optimizer.apply([tf.IndexedSlices(values, indices, tf.constant(SHAPE))], [table])

    step(tf.constant([3, 3]), tf.ones((2, 3)))
    assert (table.numpy()[3] < 1).all() and (np.delete(table.numpy(), 3, axis=0) == 1).all()


def test_halves_and_unused_kernels_take_the_dense_way(monkeypatch):
    for dtype in ("bfloat16", "float16"):
        both = [trained(optimizers.SGD(0.1), sparse, dtype=dtype, steps=1) for sparse in (True, False)]
        for ours, expected in zip(*both, strict=True):
            np.testing.assert_array_equal(ours, expected)
    monkeypatch.setattr(kernels, "fused", lambda variable: False)
    assert "UnsortedSegmentSum" in large_tensors(optimizers.SGD())

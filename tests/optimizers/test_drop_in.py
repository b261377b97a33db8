"""Drop-in properties of every optimizer and wrapper, after the test suites of Keras, optax and pytorch_optimizer.

Shapes and dtypes at the edges, gradients without a static shape, copies and pickles, models that are saved before they
were trained, learning rates of every kind.
"""

import copy
import json
import pickle
import warnings

import keras
import numpy as np
import pytest

import optimizers
from tests.optimizers.running import run

BACKEND = keras.backend.backend()
WRAPPERS = {
    "AdaptiveGradientClipping": lambda **a: optimizers.AdaptiveGradientClipping(
        optimizers.SGD(0.01, momentum=0.9, **a)
    ),
    "Cautious": lambda **a: optimizers.Cautious(optimizers.Lion(1e-3, **a)),
    "GradientCentralization": lambda **a: optimizers.GradientCentralization(optimizers.Adam(**a)),
    "LazySparse": lambda **a: optimizers.LazySparse(optimizers.Adam(**a)),
    "Lookahead": lambda **a: optimizers.Lookahead(optimizers.RAdam(**a), sync_period=2),
    "SkipNonFinite": lambda **a: optimizers.SkipNonFinite(optimizers.Prodigy(**a)),
    "SWA": lambda **a: optimizers.SWA(optimizers.Cautious(optimizers.NAdam(**a)), start=1),
}
ALL = [*optimizers.names(), *WRAPPERS]
EACH = pytest.mark.parametrize("name", ALL)
# Of every kind of slots one, in a plain run of what takes half a second; the others follow in the matrix.
FEW = ("Adam", "Adafactor", "BatchGradientDescent", "NAdam", "ScheduleFreeAdamW", "SOAP", "Lookahead", "SWA")
FEW_EACH = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in FEW else pytest.mark.matrix) for name in ALL]
)


def made(name, **arguments):
    return WRAPPERS[name](**arguments) if name in WRAPPERS else optimizers.get(name, **arguments)


def on(*shapes, dtype="float32"):
    random = np.random.RandomState(0)
    return [
        keras.Variable(random.normal(size=shape), dtype=dtype, name=f"w{place}") for place, shape in enumerate(shapes)
    ]


def gradients_of(variables, steps=3, scale=1.0):
    random = np.random.RandomState(1)
    return [[scale * random.normal(size=tuple(v.shape)) for v in variables] for _ in range(steps)]


def tensors(gradients, dtype="float32"):
    return [keras.ops.convert_to_tensor(np.asarray(g), dtype=dtype) for g in gradients]


def values(variables):
    return [np.asarray(keras.ops.convert_to_numpy(v), "float64") for v in variables]


def same(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


# ---- shapes ----------------------------------------------------------------------------------------------------------


@EACH
def test_scalars_empty_variables_and_no_variables(name):
    variables = on((), (0,), (3, 0), (2, 3))
    optimizer = made(name)
    for gradients in gradients_of(variables):
        optimizer.apply(tensors(gradients), variables)
    assert all(np.isfinite(value).all() for value in values(variables + optimizer.variables))
    made(name).build([])


@pytest.mark.skipif(BACKEND != "tensorflow", reason="a gradient has a shape on the other backends")
@pytest.mark.parametrize(
    "shape",
    [pytest.param([None, None], marks=pytest.mark.matrix, id="free sizes"), pytest.param(None, id="free rank")],
)
@EACH
def test_a_gradient_of_unknown_shape_counts_as_one_of_known_shape(name, shape):
    import tensorflow as tf

    variables, again = on((3, 4)), on((3, 4))
    one, other = made(name), made(name)
    step = tf.function(
        lambda gradient: one.apply([gradient], variables), input_signature=[tf.TensorSpec(shape, "float32")]
    )
    known = tf.function(lambda gradient: other.apply([gradient], again))
    one.build(variables)
    other.build(again)
    for (gradient,) in gradients_of(variables):
        step(tf.constant(gradient, "float32"))
        known(tf.constant(gradient, "float32"))
    for ours, expected in zip(values(variables), values(again), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-6)


# ---- half precision --------------------------------------------------------------------------------------------------


# FTRL's weights follow from the gradients alone, ASGD decays by itself, Yogi's momentum starts at 1e-6.
MOVED_BY_NOTHING = ("ASGD", "FTRL", "Yogi")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@EACH
def test_half_precision_variables_move_as_float32_ones(name, dtype):
    """Their gradients as small as 1e-6, of which no half holds the square; the weights are rounded once a step."""
    narrow, wide = on((4, 3), (5,), dtype=dtype), on((4, 3), (5,))
    for variable, half in zip(wide, narrow, strict=True):
        variable.assign(keras.ops.cast(half, "float32"))
    one, other = made(name), made(name)
    one.build(narrow)
    other.build(wide)
    steps = gradients_of(wide, steps=1) + gradients_of(wide, steps=1, scale=1e-6)
    rounding = {"float16": 2.0**-11, "bfloat16": 2.0**-8}[dtype]
    for gradients in steps:
        gradients = tensors(gradients, dtype)
        one.apply(gradients, narrow)
        other.apply([keras.ops.cast(g, "float32") for g in gradients], wide)
        for half, variable in zip(values(narrow), values(wide), strict=True):
            np.testing.assert_allclose(half, variable, rtol=3 * rounding, atol=2 * rounding)
    for half, slot in zip(one.variables, other.variables, strict=True):
        assert keras.backend.standardize_dtype(half.dtype) == keras.backend.standardize_dtype(slot.dtype)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@EACH
def test_a_zero_gradient_in_half_precision_leaves_numbers(name, dtype):
    variables = on((4, 3), (5,), (), dtype=dtype)
    before = values(variables)
    optimizer = made(name, weight_decay=0.0)
    for _ in range(3):
        optimizer.apply([keras.ops.zeros(v.shape, dtype) for v in variables], variables)
    assert all(np.isfinite(value).all() for value in values(variables))
    if name not in MOVED_BY_NOTHING:
        same(values(variables), before)


@pytest.mark.parametrize("options", [{}, {"ema_overwrite_frequency": 2}], ids=str)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_fit_ends_at_the_averages_of_half_precision_weights(dtype, options):
    layers = [keras.Input((6,)), keras.layers.Dense(2, dtype=dtype)]
    trained = keras.Sequential(layers)
    trained.compile(optimizers.Adam(0.1, use_ema=True, ema_momentum=0.9, **options), "mse", jit_compile=False)
    fit(trained)
    averages = values(trained.optimizer.evaluation_slots())
    for weight, average in zip(values(trained.weights), averages, strict=True):
        np.testing.assert_allclose(weight, average, rtol=2**-8)


# ---- copies ----------------------------------------------------------------------------------------------------------

COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda each: pickle.loads(pickle.dumps(each)), "copy": copy.copy}
OPTIONS = {"weight_decay": 0.1, "exclude_from_weight_decay": ["w1"], "groups": [{"match": "w0", "multiplier": 0.5}]}


@pytest.mark.parametrize("how", COPIES)
@EACH
def test_a_copy_has_the_state_and_goes_on_by_itself(name, how):
    variables = on((2, 3), (3,))
    optimizer = made(name, **OPTIONS)
    assert COPIES[how](optimizer).get_config() == optimizer.get_config()
    steps = gradients_of(variables, 4)
    run(optimizer, gradients=steps[:2], on=variables)
    twin = COPIES[how](optimizer)
    assert twin is not optimizer and type(twin) is type(optimizer) and twin.get_config() == optimizer.get_config()
    state = values(optimizer.variables)
    same(values(twin.variables), state)
    other = on((2, 3), (3,))
    for variable, value in zip(other, values(variables), strict=True):
        variable.assign(value)
    for gradients in steps[2:]:
        twin.apply(tensors(gradients), other)
    same(values(optimizer.variables), state)  # the original has not moved
    expected = run(optimizer, gradients=steps[2:], on=variables)
    same(values(other), expected)
    same(values(twin.variables), values(optimizer.variables))


def test_a_copy_takes_no_variables_of_other_shapes():
    optimizer = optimizers.Adam()
    optimizer.build(on((2, 3)))
    with pytest.raises(ValueError, match=r"shapes \[\(2, 3\)\]. Received: variables of the shapes \[\(3, 2\)\]"):
        copy.deepcopy(optimizer).apply(tensors([np.ones((3, 2))]), on((3, 2)))
    with pytest.raises(ValueError, match="Unknown variable"):
        optimizer.apply(tensors([np.ones((2, 3))]), on((2, 3)))


def test_a_class_of_the_users_own_and_a_callable_rate_are_copied():
    class Mine(optimizers.Adam):
        pass

    optimizer = Mine(lambda: 0.5)
    twin = copy.deepcopy(optimizer)
    assert type(twin) is Mine and float(twin.learning_rate) == 0.5


# ---- models saved before they were trained ---------------------------------------------------------------------------


def model(optimizer=None):
    layers = [
        keras.Input((6,)),
        keras.layers.Dense(5, activation="tanh", name="first"),
        keras.layers.Dense(2, name="last"),
    ]
    made = keras.Sequential(layers)
    if optimizer is not None:
        eager = BACKEND == "tensorflow"  # sooner done than a trace
        made.compile(optimizer, keras.losses.MeanSquaredError(), run_eagerly=eager, jit_compile=False)
    return made


def fit(trained, epochs=1):
    random = np.random.RandomState(4)
    x, y = random.normal(size=(16, 6)).astype("float32"), random.normal(size=(16, 2)).astype("float32")
    trained.fit(x, y, batch_size=8, epochs=epochs, shuffle=False, verbose=0)


def quiet(function, *arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        return function(*arguments)


@pytest.mark.parametrize("kind", ["keras", "h5"])
@FEW_EACH
def test_a_model_saved_before_training_loads_and_trains(name, kind, tmp_path):
    first = model(made(name))
    path = tmp_path / f"model.{kind}"
    if kind == "h5":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # .h5 is legacy, says Keras
            first.save(path)
            again = keras.models.load_model(path)
    else:
        first.save(path)
        again = quiet(keras.models.load_model, path)
    assert int(again.optimizer.iterations) == 0
    assert float(again.optimizer.learning_rate) == float(first.optimizer.learning_rate)
    fit(again)
    fit(first)
    for ours, expected in zip(values(again.weights), values(first.weights), strict=True):
        # A loss out of an .h5 file is rounded otherwise; an optimizer may make a sign of that.
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5 if kind == "h5" else 0)


@pytest.mark.parametrize("options", [{}, {"use_ema": True, "gradient_accumulation_steps": 2}], ids=["plain", "all"])
@pytest.mark.parametrize("name", ["Adam", "SGD", "Prodigy", "ScheduleFreeAdamW", "Lookahead", "SWA"])
def test_a_state_from_before_training_puts_slots_back(name, options, tmp_path):
    """Weights saved at the start, then `fit`, then `load_weights` to begin anew."""
    trained = model(made(name, **options))
    trained.optimizer.learning_rate = 0.125
    trained.save_weights(tmp_path / "start.weights.h5")
    expected = model(made(name, **options))
    expected.set_weights(trained.get_weights())
    expected.optimizer.learning_rate = 0.125
    fit(trained)
    trained.optimizer.learning_rate = 0.5
    quiet(trained.load_weights, tmp_path / "start.weights.h5")
    assert float(trained.optimizer.learning_rate) == 0.125 and int(trained.optimizer.iterations) == 0
    for each in (trained, expected):
        fit(each, epochs=2)
    same(values(trained.weights), values(expected.weights))
    same(values(trained.optimizer.variables), values(expected.optimizer.variables))


@FEW_EACH
def test_weights_load_into_a_model_just_compiled(name, tmp_path):
    trained = model(made(name))
    fit(trained)
    trained.save_weights(tmp_path / "cp.weights.h5")
    fresh = model(made(name))
    if len(trained.optimizer.variables) == len(fresh.optimizer.variables):  # no slots, so nothing is left out
        fresh.load_weights(tmp_path / "cp.weights.h5")
    else:
        with pytest.warns(UserWarning, match=r"is not built, has \d\. To load the state too, call `optimizer.build"):
            fresh.load_weights(tmp_path / "cp.weights.h5")
    same(values(fresh.weights), values(trained.weights))
    built = model(made(name))
    built.optimizer.build(built.trainable_variables)
    quiet(built.load_weights, tmp_path / "cp.weights.h5")
    for each in (built, trained):
        fit(each)
    same(values(built.weights), values(trained.weights))


@pytest.mark.parametrize(
    "written, read, taken",
    [
        ("RMSProp", "AdaGrad", False),  # as many slots, of the same shapes, which mean another thing
        ("Signum", "Lion", False),
        ("Adam", "SGD", False),
        ("Adam", "AdamW", True),
        ("AdamW", "LAMB", True),
        ("Adam", "AdaMax", False),
        ("SGD", "Adam", False),  # which has no slots and has made steps
    ],
)
def test_the_state_of_another_rule_is_left_out_unless_it_means_the_same(written, read, taken, tmp_path):
    trained = model(made(written))
    fit(trained)
    trained.save_weights(tmp_path / "cp.weights.h5")
    other = model(made(read))
    other.optimizer.build(other.trainable_variables)
    if taken:
        quiet(other.load_weights, tmp_path / "cp.weights.h5")
        same(values(other.optimizer.variables), values(trained.optimizer.variables))
    else:
        with pytest.warns(UserWarning, match=f"{read} .* keeps its own state: the saved one is left out"):
            other.load_weights(tmp_path / "cp.weights.h5")
        assert int(other.optimizer.iterations) == 0
    same(values(other.weights), values(trained.weights))


def test_a_state_without_slots_of_another_rule_is_left_out_before_training_too(tmp_path):
    model(made("SGD")).save_weights(tmp_path / "start.weights.h5")
    trained = model(made("Adam"))
    fit(trained)
    state = values(trained.optimizer.variables)
    with pytest.warns(UserWarning, match="since it is of SGD"):
        trained.load_weights(tmp_path / "start.weights.h5")
    same(values(trained.optimizer.variables), state)


@pytest.mark.parametrize("name", ["Adam", "Muon", "Lookahead"])
def test_a_layer_frozen_after_training_leaves_the_state_out(name, tmp_path):
    trained = model(made(name))
    fit(trained)
    trained.layers[0].trainable = False
    trained.save(tmp_path / "model.keras")
    with pytest.warns(UserWarning, match="for 2 trainable variables of the model"):
        again = keras.models.load_model(tmp_path / "model.keras")
    same(values(again.weights), values(trained.weights))
    fit(again)


# ---- the learning rate -----------------------------------------------------------------------------------------------


@EACH
def test_the_rate_can_be_set_to_any_scalar(name):
    optimizer = made(name)
    optimizer.learning_rate = 0.5
    optimizer.learning_rate *= 0.5
    assert float(optimizer.learning_rate) == 0.25
    tensor, variable = keras.ops.convert_to_tensor(0.75), keras.Variable(3.0)
    scalars = [1, 0, np.float32(0.5), np.int64(2), np.array(0.125), tensor, variable]
    for scalar in scalars:
        optimizer.learning_rate = scalar
        assert float(optimizer.learning_rate) == float(scalar)
    scaled = keras.optimizers.LossScaleOptimizer(optimizer)
    scaled.learning_rate = scaled.learning_rate * 2
    assert float(optimizer.learning_rate) == 6.0
    for bad in (-1, np.array([0.1]), float("nan"), True, "0.1", None, keras.ops.convert_to_tensor(-0.5)):
        with pytest.raises(ValueError, match="`learning_rate` must be a scalar >= 0"):
            optimizer.learning_rate = bad
    assert float(optimizer.learning_rate) == 6.0


def test_a_rate_that_follows_something_is_not_overwritten():
    for rate in (lambda: 0.1, optimizers.schedules.InverseSquareRoot(0.1, 10)):
        with pytest.raises(TypeError, match="Make the optimizer with a float `learning_rate`"):
            optimizers.Adam(rate).learning_rate = 0.5


# ---- gradients of other kinds ----------------------------------------------------------------------------------------


@pytest.mark.skipif(BACKEND != "jax", reason="BCOO is JAX's")
@EACH
def test_a_bcoo_gradient_counts_as_the_dense_one(name):
    from jax.experimental import sparse

    def moved(kind):
        variables, optimizer = on((5, 2)), made(name)
        dense = np.zeros((5, 2), "float32")
        dense[[1, 3]] = [[1, 2], [3, 4]]
        for _ in range(2):
            optimizer.apply([kind(keras.ops.convert_to_tensor(dense))], variables)
        return values(variables)

    same(moved(sparse.BCOO.fromdense), moved(lambda dense: dense))


# ---- configurations --------------------------------------------------------------------------------------------------


@EACH
def test_a_configuration_goes_through_json(name):
    optimizer = made(name, clipnorm=1.0, **OPTIONS)
    again = type(optimizer).from_config(json.loads(json.dumps(optimizer.get_config())))
    assert again.get_config() == optimizer.get_config()

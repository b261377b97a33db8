"""Property tests of optax and pytorch_optimizer, and uses of Keras's, over all of our optimizers.

    KERAS_BACKEND=jax pytest -n 0 benchmarks/peer_properties.py [-k "float16 and Adam"]

`peer_suites.py` runs it as one of the suites. The checks are written anew: optax's and pytorch_optimizer's own suites
take functions of gradients and torch's parameters, which are other interfaces.
"""

import copy
import inspect
import pickle
import warnings

import keras
import numpy as np
import pytest
from keras import ops

import optimizers
from zoo.layers import attention, embedding, recurrence

BACKEND = keras.backend.backend()
WRAPPERS = {
    "AdaptiveGradientClipping": {},
    "Cautious": {},
    "GradientCentralization": {},
    "LazySparse": {},
    "Lookahead": {},
    "SkipNonFinite": {},
    "SWA": {"start": 0},
}
ARGUMENTS = {"Sophia": {"empirical_fisher": True}}
NAMES = [*optimizers.names(), *WRAPPERS]
# Keras's class: ours.
FROM_KERAS = {
    "Adadelta": "Adadelta",
    "Adafactor": "Adafactor",
    "Adagrad": "AdaGrad",
    "Adam": "Adam",
    "AdamW": "AdamW",
    "Adamax": "AdaMax",
    "Ftrl": "FTRL",
    "Lamb": "LAMB",
    "Lion": "Lion",
    "Muon": "Muon",
    "Nadam": "NAdam",
    "RMSprop": "RMSProp",
    "SGD": "SGD",
    "ScheduleFreeAdamW": "ScheduleFreeAdamW",
}
LAYERS = {
    "SelfAttention": lambda: attention.SelfAttention(4, 2, name="layer"),
    "CrossAttention": lambda: attention.CrossAttention(4, 2, name="layer"),
    "Reader": lambda: recurrence.Reader(4, 1, 0.1, name="layer"),
    "Step": lambda: recurrence.Step(4, 2, 3, name="layer"),
    "AdditiveScores": lambda: recurrence.AdditiveScores(4, 4, name="layer"),
    "GeneralScores": lambda: recurrence.GeneralScores(4, 4, name="layer"),
    "Embedding": lambda: embedding.Embedding(5, 4, True, name="layer"),
}

everyone = pytest.mark.parametrize("name", NAMES)
only = {
    backend: pytest.mark.skipif(BACKEND != backend, reason=f"is about {backend}")
    for backend in ("tensorflow", "jax", "torch")
}
sparse = pytest.mark.skipif(BACKEND == "torch", reason="Keras on torch has no sparse gradients")


@pytest.fixture(autouse=True)
def _quiet():
    """Warnings are allowed: Keras warns where it leaves state out."""
    keras.utils.set_random_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    keras.config.set_dtype_policy("float32")


def make(name, rate=0.01, **arguments):
    if name in WRAPPERS:
        return getattr(optimizers, name)(optimizers.Adam(rate, **arguments), **WRAPPERS[name])
    return getattr(optimizers, name)(rate, **ARGUMENTS.get(name, {}), **arguments)


def variables(dtype="float32", shapes=((4, 3), (3,))):
    random = np.random.default_rng(0)
    return [keras.Variable(random.normal(size=shape), dtype=dtype, name=f"w{i}") for i, shape in enumerate(shapes)]


def gradients(on, steps=1, scale=1.0):
    random = np.random.default_rng(1)
    return [
        [ops.convert_to_tensor(scale * random.normal(size=v.shape), dtype=v.dtype) for v in on] for _ in range(steps)
    ]


def stepped(optimizer, on=None, steps=3, scale=1.0):
    on = variables() if on is None else on
    for each in gradients(on, steps, scale):
        optimizer.apply(each, on)
    return on


def values(of):
    return [np.asarray(ops.convert_to_numpy(ops.cast(v, "float32")), "float64") for v in of]


def assert_finite(of):
    assert all(np.isfinite(value).all() for value in values(of))


def compiled(name, optimizer=None, eagerly=True):
    """A small model. Eager, since the checks are many and tracing is slow; compiled steps have checks of their own."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="a"), keras.layers.Dense(1, name="b")])
    # Not "mse": that name in a .h5 file is not found again by Keras.
    model.compile(optimizer or make(name), keras.losses.MeanSquaredError(), run_eagerly=eagerly)
    return model


def fitted(model, steps=2):
    random = np.random.default_rng(2)
    model.fit(random.normal(size=(4, 4)), random.normal(size=(4, 1)), batch_size=4, epochs=steps, verbose=0)
    assert_finite(model.weights)
    return model


# ---- copying, pickling, configuration ----------------------------------------------------------------------------


@everyone
@pytest.mark.parametrize("how", ["pickle", "deepcopy"])
@pytest.mark.parametrize("state", ["unbuilt", "built"])
def test_copy(name, how, state):
    optimizer = make(name)
    if state == "built":
        stepped(optimizer)
    again = copy.deepcopy(optimizer) if how == "deepcopy" else pickle.loads(pickle.dumps(optimizer))
    assert again.get_config() == optimizer.get_config()
    assert len(again.variables) == len(optimizer.variables)
    for a, b in zip(values(again.variables), values(optimizer.variables), strict=True):
        np.testing.assert_array_equal(a, b)


@everyone
def test_config_round_trip(name):
    optimizer = make(name, keras.optimizers.schedules.CosineDecay(0.1, 100))
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is type(optimizer) and again.get_config() == optimizer.get_config()
    assert type(optimizer).from_config(optimizer.get_config()).get_config() == optimizer.get_config()


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("what", ["trainable", "dtype"])
def test_layer_config(name, what):
    keras.config.set_dtype_policy("mixed_float16" if what == "dtype" else "float32")
    layer = LAYERS[name]()
    layer.trainable = what != "trainable"
    keras.config.set_dtype_policy("float32")
    again = type(layer).from_config(layer.get_config())
    assert again.trainable == layer.trainable and again.dtype_policy.name == layer.dtype_policy.name


@pytest.mark.parametrize("keras_name", FROM_KERAS)
def test_keras_config(keras_name):
    config = getattr(keras.optimizers, keras_name)(learning_rate=0.1).get_config()
    getattr(optimizers, FROM_KERAS[keras_name]).from_config(config)


@everyone
def test_refuses_negative_arguments(name):
    wrong = {"learning_rate": -0.1, "weight_decay": -0.1}
    for argument, given in inspect.signature(getattr(optimizers, name)).parameters.items():
        if isinstance(given.default, float) and argument.startswith(("beta", "epsilon", "momentum", "rho", "nu")):
            if argument == "beta_2_decay":  # Adafactor's exponent, which is negative
                continue
            wrong[argument] = -0.1
    for argument, value in wrong.items():
        with pytest.raises(ValueError, match=argument):
            make(name, **{"rate" if argument == "learning_rate" else argument: value})


# ---- checkpoints ---------------------------------------------------------------------------------------------------


@everyone
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_unfitted_model_loads(name, suffix, tmp_path):
    compiled(name).save(tmp_path / f"model{suffix}")
    loaded = keras.models.load_model(tmp_path / f"model{suffix}")
    if suffix == ".keras":  # Keras builds the optimizer of a .h5 file for no variables, so that it cannot go on
        fitted(loaded)


@everyone
def test_unfitted_checkpoint_into_fitted(name, tmp_path):
    model = compiled(name)
    model.save_weights(tmp_path / "start.weights.h5")
    start = values(model.weights)
    fitted(model).load_weights(tmp_path / "start.weights.h5")
    for a, b in zip(values(model.weights), start, strict=True):
        np.testing.assert_array_equal(a, b)
    fitted(model)


@everyone
def test_fitted_checkpoint_into_unfitted(name, tmp_path):
    model = fitted(compiled(name))
    model.save_weights(tmp_path / "end.weights.h5")
    fresh = compiled(name)
    fresh.load_weights(tmp_path / "end.weights.h5")
    for a, b in zip(values(fresh.weights), values(model.weights), strict=True):
        np.testing.assert_array_equal(a, b)
    fitted(fresh)


@everyone
def test_checkpoint_of_another_rule(name, tmp_path):
    fitted(compiled("", keras.optimizers.SGD(0.01, momentum=0.9))).save_weights(tmp_path / "end.weights.h5")
    fresh = compiled(name)
    fresh.load_weights(tmp_path / "end.weights.h5")
    fitted(fresh)


@everyone
def test_checkpoint_frozen_after_fit(name, tmp_path):
    model = fitted(compiled(name))
    model.layers[0].trainable = False
    model.save(tmp_path / "model.keras")
    fitted(keras.models.load_model(tmp_path / "model.keras"))


@everyone
def test_build_of_no_variables(name):
    make(name).build([])


# ---- learning rate -------------------------------------------------------------------------------------------------


@everyone
def test_rate_setter(name):
    optimizer = make(name)
    optimizer.learning_rate *= 0.5
    np.testing.assert_allclose(ops.convert_to_numpy(optimizer.learning_rate), 0.005, rtol=1e-6)
    for value in (1, np.array(0.25), ops.convert_to_tensor(0.125), keras.Variable(0.0625)):
        optimizer.learning_rate = value
        np.testing.assert_allclose(ops.convert_to_numpy(optimizer.learning_rate), ops.convert_to_numpy(value))


@everyone
def test_constant_schedule_is_that_rate(name):
    schedule = keras.optimizers.schedules.InverseTimeDecay(0.01, 1, 0.0)
    for a, b in zip(values(stepped(make(name))), values(stepped(make(name, schedule))), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


# ---- shapes --------------------------------------------------------------------------------------------------------


@only["tensorflow"]
@everyone
@pytest.mark.parametrize("shape", [(None, None), None], ids=["shape", "rank"])
def test_unknown_static(name, shape):
    import tensorflow as tf

    optimizer, (variable,) = make(name), variables(shapes=[(4, 3)])
    optimizer.build([variable])
    tf.function(lambda g: optimizer.apply([g], [variable]), input_signature=[tf.TensorSpec(shape)])(
        gradients([variable])[0][0]
    )
    assert_finite([variable])


@everyone
def test_unknown_static_length_of_sequences(name):
    model = keras.Sequential([keras.Input((None, 4)), keras.layers.Dense(3), keras.layers.Dense(1)])
    model.compile(make(name), "mse")
    model.fit(np.ones((2, 5, 4)), np.ones((2, 5, 1)), verbose=0)
    assert_finite(model.weights)


@everyone
def test_scalar_variable(name):
    assert_finite(stepped(make(name), variables(shapes=[()])))


@everyone
def test_variables_of_size_0(name):
    assert_finite(stepped(make(name), variables(shapes=[(0,), (2, 2), (0, 3)])))


@everyone
def test_ranks_1_to_4_with_axes_of_1(name):
    assert_finite(stepped(make(name), variables(shapes=[(1,), (1, 4), (3, 1, 2), (2, 1, 3, 1)])))


# ---- dtypes and gradients ------------------------------------------------------------------------------------------


@everyone
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("scale", [0.0, 1.0], ids=["zero_gradient", "gradient"])
def test_finite_and_dtype_kept(name, dtype, scale):
    on = stepped(make(name), variables(dtype), scale=scale)
    assert_finite(on)
    assert all(keras.backend.standardize_dtype(v.dtype) == dtype for v in on)


@everyone
def test_mixed_float16_fit(name):
    keras.config.set_dtype_policy("mixed_float16")
    fitted(compiled(name, eagerly=False))


@everyone
def test_missing_gradient(name):
    optimizer, on = make(name), variables()
    optimizer.build(on)
    before = values(on)[1]
    optimizer.apply([gradients(on)[0][0], None], on)
    np.testing.assert_array_equal(values(on)[1], before)
    assert_finite(on)


@sparse
@pytest.mark.parametrize("name", [name for name in NAMES if name != "LazySparse"])  # whose purpose is another result
def test_sparse_gradient_equals_dense(name):
    def run(kind):
        optimizer, (variable,) = make(name), variables(shapes=[(5, 2)])
        optimizer.build([variable])
        for rows in np.random.default_rng(3).normal(size=(3, 3, 2)).astype("float32"):
            gradient = _sparse(rows, [0, 2, 2], (5, 2))
            optimizer.apply([gradient if kind == "sparse" else _dense(rows, [0, 2, 2], (5, 2))], [variable])
        return values([variable])[0]

    np.testing.assert_allclose(run("sparse"), run("dense"), rtol=1e-5, atol=1e-6)


def _sparse(rows, places, shape):
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.IndexedSlices(tf.constant(rows), tf.constant(places), tf.constant(shape))
    from jax.experimental.sparse import BCOO

    return BCOO((ops.convert_to_tensor(rows), ops.convert_to_tensor(np.array(places)[:, None])), shape=shape)


def _dense(rows, places, shape):
    dense = np.zeros(shape, "float32")
    np.add.at(dense, places, rows)
    return ops.convert_to_tensor(dense)


# ---- compiled, on two devices, to the end --------------------------------------------------------------------------


@pytest.mark.skipif(BACKEND == "torch", reason="Keras compiles no optimizer step on torch")
@everyone
def test_compiled_equals_eager(name):
    eager = stepped(make(name), steps=5)
    optimizer, on = make(name), variables()
    optimizer.build(on)
    steps = gradients(on, 5)
    if BACKEND == "tensorflow":
        import tensorflow as tf

        step = tf.function(lambda each: optimizer.apply(each, on), jit_compile=True)
        for each in steps:
            step(each)
        end = on
    else:
        import jax

        end, state = [v.value for v in on], [v.value for v in optimizer.variables]
        step = jax.jit(optimizer.stateless_apply)
        for each in steps:
            end, state = step(state, each, end)
    for a, b in zip(values(eager), values(end), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@only["jax"]
@everyone
def test_data_parallel_equals_one_device(name):
    def weights():
        keras.utils.set_random_seed(0)
        return values(fitted(compiled(name, eagerly=False), 3).weights)

    one = weights()
    keras.distribution.set_distribution(keras.distribution.DataParallel())
    try:
        two = weights()
    finally:
        keras.distribution.set_distribution(None)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


@only["jax"]
@everyone
@pytest.mark.parametrize("problem", ["parabola", "rosenbrock"])
def test_convergence(name, problem):
    """optax's two targets, its 30,000 steps and its tolerance, at the first of five rates that gets there."""
    start = {"parabola": [-1.0, 10.0, 1.0], "rosenbrock": [0.0, 0.0]}[problem]
    goal = {"parabola": [1.0, -1.0, 1.0], "rosenbrock": [1.0, 1.0]}[problem]
    reached = []
    for rate in (1e-2, 1e-1, 1e-3, 1.0, 1e-4):
        reached.append(_trained(make(name, rate), problem, start, goal))
        if np.allclose(reached[-1], goal, rtol=3e-2, atol=3e-2):
            return
    raise AssertionError(f"no rate converges: {[np.round(each, 3).tolist() for each in reached]}")


def _trained(optimizer, problem, start, goal):
    import jax
    import jax.numpy as jnp

    def loss(w):
        if problem == "parabola":
            return jnp.sum((w - jnp.array(goal)) ** 2)
        return (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2

    variable = keras.Variable(start)
    optimizer.build([variable])

    def step(carry, _):
        state, w = carry
        (w,), state = optimizer.stateless_apply(state, [jax.grad(loss)(w)], [w])
        return (state, w), None

    state = [v.value for v in optimizer.variables]
    (_, w), _ = jax.jit(lambda carry: jax.lax.scan(step, carry, length=30_000))((state, variable.value))
    return np.asarray(w)

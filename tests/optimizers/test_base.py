"""The base of all optimizers: arguments, exclusions, accumulation, odd gradients, halves, checkpoints."""

import warnings

import keras
import numpy as np
import pytest

import optimizers
from tests.optimizers import problem
from tests.optimizers.running import missed, run, schedule, variables

tf = pytest.importorskip("tensorflow")


def adam(learning_rate=0.01, **arguments):
    return optimizers.Adam(learning_rate, beta_1=0.7, beta_2=0.95, epsilon=0.05, **arguments)


# ---- names and arguments ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["adam", "Adam", "ADAM", "a_dam"])
def test_get_ignores_case_and_underscores(name):
    assert isinstance(optimizers.get(name, beta_1=0.5), optimizers.Adam)


def test_get_takes_what_serialization_gives_and_an_optimizer_itself():
    made = adam(schedule(0.1), exclude_from_weight_decay=["bias"])
    again = optimizers.get(keras.saving.serialize_keras_object(made))
    assert again.get_config() == made.get_config()
    assert optimizers.get(made) is made
    assert keras.optimizers.get(keras.optimizers.serialize(made)).get_config() == made.get_config()
    assert keras.saving.get_registered_name(type(made)) == "menagerie>Adam"


@pytest.mark.parametrize(
    "make, error, says",
    [
        (lambda: optimizers.get("adm"), ValueError, "'adm'. Did you mean 'Adam'"),
        (lambda: optimizers.get("zzz"), ValueError, "There are: AdaBelief, AdaBound"),
        (lambda: optimizers.get(3), ValueError, "Received: 3"),
        (lambda: optimizers.Adam(beta1=0.9), TypeError, "no argument `beta1`. Did you mean 'beta_1'"),
        (lambda: optimizers.Adam(lerning_rate=0.9), TypeError, "Did you mean 'learning_rate'"),
        (lambda: optimizers.Adam(1), ValueError, "float >= 0 (1.0, not 1)"),
        (lambda: optimizers.Adam(True), ValueError, "learning_rate=True"),
        (lambda: optimizers.Adam(-0.1), ValueError, "learning_rate=-0.1"),
        (lambda: optimizers.Adam(float("nan")), ValueError, "learning_rate=nan"),
        (lambda: optimizers.Adam("0.1"), ValueError, "learning_rate='0.1'"),
        (lambda: optimizers.Adam(beta_1=1.0), ValueError, "`beta_1` must be in [0, 1)"),
        (lambda: optimizers.Adam(beta_2=-0.1), ValueError, "`beta_2` must be in [0, 1)"),
        (lambda: optimizers.Adam(epsilon=-1e-8), ValueError, "`epsilon` must be a finite number >= 0"),
        (lambda: optimizers.Adam(weight_decay=float("nan")), ValueError, "`weight_decay`"),
        (lambda: optimizers.Adam(clipnorm=1.0, clipvalue=1.0), ValueError, "Only one of"),
        (lambda: optimizers.SGD(nesterov=True), ValueError, "needs a momentum above 0"),
        (lambda: optimizers.RMSProp(rho=1.5), ValueError, "`rho`"),
        (lambda: optimizers.BatchGradientDescent(steps_per_epoch=0), ValueError, "integer >= 1"),
        (lambda: optimizers.BatchGradientDescent(steps_per_epoch=2, last_batch=0), ValueError, "(0, 1]"),
        (lambda: adam().apply([np.ones(3, "float32")]), ValueError, "must already be built"),
    ],
)
def test_bad_arguments_are_refused_in_words(make, error, says):
    with pytest.raises(error) as caught:
        make()
    assert says in str(caught.value)


def test_a_learning_rate_set_later_is_checked_too():
    optimizer = adam()
    optimizer.learning_rate = 0.5
    optimizer.learning_rate = np.float32(0.25)
    assert float(optimizer.learning_rate) == 0.25
    for bad in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="learning_rate"):
            optimizer.learning_rate = bad


def test_a_callable_learning_rate_is_asked_each_step():
    rates = iter([0.5, 0.25])
    weight = keras.Variable(1.0)
    optimizer = optimizers.SGD(lambda: next(rates))
    optimizer.build([weight])
    for _ in range(2):
        optimizer.apply([np.float32(1)])
    assert float(weight) == 0.25


# ---- weight decay and its exclusions ---------------------------------------------------------------------------------


def small_model():
    layers = [
        keras.Input((6,)),
        keras.layers.Dense(4, activation="tanh", name="first"),
        keras.layers.Dense(2, name="last"),
    ]
    return keras.Sequential(layers)


def data(rows=60):
    random = np.random.RandomState(3)
    features = random.normal(size=(rows, 6)).astype("float32")
    return features, (features @ random.normal(size=(6, 2))).astype("float32")


@pytest.mark.parametrize("by", ["name", "path", "variable"])
def test_exclusions_hold_and_are_saved(by, tmp_path):
    model = small_model()
    if by == "variable":
        optimizer = optimizers.SGD(0.5, weight_decay=0.1)
        optimizer.exclude_from_weight_decay(var_list=[model.layers[0].kernel])
        kept = [0]
    else:
        kept, pattern = ([1, 3], "bias") if by == "name" else ([0, 1], "first/")
        optimizer = optimizers.SGD(0.5, weight_decay=0.1, exclude_from_weight_decay=[pattern])
    model.compile(optimizer, "mse")
    model.build()
    model.save(tmp_path / "model.keras")
    for weight in model.trainable_variables:
        weight.assign(np.ones(weight.shape))

    def decayed(optimizer, weights):
        before = [weight.numpy() for weight in weights]
        optimizer.apply([np.zeros(weight.shape, "float32") for weight in weights], weights)
        return [
            float(np.mean(weight.numpy() / value)) for weight, value in zip(weights, before, strict=True) if value.any()
        ]

    factors = [1.0 if i in kept else 0.95 for i in range(4)]
    assert decayed(optimizer, model.trainable_variables) == pytest.approx(factors)
    again = keras.models.load_model(tmp_path / "model.keras")
    for weight in again.trainable_variables:
        weight.assign(np.ones(weight.shape))
    assert decayed(again.optimizer, again.trainable_variables) == pytest.approx(factors)


def test_exclusions_come_before_the_build_and_match_something():
    optimizer = optimizers.AdamW(exclude_from_weight_decay=["gama"])
    with pytest.raises(ValueError, match="'gama', which matches none of the 4 variables.*first/kernel"):
        optimizer.build(small_model().trainable_variables)
    optimizer = optimizers.AdamW()
    optimizer.build(small_model().trainable_variables)
    with pytest.raises(ValueError, match="before the optimizer is built"):
        optimizer.exclude_from_weight_decay(var_names=["bias"])


# ---- accumulation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("clip", [{"clipnorm": 0.5}, {"global_clipnorm": 0.5}, {"clipvalue": 0.1}])
def test_accumulating_k_batches_is_one_batch_k_times_as_large(mode, clip):
    """With what counts steps as well: a schedule, decay, a moving average that overwrites, bias correction."""
    options = {**clip, "weight_decay": 0.1, "use_ema": True, "ema_momentum": 0.6, "ema_overwrite_frequency": 2}
    large = problem.gradients(5)
    parts = [[[4 * g * share for g in step] for share in (0.1, 0.6, -0.2, 0.5)] for step in large]
    one = run(adam(schedule(0.01), **options), "float64", mode, large)
    flat = [part for step in parts for part in step]
    four = run(adam(schedule(0.01), gradient_accumulation_steps=4, **options), "float64", mode, flat)
    assert max(np.abs(a - b).max() for a, b in zip(one, four, strict=True)) < 1e-12


@pytest.mark.parametrize("rows, last_batch", [(64, 1.0), (60, 12 / 16), (50, 2 / 16)])
def test_batch_gradient_descent_takes_the_mean_over_the_whole_set(rows, last_batch):
    keras.utils.set_random_seed(1)
    model, (features, targets) = small_model(), data(rows)
    model.compile(optimizers.BatchGradientDescent(0.2, steps_per_epoch=4, last_batch=last_batch), "mse")
    whole = keras.models.clone_model(model)
    whole.set_weights(model.get_weights())
    whole.compile(optimizers.SGD(0.2), "mse")
    model.fit(features, targets, batch_size=16, epochs=3, verbose=0)
    whole.fit(features, targets, batch_size=rows, epochs=3, verbose=0)
    for ours, expected in zip(model.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(ours, expected, atol=2e-6)


@pytest.mark.parametrize("large", [True, False])
@pytest.mark.parametrize("clip", ["clipnorm", "global_clipnorm", "clipvalue"])
def test_each_clip_follows_its_formula_in_float64(clip, large):
    limit = 0.3 if large else 30.7
    gradients = problem.gradients(1)[0]
    norms = [np.sqrt(np.sum(np.square(gradient))) for gradient in gradients]
    whole = np.sqrt(np.sum(np.square(norms)))
    expected = {
        "clipvalue": [np.clip(gradient, -limit, limit) for gradient in gradients],
        "clipnorm": [gradient * min(1, limit / norm) for gradient, norm in zip(gradients, norms, strict=True)],
        "global_clipnorm": [gradient * min(1, limit / whole) for gradient in gradients],
    }[clip]
    moved = run(optimizers.SGD(1.0, **{clip: limit}), "float64", gradients=[gradients])
    for reached, start, gradient in zip(moved, problem.weights(), expected, strict=True):
        np.testing.assert_allclose(start - reached, gradient, rtol=0, atol=1e-12)


# ---- gradients of other kinds ----------------------------------------------------------------------------------------


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the other backends have no sparse gradients")
@pytest.mark.parametrize(
    "name, clip",
    [
        *((name, {}) for name in optimizers.names()),
        *((name, {"clipnorm": 0.3}) for name in ("SGD", "Adam")),
        *((name, {"gradient_accumulation_steps": 2}) for name in ("SGD", "Adam")),
    ],
)
def test_a_sparse_gradient_counts_as_the_dense_one(name, clip):
    rows, values = [3, 1, 3], np.float32([[1, 2], [3, 4], [5, 6]])
    dense = np.zeros((5, 2), "float32")
    np.add.at(dense, rows, values)

    def moved(gradient):
        table = keras.Variable(np.ones((5, 2), "float32"))
        optimizer = optimizers.get(name, **clip)
        for _ in range(4):
            optimizer.apply([gradient], [table])
        return table.numpy()

    sparse = tf.IndexedSlices(tf.constant(values), tf.constant(rows), (5, 2))
    np.testing.assert_array_equal(moved(sparse), moved(tf.constant(dense)))


# Not FTRL (its weights follow from the gradients alone: without one they are 0), Yogi (its momentum starts at 1e-6) nor
# ASGD (it decays by itself).
@pytest.mark.parametrize("name", [name for name in optimizers.names() if name not in ("ASGD", "FTRL", "Yogi")])
def test_zero_gradients_move_nothing_and_none_skips(name):
    on = variables("float32")
    optimizer = optimizers.get(name, weight_decay=0.0)
    optimizer.build(on)
    before = [variable.numpy() for variable in on]
    for _ in range(3):
        optimizer.apply([np.zeros(variable.shape, "float32") for variable in on], on)
    for variable, value in zip(on, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optimizer.apply([None, *[np.ones(variable.shape, "float32") for variable in on[1:]]], on)
    assert np.array_equal(on[0].numpy(), before[0]) and not np.array_equal(on[1].numpy(), before[1])
    with pytest.raises(ValueError, match="No gradients"):
        optimizer.apply([None] * len(on), on)


def test_a_moving_average_follows_variables_that_get_no_gradient():
    first, second = keras.Variable(2.0), keras.Variable(3.0)
    optimizer = optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2):
            optimizer.apply([np.float32(1), None], [first, second])
    optimizer.finalize_variable_values([first, second])
    assert (float(first), float(second)) == (1.25, 3.0)


def test_adafactor_keeps_two_hundredths_of_adam():
    weight = keras.Variable(np.zeros((1000, 1000), "float32"))
    sizes = {}
    for name in ("Adam", "Adafactor"):
        optimizer = optimizers.get(name)
        optimizer.build([weight])
        sizes[name] = sum(int(np.prod(variable.shape)) for variable in optimizer.variables)
    assert sizes["Adafactor"] <= 0.02 * sizes["Adam"]


# ---- dtypes ----------------------------------------------------------------------------------------------------------


def test_variables_of_two_dtypes_each_keep_their_own():
    wide, narrow = variables("float64"), variables("float32")
    optimizer = adam()
    optimizer.build([*wide, *narrow])
    for step in problem.gradients(20):
        optimizer.apply([*step, *[np.float32(gradient) for gradient in step]], [*wide, *narrow])
    expected = run(adam(), "float64", gradients=problem.gradients(20))
    np.testing.assert_array_equal(wide[4].numpy(), expected[4])
    assert missed([variable.numpy() for variable in narrow], expected) < 2e-5


def test_steps_are_counted_right_beside_half_precision_variables():
    """bfloat16 counts 256, 256, 256: a bias correction in it would stand still."""
    weight = keras.Variable(np.ones(3), dtype="bfloat16")
    optimizer = optimizers.Adam(0.0, beta_2=0.9999)
    optimizer.build([weight])
    optimizer._iterations.assign(999)
    rate, _, epsilon = optimizer._plan([], [])["float32"][1.0]
    assert float(epsilon) == pytest.approx(1e-8 * (1 - 0.9999**1000) ** 0.5, rel=1e-3)
    optimizer.apply([keras.ops.ones(3, "bfloat16")])


def _scaled(optimizer, policy):
    return keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=8.0) if policy == "mixed_float16" else optimizer


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_trains_and_scaling_the_loss_changes_nothing(policy):
    features, targets = data()
    keras.utils.set_random_seed(1)
    layers = [
        keras.Input((6,)),
        keras.layers.Dense(4, activation="tanh", dtype=policy),
        keras.layers.Dense(2, dtype=policy),
    ]
    model = keras.Sequential(layers)
    model.compile(_scaled(adam(gradient_accumulation_steps=2, clipnorm=1.0), policy), "mse", jit_compile=False)
    keras.utils.set_random_seed(1)
    plain = small_model()
    plain.compile(adam(gradient_accumulation_steps=2, clipnorm=1.0), "mse")
    for each in (model, plain):
        each.fit(features, targets, batch_size=10, epochs=2, shuffle=False, verbose=0)
    for ours, expected in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, expected, atol=3e-3)


# ---- checkpoints -----------------------------------------------------------------------------------------------------


def saved(optimizer, on):
    optimizer.build(on)
    store = {}
    optimizer.save_own_variables(store)
    return store


@pytest.mark.parametrize(
    "mine, on, says",
    [
        (lambda: adam(use_ema=True), (2, 3), r"has 4 variables and this one has 6 \(for 1 trainable variables"),
        (adam, (3, 2), r"'adam\w*/\w+_momentum' has the shape \(3, 2\) here and \(2, 3\) there"),
    ],
)
def test_a_state_that_does_not_fit_is_left_out(mine, on, says):
    store = saved(adam(), [keras.Variable(np.ones((2, 3)))])
    optimizer = mine()
    optimizer.build([keras.Variable(np.ones(on))])
    optimizer._iterations.assign(7)
    with pytest.warns(UserWarning, match=f"keeps its own state: the saved one is left out, since .*{says}"):
        optimizer.load_own_variables(store)
    assert int(optimizer.iterations) == 7


def test_a_state_written_by_version_0_1_0_is_read():
    """It had the rule's name among the variables."""
    store = saved(adam(), variables("float32"))
    store["optimizer"] = np.frombuffer(b"Adam", np.uint8)
    optimizer = adam()
    optimizer.build(variables("float32"))
    store["0"] = np.array(5)
    optimizer.load_own_variables(store)
    assert int(optimizer.iterations) == 5
    store["optimizer"] = np.frombuffer(b"AdaBelief", np.uint8)
    with pytest.warns(UserWarning, match="since it is of AdaBelief"):
        optimizer.load_own_variables(store)

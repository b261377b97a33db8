"""optimizers/FROM_KERAS.md: of today, and true of Keras's classes and ours.

The statements on all of them that other files test:

| statement | test |
|---|---|
| an unknown argument | test_base.py: test_bad_arguments_* |
| exclude_from_weight_decay is saved; a pattern that matches nothing raises | test_base.py: test_exclusions_* |
| clipping after the sum over replicas | test_replicas.py: clipnorm, clipvalue; global_clipnorm in "all" |
| under accumulation schedules count updates | test_base.py: test_accumulating_* |
| LossScaleOptimizer goes around ours | test_base.py: test_mixed_precision_* |
| ScheduleFreeAdamW of Keras is wrong | test_defects.py |
"""

import inspect
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

import optimizers
from optimizers import catalog, from_keras
from tests.optimizers import problem
from tests.optimizers.running import run, schedule, variables

PAGE = Path(optimizers.__file__).parent / "FROM_KERAS.md"
STEPS = 8
BETAS = {"beta_1": 0.7, "beta_2": 0.95, "epsilon": 0.05}
NO_EPSILON = {"epsilon": 1e-13}
CONSTANT = {"learning_rate": 0.0625}

# Ours -> (arguments of Keras's class that tell rules apart, and what makes both rules the same: "nothing apart").
CASES = {
    "Adadelta": ({"rho": 0.8, "epsilon": 0.01}, {}),
    "Adafactor": (
        {
            "learning_rate": 0.75,
            "beta_2_decay": -0.7,
            "epsilon_1": 0.01,
            "epsilon_2": 0.4,
            "clip_threshold": 0.8,
            "relative_step": False,
        },
        {"relative_step": True},
    ),
    "AdaGrad": ({"initial_accumulator_value": 0.3, "epsilon": 0.05}, NO_EPSILON),
    "Adam": (BETAS, NO_EPSILON),
    "AMSGrad": ({**BETAS, "amsgrad": True}, NO_EPSILON),
    "AdamW": ({**BETAS, "weight_decay": 0.3, "amsgrad": True}, NO_EPSILON),
    "AdaMax": (BETAS, {}),
    "FTRL": (
        {
            "learning_rate_power": -0.7,
            "initial_accumulator_value": 0.2,
            "l1_regularization_strength": 0.7,
            "l2_regularization_strength": 0.4,
            "l2_shrinkage_regularization_strength": 0.3,
            "beta": 0.5,
        },
        {},
    ),
    "LAMB": ({**BETAS, "weight_decay": 0.3}, {"weight_decay": None}),
    "Lion": ({"beta_1": 0.6, "beta_2": 0.9}, {}),
    "Muon": (
        {
            "learning_rate": 0.0625,
            "adam_beta_1": 0.7,
            "adam_beta_2": 0.95,
            "adam_weight_decay": 0.4,
            "epsilon": 0.05,
            "weight_decay": 0.3,
            "muon_a": 3.0,
            "muon_b": -4.0,
            "muon_c": 1.8,
            "adam_lr_ratio": 0.5,
            "momentum": 0.7,
            "ns_steps": 3,
            "nesterov": False,
            "rms_rate": 0.4,
        },
        {**NO_EPSILON, "exclude_layers": ["w[34]"]},  # kernels of convolutions
    ),
    "NAdam": (BETAS, {}),
    "RMSProp": ({"rho": 0.8, "momentum": 0.6, "centered": True, "epsilon": 0.05}, {**CONSTANT, **NO_EPSILON}),
    "SGD": ({"momentum": 0.8, "nesterov": True}, CONSTANT),
    # Only on JAX is Keras's right, without a warm-up.
    "ScheduleFreeAdamW": (
        {**BETAS, "warmup_steps": 3},
        {**CONSTANT, "warmup_steps": 0} if keras.backend.backend() == "jax" else None,
    ),
}
# Arguments under which the rules differ; the two configurations that `from_config` reads otherwise are no difference.
SAME_BY_CONFIG = ("FTRL", "NAdam")
EACH = pytest.mark.parametrize("pair", from_keras.PAIRS, ids=lambda pair: pair.ours)
READ = pytest.mark.parametrize(
    "pair", [pair for pair in from_keras.PAIRS if not pair.state or pair.state_given], ids=lambda pair: pair.ours
)


def theirs(pair, alike=False, **arguments):
    given, change = CASES[pair.ours]
    given = {"learning_rate": schedule(0.05), **given, **(change if alike else {}), **arguments}
    return pair.their_class(**given)


def ours(pair, keras_optimizer):
    return pair.our_class.from_config(keras_optimizer.get_config())


def moved(optimizer, dtype):
    few = problem.gradients(STEPS)
    ends = run(optimizer, dtype, gradients=few)
    return np.concatenate([np.ravel(e - w) for e, w in zip(ends, problem.weights(), strict=True)])


def apart(one, other):
    return np.abs(one - other).max() / np.abs(other).max()


def test_the_page_is_of_today():
    assert PAGE.read_text() == from_keras.page(), "python -m optimizers.from_keras > optimizers/FROM_KERAS.md"


def test_every_optimizer_of_keras_has_a_row_and_a_case():
    around_others = {"LossScaleOptimizer", "MultiOptimizer", "Optimizer", "OptimizerMap"}
    found = {name for name, cls in vars(keras.optimizers).items() if inspect.isclass(cls)} - around_others
    assert {pair.theirs for pair in from_keras.PAIRS} == found
    assert {pair.ours for pair in from_keras.PAIRS} == set(CASES)


@EACH
def test_what_stands_at_the_same_place_is_the_same_argument(pair):
    names = list(from_keras.parameters(pair.their_class))
    for count in range(1, len(names) + 1):
        try:
            bound = inspect.signature(pair.our_class).bind(*names[:count])
        except TypeError:
            assert count > len(from_keras.by_position(pair)) >= 1
            continue
        assert list(bound.arguments.items()) == [(name, name) for name in names[:count]]


@pytest.mark.parametrize("cls", [cls for cls in catalog.classes() if "beta_1" in catalog.arguments(cls)])
def test_a_positional_beta_of_adams_other_kin_is_nothing_else(cls):
    placed = [p.name for p in catalog.arguments(cls).values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert placed[0] == "learning_rate"
    assert placed[1:3] in ([], ["weight_decay"], ["beta_1", "beta_2"], ["beta_1", "warmup_steps"])
    assert placed[3:4] in ([], ["epsilon"], ["beta_3"])


@EACH
@pytest.mark.parametrize("alike", [False, True])
def test_from_config_takes_every_argument_and_keeps_its_number(pair, alike):
    if CASES[pair.ours][1] is None and alike:
        return
    one = theirs(pair, alike)
    kept = {name: value for name, value in one.get_config().items() if name not in pair.given}
    if pair.ours == "FTRL":
        kept["l2_regularization_strength"] *= 2
    taken = ours(pair, one).get_config()
    assert {name: taken[name] for name in kept} == kept
    assert set(from_keras.parameters(pair.their_class)) <= {*kept, *pair.given}


@EACH
def test_the_defaults_are_those_of_the_signatures(pair):
    """The page takes them from signatures: objects made without arguments must have them."""
    made = pair.our_class().get_config()
    for name, (_, default) in from_keras.defaults(pair).items():
        assert made[name] == (pytest.approx(default) if name == "learning_rate" else default)
    for name, default in from_keras.only_here(pair).items():
        assert made[name] == default


@EACH
def test_from_config_gives_keras_rule_or_the_difference_that_is_told(pair):
    dtype, exact = ("float32", 1e-4) if pair.ours == "Muon" else ("float64", 1e-6)  # Keras's Muon fails in float64
    change = CASES[pair.ours][1]
    different = bool(pair.rule) and pair.ours not in SAME_BY_CONFIG
    one = theirs(pair)
    difference = apart(moved(ours(pair, one), dtype), moved(one, dtype))
    assert difference > 1e-3 if different else difference < exact
    if different and change is not None:
        one = theirs(pair, alike=True)
        assert apart(moved(ours(pair, one), dtype), moved(one, dtype)) < exact


def state(optimizer):
    store = {}
    optimizer.save_own_variables(store)
    store.pop("optimizer", None)
    return store


def going_on(before, after, dtype):
    """The distance between two optimizers' steps after `after` has read the state of `before`."""
    few, on, copies = problem.gradients(4), variables(dtype), variables(dtype)
    run(before, dtype, gradients=few[:3], on=on)
    for copy, variable in zip(copies, on, strict=True):
        copy.assign(variable)
    after.build(copies)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        after.load_own_variables(state(before))
    starts = [np.array(variable) for variable in on]
    ends = run(before, dtype, gradients=few[3:], on=on), run(after, dtype, gradients=few[3:], on=copies)
    return apart(*(np.concatenate([np.ravel(e - s) for e, s in zip(end, starts, strict=True)]) for end in ends))


def with_readable_state(pair):
    change = dict.fromkeys(pair.state_given, 0.0)
    return theirs(pair, True, **{**CONSTANT, **change}, **({"nesterov": False} if "momentum" in change else {}))


@READ
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_goes_on_from_the_state_of_the_other(pair, dtype):
    if pair.ours == "Muon" and dtype == "float64":
        pytest.skip("Keras's Muon fails in float64")
    exact = 1e-6 if dtype == "float64" else 1e-4
    one = with_readable_state(pair)
    assert ours(pair, one).reads_keras_state
    assert going_on(ours(pair, one), one, dtype) < exact
    one = with_readable_state(pair)
    assert going_on(one, ours(pair, one), dtype) < exact


def trained(optimizer):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(optimizer)
    optimizer.build(model.trainable_variables)
    for _ in range(2):
        optimizer.apply([keras.ops.ones(variable.shape) for variable in model.trainable_variables])
    return model


def kept(model):
    return [np.array(variable) for variable in model.optimizer.variables]


FILES = [(pair, True) for pair in from_keras.PAIRS if not pair.state or pair.state_given]
FILES += [(pair, False) for pair in from_keras.PAIRS if pair.state]


@pytest.mark.parametrize("pair, readable", FILES, ids=lambda value: getattr(value, "ours", value))
@pytest.mark.parametrize("by_ours", [True, False], ids=["ours-to-keras", "keras-to-ours"])
def test_a_file_is_read_where_its_state_means_the_same_and_else_left_out_with_a_warning(
    pair, readable, by_ours, tmp_path
):
    one = with_readable_state(pair) if readable else theirs(pair, **CONSTANT)
    other = ours(pair, one)
    assert other.reads_keras_state is readable
    source, target = (trained(other), trained(one)) if by_ours else (trained(one), trained(other))
    source.save_weights(tmp_path / "one.weights.h5")
    target.optimizer.apply([keras.ops.ones(variable.shape) for variable in target.trainable_variables])
    before = kept(target)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        target.load_weights(tmp_path / "one.weights.h5")
    said = any(text in str(w.message) for w in caught for text in ("Skipping variable loading", "keeps its own state"))
    assert said is not readable
    for value, expected in zip(kept(target), kept(source) if readable else before, strict=True):
        np.testing.assert_array_equal(value, expected)


def test_amsgrad_by_its_class_and_by_the_argument_is_one_rule_with_one_state(tmp_path):
    pairs = [
        (optimizers.AMSGrad(), optimizers.Adam(amsgrad=True)),
        (optimizers.Adam(amsgrad=True), optimizers.AMSGrad()),
    ]
    for one, other in pairs:
        source, target = trained(one), trained(other)
        for value, expected in zip(kept(source), kept(target), strict=True):
            np.testing.assert_array_equal(value, expected)
        one.apply([keras.ops.ones(variable.shape) for variable in source.trainable_variables])
        source.save_weights(tmp_path / "one.weights.h5")
        target.load_weights(tmp_path / "one.weights.h5")
        for value, expected in zip(kept(target), kept(source), strict=True):
            np.testing.assert_array_equal(value, expected)


def test_why_a_state_means_another_thing():
    rate = {"learning_rate": 0.0625}
    rmsprop = optimizers.RMSProp(**rate, rho=0.75), keras.optimizers.RMSprop(**rate, rho=0.75), 1 - 0.75
    sgd = optimizers.SGD(**rate, momentum=0.5), keras.optimizers.SGD(**rate, momentum=0.5), -0.0625
    for one, other, factor in (rmsprop, sgd):
        for slot, expected in zip(kept(trained(one))[2:], kept(trained(other))[2:], strict=True):
            np.testing.assert_allclose(factor * slot, expected, rtol=1e-6)
    matrices = [
        sum(v.shape == (3, 2) for v in kept(trained(each.Adafactor()))) for each in (optimizers, keras.optimizers)
    ]
    assert matrices == [0, 1]
    one, other = (kept(trained(each.ScheduleFreeAdamW())) for each in (optimizers, keras.optimizers))
    assert len(one) == len(other) + 2 + 3  # x of each variable, three scalars


def test_muon_without_rms_rate_and_without_a_decay_for_adam():
    wide = [keras.Variable(np.ones((2, 8)), name="kernel") for _ in range(2)]
    bias = [keras.Variable(np.ones(3), name="bias") for _ in range(2)]
    arguments = {"learning_rate": 0.5, "weight_decay": 0.25, "momentum": 0.0}
    made = optimizers.Muon(**arguments), keras.optimizers.Muon(**arguments, adam_weight_decay=None, rms_rate=None)
    gradients = [np.random.RandomState(1).normal(size=(2, 8)).astype("float32"), np.zeros(3, "float32")]
    for optimizer, *on in zip(made, wide, bias, strict=True):
        optimizer.build(on)
        optimizer.apply([keras.ops.convert_to_tensor(gradient) for gradient in gradients], on)
    ours_, theirs_ = (np.array(kernel) - (1 - 0.5 * 0.25) for kernel in wide)
    np.testing.assert_allclose(ours_, np.sqrt(8 / 2) * theirs_, rtol=1e-4, atol=1e-6)
    assert [float(np.array(each)[0]) for each in bias] == [1 - 0.5 * 0.25, 1.0]
    taken = keras.optimizers.Muon(adam_weight_decay=None).get_config()
    assert optimizers.Muon.from_config(taken).adam_weight_decay == 0.0


@pytest.mark.parametrize(
    "make, argument",
    [
        (lambda: optimizers.Muon.from_config(keras.optimizers.Muon(rms_rate=None).get_config()), "`rms_rate=None`"),
        (lambda: optimizers.AMSGrad.from_config(keras.optimizers.Adam().get_config()), "`amsgrad`"),
        (lambda: optimizers.SGD.from_config(keras.optimizers.Adam().get_config()), "`beta_1`"),
        (lambda: optimizers.SGD.from_config(keras.optimizers.SGD(nesterov=True).get_config()), "`nesterov=True`"),
        (lambda: optimizers.AdamW(weight_decay=None), "`weight_decay`"),
        (lambda: keras.optimizers.AdamW(weight_decay=None), "`weight_decay`"),
        (lambda: optimizers.Muon(beta_1=0.9), "`beta_1`. Did you mean 'adam_beta_1'"),
        (lambda: optimizers.LAMB(1e-3, 0.9), "positional"),
    ],
)
def test_what_cannot_mean_the_same_is_refused_by_name(make, argument):
    with pytest.raises((TypeError, ValueError)) as caught:
        make()
    assert argument in str(caught.value)


def test_keras_ignores_an_exclusion_that_matches_nothing_forgets_all_and_raises_another_error():
    optimizer = keras.optimizers.AdamW()
    optimizer.exclude_from_weight_decay(var_names=["nothing"])
    optimizer.build(variables("float32"))
    assert not any("exclude" in name for name in optimizer.get_config())
    with pytest.raises(ValueError, match="not recognized"):
        keras.optimizers.Adam(beta1=0.9)


def test_with_a_moving_average_ours_keeps_one_variable_more():
    one, other = keras.optimizers.Adam(use_ema=True), optimizers.Adam(use_ema=True)
    for optimizer in (one, other):
        optimizer.build(variables("float32"))
    assert len(other.variables) == len(one.variables) + 1
    with pytest.warns(UserWarning, match="Skipping variable loading"):
        one.load_own_variables(state(other))


# ---- configurations of our own, of today and of version 0.1.0 -------------------------------------------------------


@pytest.mark.parametrize(
    "made",
    [
        optimizers.FTRL(0.1, l2_regularization_strength=0.4, learning_rate_power=-0.6),
        optimizers.NAdam(psi=0.1),
        optimizers.Muon(weight_decay=0.1),
    ],
    ids=lambda made: type(made).__name__,
)
def test_a_configuration_of_ours_is_read_as_it_is(made):
    assert type(made).from_config(made.get_config()).get_config() == made.get_config()


def test_a_configuration_of_the_first_version_means_what_it_meant():
    old = {"learning_rate": 0.1, "l2_regularization_strength": 0.4, "beta": 1.0, "weight_decay": 0.1, "use_ema": False}
    assert optimizers.FTRL.from_config(old).l2_regularization_strength == 0.4
    old = {"learning_rate": 0.1, "beta_1": 0.8, "beta_2": 0.9, "weight_decay": 0.1, "exclude_layers": []}
    new = optimizers.Muon.from_config(old)
    assert (new.beta_1, new.beta_2, new.exclude_embeddings) == (0.8, 0.9, False)


def test_muon_takes_adam_for_embeddings_and_a_decay_of_their_own():
    table = keras.Variable(np.ones((3, 2)), name="embeddings")
    kernel = keras.Variable(np.ones((3, 2)), name="kernel")
    for arguments, decays in (({}, (0.5, 0.5)), ({"adam_weight_decay": 0.25}, (0.25, 0.5))):
        optimizer = optimizers.Muon(1.0, weight_decay=0.5, **arguments)
        optimizer.build([table, kernel])
        assert [slot is None for slot in optimizer._velocities] == [False, True]
        before = np.array(table), np.array(kernel)
        optimizer.apply([np.zeros((3, 2), "float32")] * 2)
        for variable, start, decay in zip((table, kernel), before, decays, strict=True):
            np.testing.assert_allclose(np.array(variable), (1 - decay) * start, rtol=1e-6)
    optimizer = optimizers.Muon(exclude_embeddings=False)
    optimizer.build([table, kernel])
    assert optimizer._velocities == [None, None]

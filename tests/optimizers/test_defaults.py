"""Every optimizer in float32 at its defaults beside its oracle in float64, from the first step to the millionth.

The defaults come from `defaults`, written down from the papers: one that changes in the code is noticed.
"""

import keras
import numpy as np
import pytest

import optimizers
from optimizers import catalog
from tests.optimizers import at_defaults, defaults, problem

# They measure how far weights have moved, by 1e-6 at first: of a weight of 0.1, float32 holds that with two digits.
BY_DISTANCE = ("DAdaptAdam", "DAdaptSGD", "DoG", "Prodigy")
QUICK = ("AdEMAMix", "CAME", "DAdaptSGD", "NAdam", "RAdam", "ScheduleFreeAdamW", "SOAP")
EVERYONE = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.matrix, id=name) for name in defaults.OPTIMIZERS
]


def signature(cls) -> dict:
    """Argument -> default, of the class's own constructor and of those that it inherits."""
    parameters = catalog.arguments(cls).values()
    return {each.name: each.default for each in parameters if each.default is not each.empty}


@pytest.mark.parametrize("cls", catalog.classes(), ids=lambda cls: cls.__name__)
def test_signatures_have_the_defaults_of_the_papers(cls):
    if cls is optimizers.EvaluationWeights:
        pytest.skip("a callback without hyper-parameters")
    assert signature(cls) == {**defaults.OPTIMIZERS, **defaults.WRAPPERS}[cls.__name__]


def start_of(name):
    """Weights as wide layers begin with, 0.1 N(0, 1); zeros for rules that go by distance."""
    return at_defaults.start(0.0 if name in BY_DISTANCE else 0.1)


@pytest.mark.parametrize("name", EVERYONE)
def test_float32_follows_the_oracle(name):
    gradients, weights = problem.gradients(), start_of(name)
    ends = at_defaults.reached(getattr(optimizers, name)(), gradients, weights, "float32")
    assert at_defaults.missed(ends, at_defaults.expected(name, gradients, weights), weights) < 1e-4


@pytest.mark.matrix
@pytest.mark.parametrize("name", list(defaults.OPTIMIZERS))
def test_float32_misses_no_more_than_weights_in_float32_must(name):
    """From N(0, 1), where AdamW, DoG, Lion, Prodigy, Signum and Sophia miss more than 1e-4.

    All of that is their weights' rounding: a step of 1e-4 is 838.9 units in the last place of a weight between 1 and 2,
    and the rest is lost, always in the same direction. So the measure is the oracle in float64 but for its weights,
    which are rounded to float32 after each step.
    """
    gradients, weights = problem.gradients(), at_defaults.start()
    oracle = at_defaults.expected(name, gradients, weights)
    rounded = at_defaults.expected(
        name, gradients, weights, rounded=lambda weight: np.float32(weight).astype("float64")
    )
    least = at_defaults.missed(rounded, oracle, weights)
    ends = at_defaults.reached(getattr(optimizers, name)(), gradients, weights, "float32")
    assert at_defaults.missed(ends, oracle, weights) < max(1e-4, 1.5 * least)


@pytest.mark.matrix
@pytest.mark.parametrize("count", [1_000, 10_000, 100_000, 1_000_000])
@pytest.mark.parametrize("name", list(defaults.OPTIMIZERS))
def test_float32_follows_the_oracle_late(name, count):
    """Two steps, then four more that are numbered from `count` on."""
    gradients, weights = problem.gradients(6), start_of(name)
    jump = {3: count}
    ends = at_defaults.reached(getattr(optimizers, name)(), gradients, weights, "float32", between=jump)
    oracle = at_defaults.expected(name, gradients, weights, between=jump)
    assert at_defaults.missed(ends, oracle, weights) < 1e-4


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n == "Lookahead" else pytest.mark.matrix, id=n) for n in at_defaults.AROUND]
)
def test_wrappers_in_float32_follow_their_oracles(name):
    ends, oracle = at_defaults.wrapper_ends(name, at_defaults.wrapped(name), problem.gradients(), "float32")
    assert at_defaults.missed(ends, oracle, at_defaults.start()) < 1e-4


def test_radam_knows_the_length_of_its_average_at_every_step():
    from optimizers.radam import averaged_length

    for beta in (0.0, 0.5, 0.97, 0.999, 0.99999):
        steps = np.unique(np.geomspace(1, 1e6, 60).astype(int))
        found = keras.ops.convert_to_numpy(averaged_length(beta, keras.ops.convert_to_tensor(np.float32(steps))))
        exact = [_length(beta, int(step)) for step in steps]
        np.testing.assert_allclose(found, exact, rtol=1e-6)


def _length(beta, step):
    """n - 2 t beta^t / (1 - beta^t) in fractions, with beta as it is in float64; or where t is large, in float64."""
    from fractions import Fraction

    beta = Fraction(beta)
    if step > 500:
        power = float(beta) ** step
        return 2 / (1 - float(beta)) - 1 - 2 * step * power / (1 - power)
    return float(2 / (1 - beta) - 1 - 2 * step * beta**step / (1 - beta**step))


def test_schedule_free_weighs_the_last_of_many_steps_rightly():
    """A million steps at a rate of 0.0025, the last of which has the weight 1e-6 in the mean."""
    optimizer = optimizers.ScheduleFreeSGD(0.0025)
    one, rate = np.float32(1), np.float32(0.0025)
    state = (np.float32(0), np.float32(0))
    for _ in range(3):
        state = [keras.ops.convert_to_numpy(s) for s in optimizer.advance(one, rate, (), (), *state)]
    assert keras.ops.convert_to_numpy(optimizer.step_scalars(one, rate, *state)[1]) == pytest.approx(1 / 3, rel=1e-6)
    state = [rate, np.float32(999_999)]
    state = [keras.ops.convert_to_numpy(s) for s in optimizer.advance(one, rate, (), (), *state)]
    assert keras.ops.convert_to_numpy(optimizer.step_scalars(one, rate, *state)[1]) == pytest.approx(1e-6, rel=1e-6)

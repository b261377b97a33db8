"""AdaBound, Signum and D-Adaptation's SGD in Rosenbrock's valley, where they end elsewhere than other rules do.

optax's tests minimize Rosenbrock's function from (0, 0) in 30,000 steps. These three fail at the rates that suit the
others, on every backend, because of their rules:

- AdaBound ends as gradient descent with momentum at `final_ratio` times its rate, by default 100 times. The valley's
  curvature at the minimum is 1002, and a step of the average of gradients with beta_1 0.9 is stable up to a rate of
  2 (1 + 0.9) / (1 - 0.9) / 1002 = 0.038. It diverges at 0.001, whose final rate is 0.1, and arrives at 0.0001.
- Signum's steps are as long as its rate wherever it is. It does not settle: it ends 0.13 from the minimum at a rate of
  0.01, and 0.01 from it at 0.0001.
- DAdaptSGD finds the distance to the solution, here 1.4, and steps by that over the first gradient's norm, here 2. For
  the valley 0.7 is 350 times the stable rate, 2 / 1002, since the first gradient does not tell of the steep walls. d
  never falls again, so a learning rate of 0.001 has to make up for it.

The oracles below do the same in float64; ours follow them step by step.
"""

import keras
import numpy as np
import pytest

import optimizers
from tests.optimizers import adam_kin_oracles, defaults, oracles, parameter_free_oracles

# Class -> (oracle, whether it moves all weights at once, a rate that arrives, one that does not).
RULES = {
    "AdaBound": (adam_kin_oracles.adabound, False, 1e-4, 1e-3),
    "Signum": (oracles.signum, False, 1e-4, 1e-2),
    "DAdaptSGD": (parameter_free_oracles.dadapt_sgd, True, 1e-3, 1e-1),
}
NAMES = pytest.mark.parametrize("name", RULES)


def slope(weights):
    x, y = weights
    return np.array([2 * (x - 1) - 400 * x * (y - x * x), 200 * (y - x * x)])


def descend(name, rate, steps):
    """The oracle's weights after each step, until they overflow."""
    oracle, joint, *_ = RULES[name]
    arguments = {key: value for key, value in defaults.OPTIMIZERS[name].items() if key != "learning_rate"}
    step, weights = oracle(**arguments), np.zeros(2)
    for count in range(1, steps + 1):
        weights = (
            step([weights], [slope(weights)], count, rate)[0] if joint else step(weights, slope(weights), count, rate)
        )
        if not np.abs(weights).max() < 1e30:
            return
        yield weights


@NAMES
def test_ours_follow_the_oracle_through_the_valley(name):
    for rate in RULES[name][2:]:
        variable = keras.Variable(np.zeros(2), dtype="float64")
        optimizer = getattr(optimizers, name)(rate)
        optimizer.build([variable])
        rate = float(np.float32(rate))  # Keras keeps it so
        for expected in descend(name, rate, 100):
            optimizer.apply([keras.ops.convert_to_tensor(slope(keras.ops.convert_to_numpy(variable)))])
            size = 1 + np.abs(expected).max()
            np.testing.assert_allclose(keras.ops.convert_to_numpy(variable), expected, rtol=0, atol=1e-6 * size)


@pytest.mark.matrix
@NAMES
def test_the_rule_itself_arrives_at_one_rate_and_not_at_another(name):
    *_, good, bad = RULES[name]
    *_, last = descend(name, good, 30_000)
    np.testing.assert_allclose(last, 1, atol=0.03)
    path = list(descend(name, bad, 30_000))
    assert len(path) < 30_000 or np.abs(path[-1] - 1).max() > 0.06

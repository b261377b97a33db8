"""Defects of Keras 3.15.1 that ours do not have, and where each is tested.

| defect | test |
|---|---|
| ScheduleFreeAdamW reads x after it is overwritten | here; the rows schedule-free-* |
| ... and cannot evaluate at x | test_evaluation.py |
| Nadam without Dozat's 0.004 schedule | here (the default); the row nadam, and torch's fixture |
| Adafactor keeps a full second moment for matrices | test_base.py: test_adafactor_keeps_* |
| Lamb's decay stands outside the trust ratio | here (an oracle of its own); the row lamb, against optax too |
| clipping before the sum over replicas | test_replicas.py: clipnorm, clipvalue; global_clipnorm in "all" |
| accumulation and EMA overwrite raise merge_call errors | test_replicas.py: the case "all" |
| exclude_from_weight_decay is not saved, and not refused after the build | test_base.py: test_exclusions_* |
| SGD's learning rate inside the velocity | here; the rows sgd-momentum and sgd-nesterov, whose rates fall |

Bad input of the optimizers' issue:

| input | test |
|---|---|
| a negative, NaN or integer learning rate; a beta outside [0, 1) | test_base.py: test_bad_arguments_* |
| the same, of every optimizer | here |
| a pattern that matches no variable | test_base.py, test_groups.py, test_lazy_and_skip.py (`match`) |
| a state of another optimizer, or of other variables | test_base.py, test_drop_in.py: test_*_left_out* |
| `apply` before `build` without variables | test_base.py: test_bad_arguments_* |
"""

import inspect

import keras
import numpy as np
import pytest

import optimizers
from tests.optimizers import averaging_oracles, oracles, problem
from tests.optimizers.running import run, schedule

STEPS = 6


def away(made, oracle, rate, falling=False) -> float:
    """The distance of six steps from an oracle, as a fraction of the movement."""
    steps, ends = problem.gradients(STEPS), []
    rates = problem.rates(rate) if falling else np.float32([rate] * STEPS).astype("float64")
    for i, weight in enumerate(problem.weights()):
        rule, end = oracle(), weight
        for t in range(STEPS):
            end = rule(end, steps[t][i], t + 1, rates[t])
        ends.append(end)
    reached = run(made, "float64", gradients=steps)
    moved = max(np.abs(e - w).max() for e, w in zip(ends, problem.weights(), strict=True))
    return max(np.abs(r - e).max() for r, e in zip(reached, ends, strict=True)) / moved


# (ours, Keras's, the oracle, learning rate, whether it falls). Keras's own shows that the test can tell.
CASES = {
    "schedule-free": (
        lambda: optimizers.ScheduleFreeAdamW(0.1, epsilon=1e-4),
        lambda: keras.optimizers.ScheduleFreeAdamW(0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-4, warmup_steps=0),
        lambda: averaging_oracles.schedule_free_adamw(epsilon=1e-4),
        0.1,
        False,
    ),
    "nadam": (
        lambda: optimizers.NAdam(0.01, epsilon=1e-4),
        lambda: keras.optimizers.Nadam(0.01, epsilon=1e-4),
        lambda: oracles.nadam(epsilon=1e-4, psi=0.004),
        0.01,
        False,
    ),
    "lamb": (
        lambda: optimizers.LAMB(0.01, weight_decay=0.1, epsilon=1e-4),
        lambda: keras.optimizers.Lamb(0.01, weight_decay=0.1, epsilon=1e-4),
        lambda: oracles.lamb(epsilon=1e-4, weight_decay=0.1),
        0.01,
        False,
    ),
    "sgd": (
        lambda: optimizers.SGD(schedule(0.01), momentum=0.9),
        lambda: keras.optimizers.SGD(schedule(0.01), momentum=0.9),
        lambda: oracles.sgd(momentum=0.9),
        0.01,
        True,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_ours_is_right_where_keras_is_not(name):
    ours, theirs, oracle, rate, falling = CASES[name]
    assert away(ours(), oracle, rate, falling) < 1e-6
    assert away(theirs(), oracle, rate, falling) > 1e-4


@pytest.mark.parametrize("name", optimizers.names())
def test_every_optimizer_refuses_bad_numbers(name):
    for bad in (-0.1, float("nan"), 1):
        with pytest.raises(ValueError, match="learning_rate"):
            optimizers.get(name, learning_rate=bad)
    parameters = inspect.signature(type(optimizers.get(name)).__init__).parameters
    for beta in (parameter for parameter in parameters if parameter.startswith("beta_")):
        if beta == "beta_2_decay":
            continue
        for bad in (1.0, -0.1):
            with pytest.raises(ValueError, match=f"`{beta}`"):
                optimizers.get(name, **{beta: bad})

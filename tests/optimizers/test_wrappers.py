"""Wrappers: what they take over from the inner optimizer, and what they refuse. Their rules are rows of the table."""

import keras
import numpy as np
import pytest

import optimizers
from tests.optimizers import problem
from tests.optimizers.running import run, schedule, variables

OPTIONS = {
    "global_clipnorm": 0.5,
    "use_ema": True,
    "ema_momentum": 0.6,
    "ema_overwrite_frequency": 2,
    "groups": [{"match": "w1", "multiplier": 0.1}, {"match": "w0", "frozen": True}],
    "weight_decay": 0.1,
    "exclude_from_weight_decay": ["w3"],
}


def idle(inner):
    """A wrapper that changes nothing: every step is a synchronization onto the fast weights."""
    return optimizers.Lookahead(inner, sync_period=1, slow_step_size=1.0)


@pytest.mark.parametrize("name", ["Adam", "LAMB", "NAdam"])
def test_an_idle_wrapper_is_the_inner_optimizer_with_all_its_options(name):
    few = problem.gradients(8)
    expected = run(optimizers.get(name, learning_rate=schedule(0.01), **OPTIONS), "float64", gradients=few)
    wrapped = idle(optimizers.get(name, learning_rate=schedule(0.01), **OPTIONS))
    for ours, theirs in zip(run(wrapped, "float64", gradients=few), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-15)


def test_accumulation_is_the_wrappers():
    parts = [[4 * g * share for g in step] for step in problem.gradients(4) for share in (0.2, 0.8)]
    large = [[2 * g for g in step] for step in problem.gradients(4)]
    expected = run(optimizers.Lookahead(optimizers.Adam(0.01), 2), "float64", gradients=large)
    ours = run(
        optimizers.Lookahead(optimizers.Adam(0.01, gradient_accumulation_steps=2), 2), "float64", gradients=parts
    )
    assert max(np.abs(a - b).max() for a, b in zip(ours, expected, strict=True)) < 1e-12


def test_a_learning_rate_set_on_the_wrapper_is_saved():
    wrapped = optimizers.Lookahead(optimizers.Cautious(optimizers.RAdam(0.5)))
    wrapped.learning_rate = 0.25
    again = optimizers.get(keras.saving.serialize_keras_object(wrapped))
    assert float(again.learning_rate) == 0.25 and again.rule == "Lookahead(Cautious(RAdam))"


def test_what_does_not_fit_is_refused_in_words():
    with pytest.raises(TypeError, match="an optimizer of this library"):
        optimizers.Lookahead(keras.optimizers.Adam())
    with pytest.raises(TypeError, match="give `clipnorm` to the inner optimizer, Adam"):
        optimizers.Lookahead(optimizers.Adam(), clipnorm=1.0)
    with pytest.raises(ValueError, match="`sync_period`"):
        optimizers.Lookahead(optimizers.Adam(), sync_period=0)
    built = optimizers.Adam()
    built.build(variables("float32"))
    with pytest.raises(ValueError, match="built already"):
        optimizers.Cautious(built)

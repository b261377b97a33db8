"""Schedules at the steps that matter, and through serialization."""

import math

import keras
import numpy as np
import pytest

import optimizers
from optimizers.schedules import InverseSquareRoot, OneCycle, WarmupCosine, WarmupLinear


@pytest.mark.parametrize(
    "schedule, values",
    [
        (
            WarmupCosine(2.0, 4, 12, final=0.5),
            {0: 0.5, 3: 2.0, 4: 2.0, 8: 1.25, 10: 0.5 + 0.75 * (1 - 0.5**0.5), 20: 0.5},
        ),
        (WarmupCosine(2.0, 0, 8), {0: 2.0, 4: 1.0, 8: 0.0}),
        (WarmupLinear(2.0, 4, 12), {0: 0.5, 1: 1.0, 4: 2.0, 8: 1.0, 11: 0.25, 12: 0.0, 99: 0.0}),
        (InverseSquareRoot(2.0, 4), {0: 0.5, 3: 2.0, 4: 2 * math.sqrt(4 / 5), 15: 1.0, 63: 0.5}),
        # As torch's OneCycleLR(max_lr=2, total_steps=20) gives them.
        (OneCycle(2.0, 20), {0: 0.08, 5: 2.0, 12: 1.0000040, 19: 0.000008}),
    ],
)
def test_values_and_config(schedule, values):
    optimizer = optimizers.SGD(schedule)
    again = optimizers.get(keras.saving.serialize_keras_object(optimizer))
    for step, value in values.items():
        for each in (schedule, again._learning_rate):
            assert float(each(np.int64(step))) == pytest.approx(value, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize(
    "make, says",
    [
        (lambda: WarmupCosine(-1.0, 4, 12), "`peak` must be >= 0"),
        (lambda: WarmupLinear(1.0, 12, 12), "`total_steps` must be more than `warmup_steps`"),
        (lambda: OneCycle(1.0, 100, rising=1.5), "`rising` must be in (0, 1)"),
        (lambda: OneCycle(1.0, 2), "more than one step to rise in"),
    ],
)
def test_bad_arguments_are_refused_in_words(make, says):
    with pytest.raises(ValueError) as caught:
        make()
    assert says in str(caught.value)

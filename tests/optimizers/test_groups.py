"""Parameter groups: the same trajectories as optimizers of their own would give."""

import keras
import numpy as np
import pytest

import optimizers
from tests.optimizers import problem
from tests.optimizers.running import run, schedule, variables

GROUPS = [
    {"match": "w[124]", "multiplier": 0.1},
    {"match": "w[34]", "weight_decay": 0.3},
    {"match": "w4", "multiplier": 2.0},
    {"match": "w0", "frozen": True},
]
# What they come to, variable by variable: multiplier (0: frozen) and decay.
EXPECTED = [(0.0, 0.1), (0.1, 0.1), (0.1, 0.1), (1.0, 0.3), (2.0, 0.3)]


@pytest.mark.parametrize("name", ["Adam", "SGD", "LAMB", "NAdam"])
def test_each_group_goes_its_own_way(name):
    few = problem.gradients(12)
    made = optimizers.get(name, learning_rate=schedule(0.01), weight_decay=0.1, groups=GROUPS)
    grouped = run(made, "float64", "graph", few)
    for i, (multiplier, decay) in enumerate(EXPECTED):
        if not multiplier:
            np.testing.assert_array_equal(grouped[i], problem.weights()[i])
            continue
        alone = optimizers.get(name, learning_rate=schedule(0.01 * multiplier), weight_decay=decay)
        weight = keras.Variable(problem.weights()[i], dtype="float64")
        alone.build([weight])
        for step in few:
            alone.apply([step[i]])
        np.testing.assert_allclose(grouped[i], weight.numpy(), atol=2e-9)


def test_groups_are_saved_and_frozen_gradients_do_not_count_for_clipping():
    made = optimizers.SGD(1.0, groups=[{"match": "w0", "frozen": True}], global_clipnorm=1.0)
    again = optimizers.get(keras.saving.serialize_keras_object(made))
    assert again.get_config()["groups"] == made.get_config()["groups"] == [{"match": "w0", "frozen": True}]
    on = [keras.Variable(0.0, name="w0"), keras.Variable(0.0, name="w1")]
    again.apply([np.float32(1000), np.float32(0.5)], on)
    assert [float(variable) for variable in on] == [0.0, -0.5]


def test_layerwise_decay_falls_towards_the_input():
    groups = optimizers.layerwise_decay(["w0", "w1", "w[2-4]"], 0.5)
    optimizer, on = optimizers.SGD(1.0, groups=groups), variables("float64")
    optimizer.apply([np.ones(variable.shape) for variable in on], on)
    moved = [np.unique(np.round(w - v.numpy(), 12)) for w, v in zip(problem.weights(), on, strict=True)]
    assert [step.tolist() for step in moved] == [[0.25], [0.5], [1.0], [1.0], [1.0]]


@pytest.mark.parametrize(
    "groups, says",
    [
        ([{"match": "encoder"}], "'encoder' matches none of the 5 variables: w0, w1"),
        ([{"math": "w0"}], "a dict with a pattern"),
        ([{"match": "w0", "multiplyer": 2.0}], "no key 'multiplyer'. Did you mean 'multiplier'"),
        ([{"match": "w0", "multiplier": -2.0}], "must be >= 0"),
    ],
)
def test_bad_groups_are_refused_in_words(groups, says):
    with pytest.raises(ValueError) as caught:
        optimizers.SGD(0.1, groups=groups).build(variables("float32"))
    assert says in str(caught.value)

"""Several devices or workers do what one device does with the same global batch, in `model.fit` and in `zoo train`."""

import pytest

from tests.zoo.scaling import programs

FIT, ZOO_TRAIN = 29, 6  # cases
# On workers, the cases that exchange different things: a rule itself follows the exchange, and is held on two replicas.
EXCHANGED = """adam lookahead global-clipnorm accumulation average all-at-once normalized half data-set generator masked
scalar-loss mean-of-weights jit-subclass jit-outputs jit-half jit-state jit-masked refusals""".split()
# Of workers with two devices each: four replicas on two cores take long.
FEW = ["adam", "all-at-once", "normalized", "masked"]
ALLOWED = {"weights": 1e-6, "history": 1e-6, "predictions": 1e-6}
# Halves keep three digits. The statistics of a deep network's batch normalization are sums of many squares.
# XLA sums in another order, and four rows a replica are few to normalize by.
LOOSER = {"half": 5e-3, "jit-half": 5e-3, "jit-state": 5e-6, "resnet": 5e-5}


def wrong(found: list[dict]) -> list[dict]:
    return [
        line
        for line in found
        if any(not line[key] <= LOOSER.get(line["case"], limit) for key, limit in ALLOWED.items() if key in line)
    ]


def test_own_fit_on_two_replicas(tmp_path):
    found = programs.on_replicas("user_fit", tmp_path, "normalized", "jit-subclass", "generator", "refusals")
    assert len(found) == 4 and wrong(found[:3]) == []
    compiled = [line["compiled"] for line in found[:3]]
    assert compiled[0] == compiled[2] == 0 and compiled[1] >= 6  # to train, to evaluate, to predict, on each of two
    said = found[3]["said"]
    assert len(said) == 10
    assert said[0].startswith("warning: steps_per_execution=4 becomes 1")
    assert said[1].startswith("warning: a batch of 7 examples came, which 2 replicas cannot share evenly")
    assert said[2].startswith("warning: a batch of 5 examples came")
    assert said[3].startswith("UserError: a batch of 15 cannot be shared evenly by 2 replicas: take 14 or 16")
    assert said[4].startswith("UserError: strings cannot go into a model under a strategy: no device but the CPU")
    assert said[5].startswith("warning: jit_compile=True has no effect: OwnStep has its own train_step")
    assert said[6].startswith("warning: jit_compile=True has no effect: batch_normalization")
    assert said[7].startswith("warning: keras.optimizers.SGD clips each replica's part of a gradient")
    assert said[8].startswith("UserError: keras.optimizers.SGD cannot accumulate on several replicas")
    assert said[9].startswith("UserError: this optimizer was made outside the strategy")


def test_a_model_that_writes_goes_on_on_two_replicas(tmp_path):
    """An epoch and a half were one device's. 37 pairs in batches of 12: the last one has one, and its tokens count."""
    found = programs.on_replicas("zoo_train", tmp_path, "resumed")
    assert len(found) == 1 and wrong(found) == []


def test_own_fit_on_two_workers(tmp_path):
    found = programs.on_workers("user_fit", tmp_path, "adam", "files")
    assert len(found) == 4 and wrong(found) == []
    for line in found:
        if line["case"] == "files":
            assert line["left"] == ["best.keras", "journal.csv", "last.weights.h5"] and line["lines"] == 4


@pytest.mark.matrix
def test_every_case_of_own_fit_on_two_replicas(tmp_path):
    found = programs.on_replicas("user_fit", tmp_path)
    assert len(found) == FIT + 1 and wrong(found[:FIT]) == []


@pytest.mark.matrix
@pytest.mark.parametrize(("devices", "cases"), [("all", EXCHANGED), ("cpu:2", FEW)])
def test_own_fit_exchanges_the_same_on_two_workers(devices, cases, tmp_path):
    found = programs.on_workers("user_fit", tmp_path, *cases, devices=devices)
    assert len(found) == 2 * len(cases)
    assert wrong([line for line in found if line["case"] != "refusals"]) == []


@pytest.mark.matrix
def test_every_case_of_zoo_train_on_two_and_three_replicas(tmp_path):
    for devices in ("cpu:2", "cpu:3"):
        (tmp_path / devices).mkdir()
        found = programs.on_replicas("zoo_train", tmp_path / devices, devices=devices)
        assert len(found) == ZOO_TRAIN + 1 and wrong(found) == []


@pytest.mark.matrix
@pytest.mark.parametrize("devices", ["all", "cpu:2"])
def test_every_case_of_zoo_train_on_two_workers(devices, tmp_path):
    found = programs.on_workers("zoo_train", tmp_path, devices=devices)
    assert len(found) == 2 * ZOO_TRAIN and wrong(found) == []

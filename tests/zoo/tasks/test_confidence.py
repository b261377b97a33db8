"""Marks of low confidence: the numbers, their limits, the files, and the tasks that use them."""

import json

import keras
import numpy as np
import pytest

from tests.zoo import small_writers
from zoo import data, interval, preset, tasks
from zoo.data import foreign
from zoo.errors import UserError
from zoo.tasks import confidence, text_traits
from zoo.tasks.confidence import Confidence


def quiet(sentence):
    pass


@pytest.mark.parametrize(("n", "share", "place"), [(1000, 0.03, 970), (100, 0.03, 97), (40, 0.03, 39), (40, 0.015, 39)])
def test_a_limit_is_exceeded_by_at_most_its_share(n, share, place):
    values = np.random.default_rng(0).permutation(n).astype(float)
    assert confidence.limit(values, share) == place
    assert np.mean(values > place) <= share


@pytest.mark.parametrize("width", [3, 50])
def test_distance_is_that_of_the_covariance(width):
    rng = np.random.default_rng(1)
    deviations = np.r_[np.geomspace(20, 2, min(width, 32)), np.full(max(0, width - 32), 0.5)]
    traits = rng.normal(size=(20_000, width)) * deviations + 7
    found = Confidence({}, confidence.gaussian(traits)).distance(traits[:500].astype(np.float32)).numpy()
    expected = np.sum(((traits[:500] - 7) / deviations) ** 2, axis=-1)
    np.testing.assert_allclose(found, expected, rtol=0.2, atol=0.2)  # the ridge, and sampling


def test_the_logistic_rule_tells_two_kinds_apart():
    rng = np.random.default_rng(2)
    home, others = rng.normal(0, 1, (300, 4)), rng.normal([3, 0, 0, -3], 1, (200, 4))
    rule = Confidence({}, confidence.logistic(home, others))
    assert np.mean(rule.foreign(home.astype(np.float32)) < 0) > 0.95
    assert np.mean(rule.foreign(others.astype(np.float32)) > 0) > 0.95


def test_any_number_above_its_limit_marks():
    rule = Confidence({"energy": -2.0, "distance": 9.0}, {"mean": [0], "directions": [[1]], "precisions": [1, 1]})
    low = rule.low({"energy": np.float32([-3, -1, -3, -2]), "distance": np.float32([1, 1, 10, 9])})
    assert low.numpy().tolist() == [False, True, True, False]


def test_a_misspelt_word_of_three_is_no_foreign_text():
    numbers = np.array([[5, 1, 6] + [0] * 37, [5, 1, 6, 1] * 10], np.int32)
    assert text_traits.unknown(numbers).numpy().tolist() == pytest.approx([1 / 13, 20 / 50])


def test_traits_of_texts_do_not_depend_on_padding():
    vectors = np.random.default_rng(3).normal(size=(9, 4)).astype(np.float32)
    short, long = np.array([[2, 1, 5, 8]], np.int32), np.array([[2, 1, 5, 8, 0, 0]], np.int32)
    found = text_traits.traits(short, vectors).numpy()
    np.testing.assert_allclose(found, text_traits.traits(long, vectors))
    np.testing.assert_allclose(found[0, :4], vectors[[2, 5, 8]].mean(0) * 3**0.5, rtol=1e-5)
    assert found[0, 4] == 0.25


def test_excerpts_are_runs_of_words():
    rng, text = np.random.default_rng(4), " ".join(map(str, range(300)))
    parts = [text_traits.excerpt(text, rng) for _ in range(50)]
    assert all(part in text for part in parts) and {len(part.split()) < 20 for part in parts} == {True, False}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A small untrained network for digits that is calibrated on them, and its folder."""
    keras.utils.set_random_seed(1)
    config = {
        "name": "digits",
        "task": "image-classification",
        "model": "resnet9",
        "arguments": {"width": 4, "image_size": 8, "channels": 1, "classes": 10},
        "preprocess": {"kind": "image", "size": [8, 8], "channels": 1, "mirror": True},
        "labels": list("0123456789"),
    }
    task = tasks.get(config["task"]).create(config)
    digits = data.load("digits", "train", kind="image")
    task.calibrate(digits.take(np.arange(600)), digits.take(np.arange(600, 1000)))
    folder = tmp_path_factory.mktemp("calibrated") / "digits"
    task.save(folder)
    return task, folder


def test_few_digits_are_marked_and_most_noise(pictures):
    task, _ = pictures
    noise = list(np.random.default_rng(5).integers(0, 256, (50, 8, 8), dtype=np.uint8))
    marks = []
    task.answers(data.load("digits", "test", kind="image"), marks=marks)
    assert np.mean(marks) < 0.06
    assert np.mean([result.low_confidence for result in task.predict(noise)]) > 0.8
    assert task(noise[0]).to_dict()["low_confidence"] is True


def test_a_calibrated_preset_comes_back_from_its_folder(pictures):
    task, folder = pictures
    config = preset.read_config(folder)
    assert set(config["confidence"]) == {"limits", "layer", "validation"} and config["confidence"]["validation"] == 400
    assert (folder / confidence.FILE).stat().st_size < 20_000
    items = data.load("digits", "test", kind="image").raw[:20]
    ours, theirs = task.doubts(items), tasks.load(folder).doubts(items)
    for name in ("energy", "distance"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=0.05)


def test_a_preset_without_limits_answers_as_before(pictures, tmp_path):
    task, _ = pictures
    other = tasks.get("image-classification").create({k: v for k, v in task.config.items() if k != "confidence"})
    other.save(tmp_path / "old")
    assert not (tmp_path / "old" / confidence.FILE).exists()
    marks = []
    digits = data.load("digits", "test", kind="image").take(np.arange(3))
    tasks.load(tmp_path / "old").answers(digits, marks=marks)
    assert marks == [] and "low_confidence" not in tasks.load(tmp_path / "old")(digits.raw[0]).to_dict()


DAMAGES = {
    "cut": (lambda config: None, lambda file: file.write_bytes(file.read_bytes()[:100])),
    "gone": (lambda config: None, lambda file: file.unlink()),
    "no number": (lambda config: config["confidence"]["limits"].update(energy="high"), lambda file: None),
    "another number": (lambda config: config["confidence"]["limits"].update(luck=1.0), lambda file: None),
    "no limits": (lambda config: config["confidence"].pop("limits"), lambda file: None),
    "no object": (lambda config: config.update(confidence=7), lambda file: None),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_one_line(pictures, tmp_path, damage):
    _, folder = pictures
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / confidence.FILE).write_bytes((folder / confidence.FILE).read_bytes())
    of_config, of_file = DAMAGES[damage]
    of_config(config)
    of_file(tmp_path / confidence.FILE)
    with pytest.raises(UserError, match="'confidence' cannot be used"):
        confidence.read(tmp_path, config, ("energy", "distance"))


def test_fewer_examples_than_can_tell_set_no_limits():
    task = small_writers.writer.__wrapped__()
    task.calibrate(small_writers.pairs(small_writers.TEXTS), small_writers.pairs(small_writers.TEXTS * 7))
    assert task.confidence is None and "confidence" not in task.config


def test_texts_that_are_written_are_marked_by_score_and_source():
    task = small_writers.writer.__wrapped__()
    known = small_writers.pairs(small_writers.TEXTS * 8)
    task.calibrate(known, known)
    assert set(task.confidence.limits) == {"score", "distance"}
    marks = []
    task.answers(known, marks=marks)
    assert len(marks) == 40 and sum(marks) <= 2
    limit, doubts = task.confidence.limits["distance"], task.doubts(["qqq zz 猫", "", known.raw[0]])
    assert doubts["distance"][0] > limit > doubts["distance"][2] and doubts["distance"][1] < 0
    found = [result.low_confidence for result in task.generate(["qqq zz 猫", "", known.raw[0]])]
    assert found == [True, False, False]
    assert task("qqq zz 猫").strict().text is None
    import tensorflow as tf

    in_graph = task.answer({"text": tf.constant(["qqq zz 猫", ""])})
    assert in_graph["low_confidence"].numpy().tolist() == [True, False]


def test_foreign_sets_are_the_same_each_time_and_named():
    assert foreign.load("letters", 5) == foreign.load("letters", 5) and len(foreign.load("letters", 5)) == 5
    assert set(foreign.ABOUT) == set(foreign.SETS)
    assert foreign.about("captions/fr") == "captions of photographs (fr)"
    with pytest.raises(UserError, match="no set of foreign items named 'new'.*news"):
        foreign.load("new")


@pytest.mark.parametrize(
    ("share", "n", "low", "high"),
    [(1.0, 6, 0.6097, 1.0), (0.0, 6, 0.0, 0.3903), (0.5, 10, 0.2366, 0.7634), (0.9541, 10_000, 0.9498, 0.9580)],
)
def test_wilson_intervals(share, n, low, high):
    """The second and third by statsmodels' proportion_confint(method="wilson")."""
    assert interval.wilson(share, n) == pytest.approx((low, high), abs=5e-5)
    assert interval.told(share, n).endswith("too few to trust") == (n <= 10)

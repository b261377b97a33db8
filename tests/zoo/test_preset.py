"""Preset folders and weights: whole or not at all, and a clear line for each way in which one can be broken."""

import json

import h5py
import keras
import numpy as np
import pytest

import zoo
from zoo import preset, tasks, weights
from zoo.errors import UserError

CONFIG = {
    "name": "tiny",
    "task": "image-classification",
    "model": "lenet5",
    "arguments": {"classes": 2, "image_size": 32, "channels": 1},
    "preprocess": {"kind": "image", "size": [32, 32], "channels": 1, "fit": "pad"},
    "labels": ["cat", "dog"],
    "data": "none",
    "data_terms": "none",
}


@pytest.fixture
def folder(tmp_path):
    keras.utils.set_random_seed(0)
    tasks.get("image-classification").create(CONFIG).save(tmp_path / "tiny")
    return tmp_path / "tiny"


def test_round_trip_in_half_precision(folder):
    image = np.random.default_rng(0).integers(0, 255, (40, 30, 3)).astype(np.uint8)
    first, second = zoo.load(folder), zoo.load(str(folder))
    assert first(image) == second(image)
    with h5py.File(folder / "weights" / "model.weights.h5") as file:
        for variable in first.model.weights:
            stored = file[variable.path]
            assert stored.dtype == np.float16 and variable.dtype == "float32"
            np.testing.assert_array_equal(variable, stored[()].astype("float32"))


def test_weights_that_overflow_half_precision_are_kept_and_nan_is_refused(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, name="out")])
    model.layers[0].kernel.assign([[1e6]])
    weights.save(model, tmp_path / "w.h5")
    model.layers[0].kernel.assign([[0.0]])
    weights.load(model, tmp_path / "w.h5")
    assert float(model.layers[0].kernel[0, 0]) == 1e6
    model.layers[0].kernel.assign([[float("nan")]])
    with pytest.raises(ValueError, match="out/kernel.*not finite"):
        weights.save(model, tmp_path / "w.h5")


def test_names_and_folders(folder):
    with pytest.raises(UserError, match="no preset or preset folder named 'sentimnet-imdb'"):
        zoo.load("sentimnet-imdb")
    with pytest.raises(UserError, match="not a preset folder"):
        zoo.load(folder.parent)


def _edit(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


BROKEN = {
    "cut weights": (
        lambda f: (f / "weights/model.weights.h5").write_bytes((f / "weights/model.weights.h5").read_bytes()[:5000]),
        "is it cut",
    ),
    "no weights": (lambda f: (f / "weights/model.weights.h5").unlink(), "weights file is missing"),
    "not JSON": (lambda f: (f / "config.json").write_text("{"), "not valid JSON"),
    "a list": (lambda f: (f / "config.json").write_text("[]"), "expected a JSON object"),
    "unknown format": (lambda f: _edit(f, format=2), "format 2 is unknown here; this version reads format 1"),
    "unknown task": (lambda f: _edit(f, task="image-clasification"), "did you mean 'image-classification'"),
    "unknown model": (lambda f: _edit(f, model="lenet6"), "lenet5"),
    "code as model": (lambda f: _edit(f, model="os:system"), "os:system"),
    "a number as app": (lambda f: _edit(f, app=3), "expected a text as 'app', got 3"),
    "odd argument": (lambda f: _edit(f, arguments={"colour": 3}), "colour"),
    "other shape": (lambda f: _edit(f, arguments={**CONFIG["arguments"], "image_size": 40}), "has shape"),
    "other model": (
        lambda f: _edit(f, model="resnet20", arguments={"classes": 2, "image_size": 32, "channels": 1}),
        "missing: .*not expected: ",
    ),
    "labels in a text": (lambda f: _edit(f, labels="ab"), "expected a list as 'labels', got 'ab'"),
    "a label too many": (lambda f: _edit(f, labels=["a", "b", "c"]), "answers 2 classes, 'labels' has 3"),
    "one label twice": (lambda f: _edit(f, labels=["a", "a"]), "expected different texts as 'labels'"),
    "a name that is a path": (lambda f: _edit(f, name="../../there"), "expected a name without a path"),
    "missing field": (lambda f: (f / "config.json").write_text('{"format": 1}'), "lacks name, task"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_preset_is_refused_with_its_reason(folder, case):
    breaking, message = BROKEN[case]
    breaking(folder)
    with pytest.raises(UserError, match=message):
        zoo.load(folder)


def test_a_cut_vocabulary_is_noticed(tmp_path):
    """Its words would be unknown ones."""
    config = {
        **CONFIG,
        "task": "text-classification",
        "model": "text_cnn",
        "arguments": {"vocabulary": 4, "width": 4, "filters": 3, "classes": 2, "ngram_buckets": 16},
        "preprocess": {"kind": "words", "lowercase": "unicode", "pattern": r"\pL+", "length": 50},
    }
    words = ["[PAD]", "[UNK]", "good", "bad"]
    tasks.get(config["task"]).create(config, vocabulary=words).save(tmp_path / "texts")
    assert zoo.load(tmp_path / "texts").words.vocabulary == tuple(words)
    (tmp_path / "texts" / "vocabulary.txt").write_text("[PAD]\n[UNK]\ngo")
    with pytest.raises(UserError, match=r"vocabulary.txt: expected 4 words, one a line, got 3; is it cut\?"):
        zoo.load(tmp_path / "texts")


def test_scores_that_are_no_json(folder):
    (folder / "scores.json").write_text("{")
    with pytest.raises(UserError, match="scores.json: not valid JSON"):
        preset.read_scores(folder)


def test_a_link_stays_one(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    with preset.replacing(tmp_path / "link") as partial:
        (partial / "a").write_text("new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "disk" / "a").read_text() == "new"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("place", [".", "..", "/proc", "file/there"])
def test_what_cannot_be_replaced_is_known_before(tmp_path, monkeypatch, place):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "file").write_text("")
    monkeypatch.chdir(tmp_path / "inner")
    with pytest.raises(UserError, match="cannot be replaced|cannot write"):
        preset.check_replaceable(place)
    preset.check_replaceable("new/place")
    assert not any((tmp_path / "inner" / "new").iterdir())


def test_replacing_leaves_nothing_half_written(tmp_path):
    target = tmp_path / "there"
    with preset.replacing(target) as partial:
        (partial / "a").write_text("old")
    with pytest.raises(RuntimeError), preset.replacing(target) as partial:
        (partial / "a").write_text("new")
        raise RuntimeError
    assert (target / "a").read_text() == "old" and [path.name for path in tmp_path.iterdir()] == ["there"]
    with preset.replacing(target) as partial:
        (partial / "b").write_text("new")
    assert [path.name for path in target.iterdir()] == ["b"] and len(list(tmp_path.iterdir())) == 1


def test_weights_on_a_full_disk_are_one_error_and_no_crash():
    with pytest.raises(OSError, match="No space left"):
        weights.save(zoo.build("lenet5"), "/dev/full")


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"), preset.replacing(tmp_path / "file" / "there"):
        pass
    with pytest.raises(UserError, match="No space left"), preset.replacing(tmp_path / "full"):
        with open("/dev/full", "w") as file:
            file.write("x" * 100_000)

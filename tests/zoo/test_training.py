"""fit(recipe): learns, resumes to the bit, starts from a preset, and says what is wrong with data and folders."""

import csv
import dataclasses
import json

import h5py
import numpy as np
import pytest

import zoo
from zoo import data, recipes, tasks, training
from zoo.data import examples
from zoo.errors import UserError
from zoo.training import resuming, run_state, sets

# Small enough for seconds; augmentation and dropout-like randomness are in it, since resuming must repeat them.
TINY = dataclasses.replace(recipes.get("quickstart"), epochs=3, batch_size=100, learning_rate=5e-3)


def quiet(*_):
    """In place of print."""


def fit(recipe, out, **arguments):
    return training.fit(recipe, out, say=quiet, verbose=0, **arguments)


def stored(folder):
    with h5py.File(folder / "weights" / "model.weights.h5") as file:
        values = {}
        file.visititems(lambda n, item: values.update({n: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return values


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "whole"
    fit(TINY, out, command="zoo train quickstart")
    return out


def test_a_preset_folder_is_written_whole(trained):
    assert {path.name for path in trained.iterdir()} == {
        "config.json", "weights", "scores.json", "history.csv", "curve.png", "card.md", "confidence.npz",
    }  # fmt: skip
    assert json.loads((trained / "config.json").read_text())["format"] == 1
    rows = list(csv.DictReader(open(trained / "history.csv")))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[-1]["val_loss"]) < float(rows[0]["val_loss"])
    assert (trained / "curve.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_the_scores_are_those_of_the_stored_weights(trained):
    scores = json.loads((trained / "scores.json").read_text())
    test = data.load("digits", "test", kind="image")
    assert scores["metrics"] == zoo.load(trained).evaluate(test) and scores["n"] == 359
    assert scores["metrics"]["accuracy"] > 0.7
    card = (trained / "card.md").read_text()
    assert f"{scores['metrics']['accuracy']:.2%}" in card and "zoo train quickstart" in card


def test_the_training_accuracy_is_that_of_the_epoch_s_weights_without_augmentation(trained):
    learned, _, _ = sets.load(TINY, tasks.get(TINY.task))
    told = float(list(csv.DictReader(open(trained / "history.csv")))[-1]["accuracy"])
    assert told == pytest.approx(zoo.load(trained).evaluate(learned)["accuracy"], abs=2 / len(learned))  # halves


class _Stop(Exception):
    pass


def stop_after(monkeypatch, *saves):
    """Interrupts each training when it has been saved before such a step of such an epoch, or after it: step 0."""
    saved = resuming.Resumable._save

    def stop(self, step):
        saved(self, step)
        if (len(self.history), step) in saves:
            raise _Stop

    monkeypatch.setattr(resuming.Resumable, "_save", stop)


def logged(folder):
    """The history but for its times."""
    return [{**row, "seconds": None} for row in csv.DictReader(open(folder / "history.csv"))]


def test_an_interrupted_training_goes_on_to_the_same_weights(trained, tmp_path, monkeypatch):
    out = tmp_path / "again"
    stop_after(monkeypatch, (1, 5), (2, 12))  # of 13 steps
    with pytest.raises(_Stop):
        fit(TINY, out, save_every=0)
    with pytest.raises(UserError, match="go on with --resume"):
        fit(TINY, out)
    with pytest.raises(UserError, match="begun with another learning_rate"):
        fit(dataclasses.replace(TINY, learning_rate=1e-3), out, resume=True)
    with pytest.raises(_Stop):
        fit(TINY, out, resume=True, save_every=0)
    fit(TINY, out, resume=True)
    assert logged(out) == logged(trained)
    ours, theirs = stored(out), stored(trained)
    for name, value in theirs.items():
        np.testing.assert_array_equal(ours[name], value, err_msg=name)
    with pytest.raises(UserError, match="its training has ended"):
        fit(TINY, out, resume=True)


def test_another_seed_gives_other_weights(trained, tmp_path):
    fit(dataclasses.replace(TINY, seed=2, epochs=1), tmp_path / "other")
    assert any((stored(tmp_path / "other")[name] != value).any() for name, value in stored(trained).items())


def test_fine_tuning_starts_from_a_preset(trained, tmp_path):
    """Digits 0 and 1 in class folders of other names: the head is new, the rest starts from the preset."""
    digits = data.load("digits", "train", kind="image")
    for number, name in ((0, "ring"), (1, "bar")):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for i, raw in enumerate(digits.raw[digits.labels == number][:30]):
            (tmp_path / "mine" / name / f"{i}.png").write_bytes(raw)
    said = []
    recipe = dataclasses.replace(TINY, name="classify-photos", epochs=2, batch_size=10, validation=0.2)
    task = training.fit(
        recipe, tmp_path / "tuned", source=str(tmp_path / "mine"), init=str(trained), say=said.append, verbose=0
    )
    assert task.labels == ("bar", "ring")
    assert any("8 of 10 weight arrays start from" in line for line in said)
    scores = json.loads((tmp_path / "tuned" / "scores.json").read_text())
    assert scores["split"] == "validation" and scores["n"] == 12 and scores["metrics"]["accuracy"] >= 0.9
    validated = scores["cross_validation"]
    assert (validated["folds"], validated["n"]) == (5, 60) and validated["metrics"]["accuracy"] >= 0.9
    assert "12 examples (validation); 95% interval" in said[-2] and said[-2].endswith("too few to trust.")
    assert "60 examples (cross-validation, 5 folds)" in said[-1]
    everything = data.load(str(tmp_path / "mine"), kind="image")
    assert examples.trained_on(tmp_path / "tuned", everything) == 48
    assert task(digits.raw[digits.labels == 1][40]).label == "bar"


def test_a_recipe_may_start_from_another(tmp_path, monkeypatch):
    """The same as one training, and another that starts from it; an interruption in either changes nothing."""
    first = dataclasses.replace(TINY, splits=("train", None), epochs=2)
    second = dataclasses.replace(TINY, learning_rate=1e-3, epochs=2)
    both = dataclasses.replace(second, start=first)
    fit(first, tmp_path / "first")
    training.fit(second, tmp_path / "second", init=str(tmp_path / "first"), say=quiet, verbose=0)
    stop_after(monkeypatch, (1, 0))
    assert run_state.kept(tmp_path / "out") is None
    for resume, kept in ((False, "out-start"), (True, "out")):
        with pytest.raises(_Stop):
            fit(both, tmp_path / "out", resume=resume)
        assert run_state.kept(tmp_path / "out") == tmp_path / kept
    first_scores = tmp_path / "out-start" / "scores.json"
    first_scores.write_text(json.dumps({**json.loads(first_scores.read_text()), "minutes": 100.0}))
    fit(both, tmp_path / "out", resume=True)
    for here, there in (("out-start", "first"), ("out", "second")):
        ours, theirs = stored(tmp_path / here), stored(tmp_path / there)
        for name, value in theirs.items():
            np.testing.assert_array_equal(ours[name], value, err_msg=name)
    scores = [json.loads((tmp_path / name / "scores.json").read_text()) for name in ("out-start", "out")]
    assert [each["split"] for each in scores] == ["validation", "test"]
    assert 100 <= scores[1]["minutes"] < 110
    assert "It starts from what the same model learned from digits" in (tmp_path / "out" / "card.md").read_text()
    monkeypatch.undo()
    training.fit(both, tmp_path / "tuned", init=str(tmp_path / "first"), say=quiet, verbose=0)
    assert "It starts from" not in (tmp_path / "tuned" / "card.md").read_text()
    assert not (tmp_path / "tuned-start").exists()
    with pytest.raises(UserError, match="out: not empty"):
        fit(both, tmp_path / "out")


def test_folders_that_cannot_be_used(trained, tmp_path):
    with pytest.raises(UserError, match="not empty"):
        fit(TINY, trained)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="it is a file"):
        fit(TINY, tmp_path / "file")
    with pytest.raises(UserError, match="nothing to resume, no interrupted training"):
        fit(TINY, tmp_path / "none", resume=True)


def test_a_start_that_fails_leaves_the_place_as_it_was(tmp_path):
    (tmp_path / "one" / "class").mkdir(parents=True)
    for _ in range(2):  # the second time it must not be the place that is wrong
        with pytest.raises(UserError, match="no image found"):
            fit(TINY, tmp_path / "out", source=str(tmp_path / "one"))
    assert not (tmp_path / "out").exists()


def test_a_training_that_diverges_is_told_at_once(tmp_path):
    with pytest.raises(UserError, match="diverged in epoch 1; begin it with a smaller --learning-rate"):
        fit(dataclasses.replace(TINY, learning_rate=float("nan")), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_text_model_learns_from_a_table(tmp_path):
    table = tmp_path / "reviews.csv"
    rows = [(f"film {i} is {word}", label) for i in range(40) for word, label in (("good", "pos"), ("bad", "neg"))]
    with open(table, "w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    recipe = dataclasses.replace(
        recipes.get("quickstart"),
        name="words",
        task="text-classification",
        model="bilstm",
        arguments={"width": 8, "units": 8},
        preprocess={"kind": "words", "lowercase": "unicode", "pattern": r"\pL+|\pN+", "length": 20, "words": 100},
        augment=None,
        learning_rate=2e-2,
        epochs=4,
        batch_size=16,
    )
    task = fit(recipe, tmp_path / "mine", source=str(table))
    assert [task(f"this is {word}").label for word in ("good", "bad")] == ["pos", "neg"]
    long = task("good " * 30)
    assert (long.used_tokens, long.total_tokens) == (20, 30)
    assert [result.label for result in task.predict(["", "good"])] == [None, "pos"]


def test_a_vocabulary_is_composed_whatever_the_texts_are():
    from zoo.inputs.text import Text
    from zoo.inputs.words import vocabulary

    declaration = {"kind": "words", "lowercase": "unicode", "pattern": r"\pL+|\pN+"}
    apart = "Scho\u0308n"
    assert vocabulary([apart, "scho\u0308n"], declaration, 10)[2:] == ["sch\u00f6n"]
    assert Text("text").encode(apart) == Text("text").encode(apart.encode()) == "Sch\u00f6n".encode()


def test_a_divided_folder_is_learned_from_validated_and_measured(tmp_path, capsys):
    import cv2

    from apps import cli

    photos = tmp_path / "photos"
    for split, count in (("train", 8), ("val", 3), ("test", 2)):
        for name, shade in (("dark", 20), ("pale", 230)):
            (photos / split / name).mkdir(parents=True)
            for number in range(count):
                cv2.imwrite(str(photos / split / name / f"{number}.png"), np.full((8, 8), shade + number, np.uint8))
    (photos / "test" / "dark" / "broken.png").write_bytes(b"x")
    said = []
    recipe = dataclasses.replace(TINY, epochs=1, batch_size=8)
    training.fit(recipe, tmp_path / "out", source=str(photos), say=said.append, verbose=0)
    assert "16 examples to learn from, 6 to validate." in said
    for inner, split in (("train", "train"), ("val", "validation"), ("test", "test")):
        assert f"{photos} is divided: its folder {inner!r} is taken for {split}." in said
    assert any("1 of 5 examples cannot be read and are left out (broken.png" in sentence for sentence in said)
    scores = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert (scores["split"], scores["n"], scores["validation"]["n"]) == ("test", 4, 6)
    assert f"come out of {photos / 'val'}; the test split has chosen nothing" in (tmp_path / "out/card.md").read_text()
    (photos / "test" / "dark" / "broken.png").unlink()
    for options in ([], ["--data", str(photos)]):
        assert cli.main(["evaluate", str(tmp_path / "out"), "--json", *options]) == 0
        measured = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert (measured["n"], measured["split"], measured["metrics"]) == (4, "test", scores["metrics"])
    (photos / "list.csv").write_text("path,label\ntest/dark/0.png,Dark\ntest/pale/0.png,pale\n")
    assert cli.main(["evaluate", str(tmp_path / "out"), "--json", "--data", str(photos / "list.csv")]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["n"] == 2


def test_a_share_of_own_pairs_is_held_back_where_the_recipe_names_a_split(tmp_path):
    table = tmp_path / "pairs.tsv"
    table.write_text("en\tde\n" + "".join(f"word {n}\tWort {n}\n" for n in range(40)), encoding="utf-8")
    recipe = recipes.get("translate-en-de")
    assert recipe.validation == "val"
    pieces = {**recipe.preprocess, "pieces": 300}
    tiny = {"width": 8, "layers": 1, "heads": 2, "hidden": 8}
    recipe = dataclasses.replace(
        recipe, arguments=tiny, preprocess=pieces, options={"decoding": {"beam": 1, "max_length": 4}}, epochs=1
    )
    said = []
    training.fit(recipe, tmp_path / "out", source=str(table), languages=("en", "de"), say=said.append, verbose=0)
    assert "38 examples to learn from, 2 to validate." in said

"""fit(recipe) of models that write: reversal is learned whole, an interruption changes nothing, the card is right."""

import dataclasses
import json

import h5py
import numpy as np
import pytest

from tests.zoo import small_writers
from zoo import training
from zoo.errors import UserError
from zoo.metrics import shown
from zoo.recipe import Comparison, Recipe
from zoo.tasks.translation import Translation
from zoo.training import card, resuming
from zoo.training import sets as training_sets

WORDS = ("ant", "bee", "cat", "dog", "elk", "fox")

REVERSAL = Recipe(
    name="reversal",
    app="translate",
    task="translation",
    data="nothing",
    data_terms="none",
    model="transformer",
    arguments={"width": 32, "layers": 2, "heads": 2, "hidden": 64, "dropout": 0.0},
    preprocess={"kind": "words", "lowercase": None, "pattern": r"\pL+", "length": 8, "words": 20},
    options={"languages": ("there", "back"), "decoding": {"beam": 2, "max_length": 8}},
    learning_rate=5e-3,
    warmup=0.1,
    batch_size=50,
    epochs=16,
    validation=0.05,
    metric="bleu",
    seed=4,
    about="Turns words around.",
    limits=("It knows six words.",),
)

# Few steps; dropout and drawn segmentations are in it, since a resumed training must repeat them.
TINY = dataclasses.replace(
    REVERSAL,
    arguments={"width": 8, "layers": 1, "heads": 2, "hidden": 8, "dropout": 0.3},
    preprocess={"kind": "sentencepiece", "length": 12, "pieces": 330, "sampling": 0.2},
    options={**REVERSAL.options, "decoding": {"max_length": 8}, "label_smoothing": 0.1},
    batch_size=8,
    epochs=2,
    validation=0.25,
)


def quiet(*_):
    """In place of print."""


def rows(count, seed=0):
    """Different rows of 1 to 5 words, each with itself turned around; nothing reads the same both ways but one word."""
    rng = np.random.default_rng(seed)
    found = {tuple(rng.choice(WORDS, rng.integers(1, 6))) for _ in range(count)}
    return sorted((" ".join(row), " ".join(row[::-1])) for row in found)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Writes pairs as a table: (pairs, name) -> its path."""
    folder = tmp_path_factory.mktemp("tables")

    def write(pairs, name="pairs.tsv", header=("there", "back")):
        path = folder / name
        path.write_text("".join("\t".join(row) + "\n" for row in [header, *pairs]), encoding="utf-8")
        return str(path)

    return write


def test_reversal_is_learned_whole(table, tmp_path):
    """Every held row, turned around without a fault by the preset that was written."""
    all_of_them = rows(5000)
    held = all_of_them[::40]
    learned = [row for row in all_of_them if row not in held]
    said = []
    task = training.fit(
        REVERSAL,
        tmp_path / "run",
        source=table(learned),
        validation=table(held, "held.tsv"),
        say=said.append,
        verbose=0,
    )
    results = list(task.predict(source for source, _ in held))
    assert [result.text for result in results] == [target for _, target in held]
    assert all(-0.5 < result.score <= 0 for result in results)
    scores = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert scores["metrics"]["bleu"] == pytest.approx(100) and scores["metrics"] == scores["validation"]["metrics"]
    assert (scores["split"], scores["n"]) == ("validation", len(held))
    assert said[-1] == f"bleu 100.00 on {len(held)} examples (validation)."
    source, target, weights = task.attention("ant bee cat dog elk", "elk dog cat bee ant")
    assert weights.shape == (6, 6) and (source[-1], target[-1]) == ("[END]", "[END]")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (config["languages"], config["decoding"]) == (["there", "back"], {"beam": 2, "max_length": 8})
    assert "labels" not in config and "nothing" not in config["data"]
    told = (tmp_path / "run" / "card.md").read_text()
    assert f"| **this preset**, {config['data']}, validation split, {len(held)} examples | 100.00 |" in told
    assert "chrf 100.00" in told and "nrefs:1|case:mixed" in told
    assert "test split does not exist here" in told and "## Labels" not in told


class _Stop(Exception):
    pass


def stored(folder):
    with h5py.File(folder / "weights" / "model.weights.h5") as file:
        values = {}
        file.visititems(lambda n, item: values.update({n: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return values


def test_an_interrupted_training_goes_on_to_the_same_weights(table, tmp_path, monkeypatch):
    source = table(rows(40, seed=1), "few.tsv")

    def fit(out, **arguments):
        return training.fit(TINY, tmp_path / out, source=source, say=quiet, verbose=0, **arguments)

    whole = fit("whole")
    saved = resuming.Resumable._save

    def stop_after_one(self, step):
        saved(self, step)
        raise _Stop

    monkeypatch.setattr(resuming.Resumable, "_save", stop_after_one)
    with pytest.raises(_Stop):
        fit("again")
    monkeypatch.undo()
    with pytest.raises(UserError, match="begun with another languages"):
        fit("again", resume=True, languages=("back", "there"))
    with pytest.raises(UserError, match="begun with another own columns"):
        fit("again", resume=True, columns={"source_column": "back", "target_column": "there"})
    resumed = fit("again", resume=True)
    ours, theirs = stored(tmp_path / "again"), stored(tmp_path / "whole")
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        np.testing.assert_array_equal(ours[name], value, err_msg=name)
    assert [r.text for r in resumed.predict(WORDS)] == [r.text for r in whole.predict(WORDS)]


# Which examples are read.


class _Sets:
    """In place of a task's class: what was asked for, and pairs that say so."""

    def __init__(self):
        self.asked = []

    loading = staticmethod(Translation.loading)
    checked_options = staticmethod(Translation.checked_options)

    def load_examples(self, source, split=None, **columns):
        self.asked.append((source, split, columns))
        return small_writers.pairs([f"{source} {split} {place}" for place in range(20)])


RECIPE = dataclasses.replace(
    REVERSAL, data="set", splits=("train", "test"), validation="val", columns={"source_column": "a"}
)


def test_a_recipes_own_splits_and_columns():
    sets = _Sets()
    train, held, test = training_sets.load(RECIPE, sets, None, {"source_column": "not asked"}, None)
    assert sets.asked == [("set", split, {"source_column": "a"}) for split in ("train", "val", "test")]
    assert [part.raw[0] for part in (train, held, test)] == ["set train 0", "set val 0", "set test 0"]


def test_a_share_is_held_back_of_the_training_split():
    sets = _Sets()
    train, held, test = training_sets.load(dataclasses.replace(RECIPE, validation=0.25), sets, None, {}, None)
    assert [len(part) for part in (train, held, test)] == [15, 5, 20]
    assert sorted([*train.raw, *held.raw]) == sorted(f"set train {place}" for place in range(20))


def test_the_users_own_data_have_their_own_columns_and_no_test_split():
    sets = _Sets()
    given = {"source_column": "x", "target_column": None}
    train, held, test = training_sets.load(RECIPE, sets, "mine.tsv", given, None)
    assert (len(train), len(held), test) == (19, 1, None)
    assert sets.asked == [("mine.tsv", "train", {"source_column": "x", "languages": ("there", "back")})]
    sets.asked.clear()
    train, held, test = training_sets.load(RECIPE, sets, "mine.tsv", {}, "held.tsv")
    assert (len(train), len(held), test) == (20, 20, None)
    own = {"languages": ("there", "back")}
    assert sets.asked == [("mine.tsv", "train", own), ("held.tsv", None, own)]


def test_half_a_character_is_told_with_its_line(tmp_path):
    """JSON can say what UTF-8 cannot."""
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"there": "a b", "back": "b a"}\n{"there": "b", "back": "\\ud83d"}\n')
    with pytest.raises(UserError, match="pairs.jsonl: line 2: the target holds half a character"):
        training.fit(TINY, tmp_path / "out", source=str(path), say=quiet, verbose=0)
    assert not (tmp_path / "out").exists()


# What is shown.


def test_scores_as_people_read_them():
    assert [shown(*pair) for pair in (("bleu", 36.204), ("chrf", 5.0), ("rougeL", 27.456), ("accuracy", 0.5))] == [
        "36.20", "5.00", "27.46", "50.00%",
    ]  # fmt: skip
    assert shown("signature", "nrefs:1") == "nrefs:1"


def test_the_card_of_a_shipped_writer_counts_to_a_hundred():
    recipe = dataclasses.replace(RECIPE, comparisons=(Comparison("copying the source", 4.0, "measured here"),))
    config = {**small_writers.config("words"), "data": "set", "data_terms": "free", "decoding": {"beam": 4}}
    scores = {
        "data": "set", "split": "test", "n": 1000, "metrics": {"bleu": 36.2, "chrf": 60.0, "signature": "nrefs:1"},
        "validation": {"n": 500, "metrics": {"bleu": 37.25}}, "seed": 1, "minutes": 2.0, "command": "", "date": "today",
    }  # fmt: skip
    text = card.text(recipe, config, scores)
    for line in (
        "| **this preset**, set, test split, 1,000 examples | 36.20 |",
        "| the same, 500 validation examples | 37.25 |",
        "| copying the source (measured here) | 4.00 |",
        "Besides: chrf 60.00, signature nrefs:1.",
        "- Search: beam=4",
        "The validation examples come out of the val split; the test split\nhas chosen nothing.".replace("\n", " "),
    ):
        assert line in text, line

"""Presets that write, on disk: they answer as before, and each way in which one can be broken has its line."""

import json

import keras
import pytest

import zoo
from tests.zoo import small_writers
from zoo.errors import UserError

TEXTS = [*small_writers.TEXTS, "", "😀"]


@pytest.fixture
def saved(tmp_path):
    """Writes a tiny preset; changes of its config follow."""

    def write(kind, **changes):
        small_writers.writer(kind).save(tmp_path / "tiny")
        path = tmp_path / "tiny" / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
        return tmp_path / "tiny"

    return write


@pytest.mark.parametrize("kind", ["sentencepiece", "words"])
def test_a_preset_answers_as_what_was_saved(saved, kind):
    """Half precision is what is kept: from there on, saving changes nothing; nor does a seed set meanwhile."""
    folder = saved(kind)
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "tokenizer.spm" if kind == "sentencepiece" else "vocabulary.txt",
        "weights",
    ]
    first = zoo.load(folder)
    first.save(folder.parent / "again")
    answers = list(first.predict(TEXTS))
    keras.utils.set_random_seed(9)
    second = zoo.load(folder.parent / "again")
    del folder
    assert (
        [a.text for a in first.predict(TEXTS)] == [a.text for a in second.predict(TEXTS)] == [a.text for a in answers]
    )
    assert second.languages == ("de", "en") and second.search == first.search
    assert second.own_assets() == first.own_assets() == small_writers.writer(kind).own_assets()


def test_the_vocabulary_stands_under_the_name_that_is_declared(tmp_path):
    declared = small_writers.config("words", preprocess={**small_writers.PREPROCESS["words"], "vocabulary": "w.txt"})
    arguments, assets = type(small_writers.writer("words")).config_from_data(
        declared, small_writers.pairs(small_writers.TEXTS)
    )
    type(small_writers.writer("words")).create({**declared, "arguments": arguments}, **assets).save(tmp_path / "named")
    assert (tmp_path / "named" / "w.txt").is_file() and not (tmp_path / "named" / "vocabulary.txt").exists()
    assert zoo.load(tmp_path / "named")("dog").error is None


def preprocess(form, **changes):
    return {"preprocess": {**small_writers.PREPROCESS[form], **changes}}


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("words", {"decoding": None}, "expected an object as 'decoding', got None"),
        ("words", {"decoding": [5]}, "expected an object as 'decoding', got "),
        ("words", {"decoding": {"beem": 3}}, "'decoding' has no field 'beem'; did you mean 'beam'"),
        ("words", {"decoding": {"beam": 0}}, "'decoding': Expected beam to be a whole number from 1"),
        ("words", {"decoding": {"beam": "5"}}, "'decoding': Expected beam to be a whole number from 1"),
        ("words", {"decoding": {"length_penalty": "long"}}, "'decoding': Expected length_penalty"),
        ("words", {"languages": ["de"]}, "expected 2 texts as 'languages'"),
        ("words", {"languages": "de"}, "expected a list as 'languages'"),
        ("words", preprocess("words", kind="sentences"), "kind of preprocessing to be one of sentencepiece, words"),
        ("words", preprocess("words", length="long"), "expected a whole number from 2 as the 'length'"),
        ("words", preprocess("words", length=1), "expected a whole number from 2 as the 'length'"),
        ("words", preprocess("words", pattern="("), "the preprocessing has no valid expression"),
        ("words", preprocess("words", vocabulary="../tiny/vocabulary.txt"), "the vocabulary file is missing"),
        ("words", preprocess("words", vocabulary=5), "config.json: "),
        ("words", {"model": "transfromer"}, "did you mean 'transformer'"),
        (
            "words",
            {"model": "bilstm", "arguments": {"classes": 2}},
            "config.json: the model 'bilstm' writes no sequences",
        ),
        ("sentencepiece", {"task": "summarisation"}, "did you mean 'summarization'"),
        ("sentencepiece", preprocess("words"), "vocabulary file is missing"),
        ("sentencepiece", preprocess("words", vocabulary="tokenizer.spm"), "tokenizer.spm: "),
    ],
)
def test_a_broken_config_is_refused_with_its_reason(saved, kind, changes, message):
    folder = saved(kind, **changes)
    with pytest.raises(UserError, match=message) as caught:
        zoo.load(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("field", ["decoding", "languages", "preprocess"])
def test_a_field_that_is_missing(saved, field):
    folder = saved("words")
    config = json.loads((folder / "config.json").read_text())
    del config[field]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=f"config.json: .*{field}"):
        zoo.load(folder)


@pytest.mark.parametrize(
    ("kind", "content", "message"),
    [
        (
            "sentencepiece",
            lambda old: old[: len(old) // 2],
            "tokenizer.spm: not a whole SentencePiece model; is it cut",
        ),
        ("sentencepiece", lambda old: b"", "tokenizer.spm: not a whole SentencePiece model"),
        ("sentencepiece", lambda old: b"\0" * 50, "tokenizer.spm: not a whole SentencePiece model"),
        ("sentencepiece", None, "tokenizer.spm: the vocabulary file is missing"),
        ("words", lambda old: old[:70], "vocabulary.txt: expected [0-9]+ tokens, got [0-9]+; is it cut"),
        ("words", lambda old: b"", "vocabulary.txt: not a vocabulary: expected different words"),
        ("words", lambda old: b"\xff" + old, "vocabulary.txt: .*utf-8"),
        (
            "words",
            lambda old: old.replace(b"dog", b"cat"),
            "vocabulary.txt: not a vocabulary: expected different words",
        ),
        ("words", lambda old: old + b"zebra\n", "vocabulary.txt: expected [0-9]+ tokens, got [0-9]+"),
        ("words", None, "vocabulary.txt: the vocabulary file is missing"),
    ],
)
def test_a_broken_vocabulary_is_refused_with_its_reason(saved, kind, content, message):
    folder = saved(kind)
    path = folder / ("tokenizer.spm" if kind == "sentencepiece" else "vocabulary.txt")
    if content:
        path.write_bytes(content(path.read_bytes()))
    else:
        path.unlink()
    with pytest.raises(UserError, match=message) as caught:
        zoo.load(folder)
    assert "\n" not in str(caught.value)

"""Exports answer as the task does, in a process that has only TensorFlow, and an export that does not is refused."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import zoo
from zoo import data, export, tasks
from zoo.errors import UserError
from zoo.export import checking

IMAGES = {
    "name": "tiny",
    "task": "image-classification",
    "model": "lenet5",
    "arguments": {"classes": 3, "image_size": 32, "channels": 3},
    "preprocess": {"kind": "image", "size": [32, 32], "channels": 3, "fit": "crop"},
    "labels": ["cat", "dog", "été"],
    "data": "none",
    "data_terms": "none",
}
TEXTS = {
    **IMAGES,
    "task": "text-classification",
    "model": "text_cnn",
    "arguments": {"vocabulary": 5, "width": 4, "filters": 3, "classes": 3, "ngram_buckets": 64},
    "preprocess": {"kind": "words", "lowercase": "unicode", "pattern": r"\pL+", "length": 50},
}


def images():
    keras.utils.set_random_seed(3)
    return tasks.get(IMAGES["task"]).create(IMAGES)


def texts():
    keras.utils.set_random_seed(3)
    return tasks.get(TEXTS["task"]).create(TEXTS, vocabulary=["[PAD]", "[UNK]", "film", "word", "good"])


@pytest.mark.parametrize("make", [images, texts])
def test_the_export_answers_as_the_task(tmp_path, make):
    task = make()
    folder = export.saved_model(task, tmp_path)
    assert folder == tmp_path / "tiny" / "1" and (folder / "saved_model.pb").is_file()
    raw = task.probes()
    there = export.reload(folder, task, raw)
    for i, result in enumerate(task.predict(raw)):
        if result.label is not None:
            assert result.label == there["labels"][i][0]
            assert result.probability == pytest.approx(there["scores"][i][0], abs=1e-5)


def test_versions_count_up_and_are_not_overwritten(tmp_path):
    task = texts()
    assert export.saved_model(task, tmp_path, version=7).name == "7"
    assert export.saved_model(task, tmp_path).name == "8"
    with pytest.raises(UserError, match="exists already"):
        export.saved_model(task, tmp_path, version=7)
    with pytest.raises(UserError, match="at least 1"):
        export.saved_model(task, tmp_path, version=0)


def test_an_export_that_differs_is_refused_and_not_kept(tmp_path, monkeypatch):
    task = texts()

    def other(*arguments, **more):
        answers = honest(*arguments, **more)
        answers[0]["scores"] = answers[0]["scores"] + 1e-3
        return answers

    honest = checking.replies
    monkeypatch.setattr(checking, "replies", other)
    with pytest.raises(export.ExportError, match="scores differ from the task's by 0.001"):
        export.saved_model(task, tmp_path)
    assert list((tmp_path / "tiny").iterdir()) == []


def test_the_fresh_process_loads_nothing_of_ours():
    code = (
        "import runpy, sys, io\n"
        "sys.stdin = io.StringIO('[]')\n"
        "try: runpy.run_path(sys.argv[1], run_name='__main__')\n"
        "except TypeError: pass\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'zoo', 'optimizers', 'apps', 'keras'}))"
    )
    path = os.path.join(os.path.dirname(export.__file__), "run_saved_model.py")
    child = subprocess.run([sys.executable, "-P", "-c", code, path], capture_output=True, text=True)
    loaded = child.stdout.strip().splitlines()[-1]
    assert "zoo" not in loaded and "optimizers" not in loaded and "apps" not in loaded, child.stderr


def test_labels_follow_their_scores():
    task = images()
    digit = data.load("digits", "test", kind="image").raw[0]
    logits = task.model(task.preprocess(task.stacked([task.encode(digit)]))[0], training=False).numpy()[0]
    probabilities = np.exp(logits) / np.exp(logits).sum()
    result = task(digit)
    for label, score in result.scores:
        assert score == pytest.approx(probabilities[task.labels.index(label)], abs=1e-6)
    assert result.label == task.labels[int(probabilities.argmax())]


def test_a_bad_item_does_not_spoil_the_others():
    task = images()
    digit = data.load("digits", "test", kind="image").raw[0]
    answers = list(task.predict([digit, b"no image", UserError("gone"), "no/such/file.png", digit], batch_size=3))
    assert [answer.error is None for answer in answers] == [True, False, False, False, True]
    assert answers[2].error == "gone" and answers[0] == answers[4]
    with pytest.raises(UserError):
        task(b"no image")
    assert list(texts().predict(["good", b"\xff"]))[1].error == "not valid UTF-8 at position 0"


def test_predict_is_lazy():
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield "good"

    answers = texts().predict(endless(), batch_size=4)
    next(answers)
    assert len(taken) == 4


def test_load_is_by_name_or_folder(tmp_path):
    task = texts()
    task.save(tmp_path / "mine")
    assert zoo.load(tmp_path / "mine")("good film") == zoo.load(str(tmp_path / "mine"))("good film")

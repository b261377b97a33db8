"""KerasHub's pretrained models as tasks: what they write is what KerasHub itself writes, and a folder is only data."""

import json
import shutil
import socket
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from apps import cli
from tests.zoo import hub_presets
from tests.zoo.hub_presets import TEXTS
from tests.zoo.small_models import SMALL
from zoo import training, weights
from zoo.errors import UserError
from zoo.layers.sequence import END, PADDING, START
from zoo.recipe import Recipe
from zoo.tasks.summarization import Summarization

KINDS = ("bart", "t5")
SLOW = [pytest.param("bart", marks=pytest.mark.matrix), "t5"]  # T5 is the one with weights that want names
LENGTH = 14  # tokens that KerasHub writes, those that it begins with among them
BEGIN = {"bart": 2, "t5": 1}


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    folders = {kind: tmp_path_factory.mktemp("hub") / f"{kind}_tiny" for kind in KINDS}
    for kind, folder in folders.items():
        getattr(hub_presets, kind)().save_to_preset(str(folder))
    return folders


@pytest.fixture(scope="module")
def tasks(folders) -> dict:
    return {kind: zoo.load(f"hub:{folder}") for kind, folder in folders.items()}


@pytest.fixture
def offline(monkeypatch):
    def refuse(*arguments, **named):
        raise OSError("no network here")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / folder.name))


def change(path: Path, **changes) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("kind", KINDS)
def test_it_writes_what_keras_hub_writes(kind, tasks, monkeypatch):
    monkeypatch.delattr(Summarization, "_written")  # these models write more than they read
    model = getattr(hub_presets, kind)()
    model.compile(sampler="greedy")
    expected = model.generate(TEXTS, max_length=LENGTH)
    assert len(set(expected)) == len(TEXTS)  # else they could be anybody's
    answers = list(tasks[kind].generate(TEXTS, beam=1, max_length=LENGTH - BEGIN[kind]))
    assert [answer.text for answer in answers] == expected
    assert tasks[kind].name == "summarization" and not any(answer.error for answer in answers)


@pytest.mark.parametrize("kind", KINDS)
def test_steps_say_what_the_call_says_and_both_what_keras_hub_says(kind, tasks):
    task = tasks[kind]
    model, theirs = task.model, getattr(hub_presets, kind)()
    inputs, _, _ = theirs.preprocessor({"encoder_text": TEXTS, "decoder_text": ["abba", "a cab", "bee", ""]})
    expected = np.asarray(tf.nn.log_softmax(theirs(inputs)), "float64")[..., model.order]
    if kind == "bart":
        expected = expected[:, 1:]  # after <s>, which ours cannot help but write
    source, _ = task.tokens(tf.constant(TEXTS))
    target = np.full((4, 9), PADDING, "int32")
    for row, numbers in enumerate(task.tokens.numbered(["abba", "a cab", "bee", ""])):
        target[row, : len(numbers) + 2] = [START, *numbers, END]
    logs = np.asarray(tf.nn.log_softmax(model({"source": source, "target": target})))
    others = [token for token in range(model.vocabulary) if token not in (PADDING, START)]
    cache = model.start(model.encode({"source": source}), 9)
    for position in range(9):
        stepped, cache = model.step(target[:, position], cache)
        known = target[:, position] != PADDING
        np.testing.assert_allclose(stepped, logs[:, position], atol=1e-4)
        np.testing.assert_allclose(logs[known, position][:, others], expected[known, position][:, others], atol=1e-4)
    np.testing.assert_allclose(np.exp(logs).sum(axis=-1), 1, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_are_those_of_keras_hub(kind, tasks):
    tokens, theirs = tasks[kind].tokens, getattr(hub_presets, kind)().preprocessor.tokenizer
    numbers, counts = tokens(tf.constant([*TEXTS, ""]))
    assert counts["total_tokens"].numpy().tolist() == [len(theirs.tokenize(text)) for text in [*TEXTS, ""]]
    for row, text in enumerate(TEXTS):
        kept = numbers[row].numpy()[: counts["used_tokens"][row]]
        assert tokens.order[kept].tolist() == list(theirs.tokenize(text))
        assert numbers[row, len(kept)] == END
    assert [text.decode() for text in tokens.detokenize(numbers).numpy()] == [*TEXTS, ""]
    assert len(tokens.names(range(tokens.size))) == tokens.size
    strange, _ = tokens(tf.constant(["žlutý </s> 🐎 \0 a" * 60]))
    assert strange.shape[1] == tokens.length and END not in strange.numpy()[0, :-1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_seed_takes_no_tokenizer_away(kind, tasks):
    before = tasks[kind].tokens.numbered(TEXTS)
    keras.utils.set_random_seed(1)
    assert tasks[kind].tokens.numbered(TEXTS) == before
    assert next(tasks[kind].predict(TEXTS[:1])).text is not None


@pytest.mark.parametrize("kind", KINDS)
def test_weights_have_the_same_unique_names_in_every_build(kind, folders, tasks):
    first, second = weights.by_name(tasks[kind].model), weights.by_name(zoo.load(f"hub:{folders[kind]}").model)
    assert {name: v.shape for name, v in first.items()} == {name: v.shape for name, v in second.items()}
    assert len(first) == len(tasks[kind].model.weights)


@pytest.mark.parametrize("kind", SLOW)
def test_a_saved_task_is_reloaded_without_keras_hub_s_folder(kind, tasks, tmp_path, offline):
    task = tasks[kind]
    task.save(tmp_path / "kept")
    again = zoo.load(tmp_path / "kept")
    stored = weights.by_name(again.model)
    for name, variable in weights.by_name(task.model).items():
        np.testing.assert_array_equal(stored[name], np.asarray(variable).astype("float16"))
    assert again.search == task.search and again.tokens.numbered(TEXTS) == task.tokens.numbered(TEXTS)
    assert [r.text for r in again.predict(TEXTS)] == [r.text for r in task.predict(TEXTS)]


@pytest.mark.parametrize("kind", SLOW)
def test_training_begins_with_its_weights(kind, folders, tasks, tmp_path, offline):
    table = tmp_path / "pairs.csv"
    rows = [f"{letter} bad cab {n},{letter} {other}" for n, letter in enumerate("abcdefgh") for other in "abc"]
    table.write_text("\n".join(["text,summary", *rows]))
    recipe = Recipe(
        name="mine",
        task="summarization",
        app="summarize",
        data="",
        data_terms="",
        model="transformer",
        preprocess={"kind": "sentencepiece", "length": 9, "pieces": 300},
        options={"decoding": {"max_length": 9}},
        about="",
        epochs=1,
        learning_rate=1e-3,
        batch_size=4,
        metric="rouge1",
        columns={"source_column": "text", "target_column": "summary"},
    )
    said = []
    task = training.fit(
        recipe,
        tmp_path / "mine",
        source=str(table),
        columns=recipe.columns,
        init=f"hub:{folders[kind]}",
        say=said.append,
        verbose=0,
    )
    count = len(tasks[kind].model.weights)
    assert f"{count} of {count} weight arrays start from hub:{folders[kind]}, the rest anew." in said
    assert task.config["model"] == "hub_seq2seq" and task.config["preprocess"]["kind"] == kind
    before, after = (weights.by_name(one.model) for one in (tasks[kind], task))
    moved = {name: float(np.abs(np.asarray(before[name]) - np.asarray(after[name])).max()) for name in before}
    assert 0 < max(moved.values()) < 0.05  # a few steps away from where it began
    again = weights.by_name(zoo.load(tmp_path / "mine").model)
    for name, variable in after.items():
        np.testing.assert_array_equal(again[name], variable)


def test_the_command_line_takes_it(folders, tasks, capfd):
    arguments = ["summarize", "--model", f"hub:{folders['t5']}", "--beam", "1", "--max-length", "9"]
    assert cli.main([*arguments, "--text", TEXTS[0]]) == 0
    (answer,) = tasks["t5"].generate(TEXTS[:1], beam=1, max_length=9)
    assert capfd.readouterr().out.splitlines() == [answer.text]
    assert cli.main(["translate", "--model", f"hub:{folders['bart']}", "--from", "de", "--to", "en", "abba"]) == 0
    assert zoo.load(f"hub:{folders['bart']}", task="translation", languages=("de", "en")).languages == ("de", "en")


def test_attention_cannot_be_told(tasks):
    with pytest.raises(UserError, match="do not tell where they look"):
        tasks["bart"].attention("abba", "a")


def test_it_writes_no_more_than_it_has_positions_for(tasks):
    with pytest.raises(UserError, match="writes at most 31 tokens, 32 were asked for"):
        list(tasks["bart"].generate(["abba"], max_length=32))
    assert not next(tasks["bart"].generate(["abba " * 40], max_length=31)).error


@pytest.mark.parametrize(
    ("file", "changes", "told"),
    [
        ("config.json", {"class_name": "GemmaBackbone"}, "GemmaBackbone.*expected one for BartBackbone or T5Backbone"),
        ("config.json", {"config": {"vocabulary_size": 18, "num_layers": {"class_name": "X"}}}, "takes no num_layers"),
        ("config.json", {"config": {"vocabulary_size": 18, "code": "1"}}, "takes no code"),
        ("config.json", {"config": {"vocabulary_size": "18"}}, "expected whole numbers"),
        ("config.json", {"config": []}, "not written by KerasHub"),
        ("tokenizer.json", {"class_name": "T5Tokenizer"}, "no tokenizer of BartBackbone"),
        ("assets/tokenizer/vocabulary.json", {"a": "4"}, "not a tokenizer of KerasHub"),
        ("assets/tokenizer/vocabulary.json", {f"more{n}": 18 + n for n in range(9)}, "tokenizer has 27 tokens"),
    ],
)
def test_what_it_does_not_know_is_refused(file, changes, told, folders, tmp_path):
    folder = copy(folders["bart"], tmp_path)
    change(folder / file, **changes)
    with pytest.raises(UserError, match=told) as error:
        zoo.load(f"hub:{folder}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", SLOW)
def test_a_file_that_is_missing_or_cut_is_named(kind, folders, tmp_path):
    for name in ("config.json", "tokenizer.json", "model.weights.h5"):
        folder = copy(folders[kind], tmp_path / name)
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(UserError, match=name):
            zoo.load(f"hub:{folder}")
        (folder / name).unlink()
        with pytest.raises(UserError, match=name):
            zoo.load(f"hub:{folder}")
    folder = copy(folders[kind], tmp_path / "assets")
    shutil.rmtree(folder / "assets")
    with pytest.raises(UserError, match="vocabulary|merges"):
        zoo.load(f"hub:{folder}")


def test_no_module_that_a_folder_names_is_imported(folders, tmp_path, monkeypatch):
    (tmp_path / "trap.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    folder = copy(folders["t5"], tmp_path)
    for file in ("config.json", "tokenizer.json", "task.json", "preprocessor.json"):
        change(folder / file, module="trap", registered_name="trap>Trap")
    assert next(zoo.load(f"hub:{folder}").predict(["abba"])).error is None


def test_a_name_that_is_not_here_is_told_in_one_line(offline):
    with pytest.raises(UserError, match="no preset 'bart_bas_en'.*did you mean 'bart_base_en'"):
        zoo.load("hub:bart_bas_en")
    with pytest.raises(UserError, match="hub:bart_base_en is not on this machine.*give hub:FOLDER") as error:
        zoo.load("hub:bart_base_en")
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="no such folder"):
        zoo.load("hub:runs/none")


def test_a_name_of_keras_hub_s_is_fetched_by_keras_hub(monkeypatch, tasks):
    import keras_hub

    model = hub_presets.t5()
    monkeypatch.setattr(keras_hub.models.T5Seq2SeqLM, "from_preset", lambda name: model)
    task = zoo.load("hub:t5_small_multi")
    for name, variable in weights.by_name(tasks["t5"].model).items():
        np.testing.assert_array_equal(weights.by_name(task.model)[name], variable)
    assert task.config["name"] == "t5_small_multi"


def test_a_recipe_cannot_train_it_from_nothing():
    from zoo.inputs.hub_tokens import T5Tokens

    with pytest.raises(UserError, match="--init hub:"):
        T5Tokens.learn(["a"], {})


def test_the_builder_takes_plain_values_of_two_classes_only():
    for arguments in ({"backbone": "GemmaBackbone"}, {"config": {"dtype": "float16"}}, {"end": 0}):
        with pytest.raises(ValueError):
            zoo.build("hub_seq2seq", **{**SMALL["hub_seq2seq"], **arguments})

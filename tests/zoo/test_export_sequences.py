"""Exports of models that write: string to string, greedy and by a beam, the same texts as the task's."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import zoo
from tests.zoo.sequence_models import Table
from zoo import decoding, export, preset, recipes, tasks
from zoo.data.texts import pairs
from zoo.export import checking, run_saved_model

WORDS = (
    "A great film: funny, warm and over too soon. I want these two hours of my life back! word 6/10 großartig".split()
)
KINDS = {
    "sentencepiece": {"kind": "sentencepiece", "length": 24, "pieces": 330},
    "words": {"kind": "words", "lowercase": "unicode", "pattern": r"\pP", "length": 24, "words": 40},
}
SMALL = {
    "transformer": ("translation", "sentencepiece", {"width": 16, "layers": 2, "heads": 2, "hidden": 24}),
    "lstm_attention": ("translation", "words", {"width": 12, "units": 10, "attention": "luong"}),
    "pointer_generator": ("summarization", "sentencepiece", {"width": 12, "units": 10}),
}


def writer(model):
    """A task around a small model with random weights, which writes something else for every text."""
    name, kind, arguments = SMALL[model]
    lines = [" ".join(np.random.default_rng(seed).permutation(WORDS)) for seed in range(50)]
    config = {
        "name": "tiny",
        "task": name,
        "model": model,
        "arguments": arguments,
        "preprocess": KINDS[kind],
        "languages": ["en", "de"],
        "decoding": {"beam": 3, "length_penalty": 1.0, "max_length": 9},
        "data": "none",
        "data_terms": "none",
    }
    config["arguments"], assets = tasks.get(name).config_from_data(
        config, pairs.Pairs(lines, [(line,) for line in lines], "none")
    )
    keras.utils.set_random_seed(5)
    task = tasks.get(name).create(config, **assets)
    rng = np.random.default_rng(5)
    for variable in task.model.weights:
        variable.assign(variable + rng.normal(0, 0.4, variable.shape))
    return task


def told(task, search, texts):
    """The results of `generate` for texts, in the form of an export's answer."""
    results = list(task.generate(texts, batch_size=4, **dataclasses.asdict(search)))
    rows = [[(r.text, r.score or 0.0), *r.alternatives] for r in results]
    rows = [row + [("", 0.0)] * (search.n_best - len(row)) for row in rows]
    answer = {
        "text": np.array([[text.encode() for text, _ in row] for row in rows], object),
        "score": np.array([[score for _, score in row] for row in rows], np.float32),
        "used_tokens": np.array([r.used_tokens or 0 for r in results]),
        "total_tokens": np.array([r.total_tokens or 0 for r in results]),
    }
    if search.n_best == 1:
        answer |= {name: answer[name][:, 0] for name in ("text", "score")}
    if task.confidence is not None:
        answer["low_confidence"] = np.array([r.low_confidence for r in results])
    return answer


@pytest.mark.parametrize("model", SMALL)
def test_the_export_writes_as_the_task(tmp_path, monkeypatch, model):
    task, replies, asked = writer(model), checking.replies, []

    def remembered(folder, task, requests):
        asked.extend(zip(requests, replies(folder, task, requests), strict=True))
        return [answer for _, answer in asked]

    monkeypatch.setattr(checking, "replies", remembered)
    folder = export.saved_model(task, tmp_path)

    assert [(name, len(raw)) for (name, raw), _ in asked] == [
        (n, m) for n in ("serving_default", "beam") for m in (6, 1)
    ]
    for (name, raw), theirs in asked:
        texts = [item.decode() for item in raw]
        whole = [place for place, text in enumerate(texts) if len(task.segments(text)) == 1]
        ours = told(task, task.searches[name], [texts[place] for place in whole])
        kept = {key: value[whole] for key, value in theirs.items()}
        assert checking.check(task, name, [raw[place] for place in whole], ours, kept) == 0
        if len(raw) > 1:
            best = theirs["text"].reshape(6, -1)[:, 0]
            assert len(set(best)) > 3 and best[4] == ""  # it does read what it is given
            assert theirs["used_tokens"][4] == theirs["total_tokens"][4] == 0
            assert theirs["used_tokens"][5] == 23 and theirs["total_tokens"][5] >= 3000

    required = folder / "assets.extra" / "requires.json"
    assert required.is_file() == (SMALL[model][1] == "sentencepiece")
    if required.is_file():
        assert json.loads(required.read_text()) == ["tensorflow_text"] == run_saved_model.required(folder)
    # TF Serving on a CPU has no XLA; the weights are whole floats.
    graph = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes()).meta_graphs[0].graph_def
    assert graph.library.function and not any(f.attr["_XlaMustCompile"].b for f in graph.library.function)
    types = tf.train.load_checkpoint(folder / "variables" / "variables").get_variable_to_dtype_map()
    assert tf.float32 in types.values() and tf.float16 not in types.values()


def test_greedy_answers_are_scored_by_the_presets_own_penalty():
    task = writer("lstm_attention")
    assert task.searches["serving_default"] == decoding.Search(beam=1, length_penalty=1.0, max_length=9)
    assert task.searches["beam"] == decoding.Search(beam=3, n_best=3, length_penalty=1.0, max_length=9)
    task.search = decoding.Search(temperature=0.7, top_k=4, max_length=9)
    del task.searches
    assert task.searches["beam"] == decoding.Search(beam=2, n_best=2, max_length=9)


@pytest.mark.parametrize("listed", [["os"], ["tensorflow_text", "zoo"], "tensorflow_text", {}, None, [["os"]]])
def test_nothing_else_is_imported_on_the_word_of_an_export(tmp_path, listed):
    assert run_saved_model.required(tmp_path) == []
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / "assets.extra" / "requires.json").write_text(json.dumps(listed))
    with pytest.raises(ValueError, match="some of tensorflow_text, got"):
        run_saved_model.required(tmp_path)


class Undecided:
    """Stands for a task that writes "a" and, rounded otherwise, might write "b"."""

    tolerance = 1e-4
    tolerances = {}
    stacked = list

    def encode(self, item):
        return item

    def signatures(self):
        return {"serving_default": (lambda raw: answer(b"a", len(raw)), {"text": None})}

    def rounding_variants(self, signature, raw):
        return {key: tf.concat([answer(b"a", 5)[key], answer(b"b", 3)[key]], 0) for key in ("text", "score")}


def answer(text, count, score=-1.0):
    return {"text": tf.constant([text] * count), "score": tf.constant([score] * count)}


@pytest.mark.parametrize(
    ("text", "score", "said"),
    [
        (b"a", -1.0, 0),
        (b"a", -1.001, "score differ from the task's by 0.001"),
        (b"b", -1.0, 4),
        (b"b", -1.001, "text differ"),
        (b"c", -1.0, "text differ"),
    ],
)
def test_a_text_may_differ_only_where_rounding_decides(monkeypatch, text, score, said):
    def replies(folder, task, requests):
        return [{k: v.numpy() for k, v in answer(text, len(raw), score).items()} for _, raw in requests]

    monkeypatch.setattr(checking, "replies", replies)
    if isinstance(said, int):
        assert checking.compare(Undecided(), None, [b"x", b"y", b"z"]) == said
    else:
        with pytest.raises(export.ExportError, match=said):
            checking.compare(Undecided(), None, [b"x", b"y", b"z"])


@pytest.mark.parametrize("beam", [1, 2])
@pytest.mark.parametrize(("gap", "written"), [(1e-6, {4, 5}), (1e-3, {4})])
def test_rounding_decides_between_equals_only(beam, gap, written):
    model = Table(vocabulary=6, steps=2, no_end=True)
    # Both lead to the same end, so that the first token alone decides.
    model.table[:, 1] = model.table[:1, 1:2, :1]
    first = model.table[0, 0, 3]  # 3 is the fingerprint of START
    first[4], first[5] = -0.5, -0.5 - gap
    found = decoding.search(
        decoding.Rounded(model), {"source": np.zeros((32, 1), np.int32)}, decoding.Search(beam=beam, max_length=2)
    )
    assert set(found["tokens"].numpy()[:, 0, 0]) == written


CONFIGS = {name: preset.read_config(preset.find(name)) for name in zoo.presets()}
# One of each architecture, since `zoo export` itself compares a few answers of every preset.
WRITERS = list({config["model"]: name for name, config in CONFIGS.items() if "decoding" in config}.values())
NONE = pytest.param(None, marks=pytest.mark.skip(reason="no preset that writes is shipped"))


@pytest.mark.matrix
@pytest.mark.parametrize("name", WRITERS or [NONE])
def test_a_shipped_preset_writes_the_same_for_200_held_sentences(tmp_path, data_dir, name):
    task, recipe = zoo.load(name), recipes.get(name)
    folder = export.saved_model(task, tmp_path)
    held = pairs.load(recipe.data, recipe.splits[1], **recipe.columns).raw
    texts = [text for text in held if len(task.segments(text)) == 1][:200]
    raw = [text.encode() for text in texts]
    answers = checking.replies(folder, task, [(signature, raw) for signature in task.signatures()])
    for signature, theirs in zip(task.signatures(), answers, strict=True):
        ours = told(task, task.searches[signature], texts)
        # Differences by rounding are checked one by one, and are rare.
        assert checking.check(task, signature, raw, ours, theirs) <= 4
    assert len(texts) == 200

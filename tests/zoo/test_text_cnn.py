"""TextCNN: what padding, repetition and the hash must and must not change."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from zoo.classifiers.text_cnn import HashedNgrams, ngram_buckets, text_cnn

ROOT = Path(__file__).parents[2]
SMALL = {"vocabulary": 50, "width": 8, "filters": 5, "windows": (2, 3), "classes": 3}
TEXTS = [[7, 3, 7, 3, 7], [49, 1, 2, 30, 4], [5, 0, 0, 0, 0], [0, 0, 0, 0, 0]]


def oracle(text, orders, buckets: int) -> list[int]:
    """The buckets of one text's n-grams, in Python's whole numbers."""
    found = []
    text = [token for token in text if token]
    for order in orders:
        for start in range(len(text) - order + 1):
            code = 0
            for token in text[start : start + order]:
                code = (code + token + order) * 0x5BD1E995 % 2**32
                code ^= code >> 15
            code = code * 0x2C1B3C6D % 2**32
            code ^= code >> 12
            found.append((code - 2**32 if code >= 2**31 else code) % buckets)
    return found


def found(tokens, orders, buckets: int) -> list[list[int]]:
    rows = keras.ops.convert_to_numpy(ngram_buckets(np.asarray(tokens, "int32"), orders, buckets))
    return [[int(bucket) for bucket in row if bucket < buckets] for row in rows]


def weights_of(model: keras.Model) -> dict[str, np.ndarray]:
    return {variable.path: keras.ops.convert_to_numpy(variable).copy() for variable in model.trainable_weights}


def random_weights(model: keras.Model) -> keras.Model:
    rng = np.random.default_rng(0)
    for variable in model.trainable_weights:
        variable.assign(rng.normal(0, 0.5, variable.shape))
    return model


@pytest.mark.parametrize(("orders", "buckets"), [((1,), 97), ((1, 2, 3), 2**21), ((4, 2), 1000)])
def test_buckets_are_those_of_whole_numbers(orders, buckets):
    rng = np.random.default_rng(0)
    tokens = rng.integers(1, 2**31 - 1, (4, 30), dtype="int32")
    tokens[1, 20:] = 0
    tokens[2, 1:] = 0
    assert found(tokens, orders, buckets) == [oracle(text, orders, buckets) for text in tokens.tolist()]


def test_buckets_of_short_and_empty_texts():
    assert found([[3, 0, 0]], (2, 3), 1000) == [[]]
    assert found(np.zeros((2, 0)), (1, 2), 1000) == [[], []]


def test_linear_part_counts_each_ngram_once():
    layer = HashedNgrams(classes=3, buckets=64, ngrams=(1, 2))
    layer.build((None, None))
    table = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    layer.set_weights([table, np.array([0.25, -0.5], "float32")])
    expected = []
    for text in TEXTS:
        rows = sorted(set(oracle(text, (1, 2), 64)))
        expected.append([0.0, *(table[rows].sum(axis=0) + [0.25, -0.5])])
    np.testing.assert_allclose(layer(np.asarray(TEXTS, "int32")), expected, atol=1e-5)


@pytest.mark.parametrize("buckets", [0, 64])
def test_padding_changes_no_answer(buckets):
    model = random_weights(text_cnn(**SMALL, ngram_buckets=buckets))
    tokens = np.asarray(TEXTS, "int32")
    padded = np.pad(tokens, [[0, 0], [0, 9]])
    np.testing.assert_allclose(model(padded), model(tokens), atol=1e-5)
    np.testing.assert_allclose(model(tokens[2:3, :1]), model(tokens)[2:3], atol=1e-5)
    np.testing.assert_allclose(model(np.zeros((1, 0), "int32")), model(tokens)[3:], atol=1e-5)


def test_logits_are_the_sum_of_both_parts():
    both, cnn = text_cnn(**SMALL, ngram_buckets=64), text_cnn(**SMALL)
    random_weights(both)
    by_path = {variable.path: variable for variable in both.weights}
    assert by_path.keys() - {variable.path for variable in cnn.weights} == {"ngrams/table", "ngrams/bias"}
    for variable in cnn.weights:
        variable.assign(by_path[variable.path])
    tokens = np.asarray(TEXTS, "int32")
    linear = both.get_layer("ngrams")(tokens)
    np.testing.assert_allclose(both(tokens), np.asarray(cnn(tokens)) + linear, atol=1e-5)


def test_kims_network_by_hand():
    """One text, one window: the strongest of the products, in plain NumPy."""
    model = random_weights(text_cnn(vocabulary=50, width=4, filters=2, windows=(3,)))
    weights = weights_of(model)
    text = np.array([[7, 3, 9, 4]], "int32")
    vectors = np.pad(weights["embedding/embeddings"][text[0]], [[1, 1], [0, 0]])
    products = [np.tensordot(vectors[at : at + 3], weights["window3/kernel"], 2) for at in range(4)]
    strongest = np.maximum(np.array(products) + weights["window3/bias"], 0).max(axis=0)
    expected = strongest @ weights["logits/kernel"] + weights["logits/bias"]
    np.testing.assert_allclose(model(text)[0], expected, rtol=1e-4, atol=1e-5)


def test_features_are_zero_at_padding():
    maps = np.asarray(random_weights(text_cnn(**SMALL, features=True))(np.asarray(TEXTS, "int32"))["1"])
    assert maps.shape == (4, 5, 10)
    assert maps[0].any() and not maps[2, 1:].any() and not maps[3].any()


def test_dropping_the_linear_part_leaves_its_weights_alone():
    model = random_weights(text_cnn(**SMALL, ngram_buckets=64, ngram_dropout=1.0))
    before = weights_of(model)
    tokens = np.asarray(TEXTS, "int32")
    assert np.abs(model.get_layer("ngrams")(tokens)).max() > 0
    assert np.abs(model.get_layer("ngrams")(tokens, training=True)).max() == 0
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(tokens, np.array([0, 1, 2, 0]), verbose=0)
    changed = {path for path, weights in weights_of(model).items() if (before[path] != weights).any()}
    assert changed >= {"embedding/embeddings", "window2/kernel", "logits/kernel"}
    assert not changed & {"ngrams/table", "ngrams/bias"}


def test_both_parts_learn_and_survive_a_file(tmp_path):
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    tokens = rng.integers(2, 50, (64, 12), dtype="int32")
    labels = (tokens == 9).any(axis=1).astype("int32")
    model = text_cnn(**{**SMALL, "classes": 2}, ngram_buckets=512, ngram_dropout=0.5)
    model.compile(keras.optimizers.Adam(0.02), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(tokens, labels, epochs=30, verbose=0)
    assert (np.asarray(model(tokens)).argmax(axis=1) == labels).mean() > 0.95
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again(tokens), model(tokens), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"width": 0}, "width"),
        ({"windows": (3, 3)}, "windows"),
        ({"windows": (0,)}, "windows"),
        ({"dropout": 1}, "dropout"),
        ({"ngram_buckets": 8, "ngrams": ()}, "n-grams"),
        ({"ngram_buckets": 8, "ngram_dropout": 2}, "dropout"),
    ],
)
def test_wrong_arguments_are_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        text_cnn(**{**SMALL, **arguments})


PROGRAM = """
import json, sys, keras, numpy as np
from zoo.classifiers.text_cnn import ngram_buckets
buckets = ngram_buckets(np.asarray(json.loads(sys.argv[1]), "int32"), (1, 2, 3), 2**21)
print(json.dumps([keras.backend.backend(), keras.ops.convert_to_numpy(buckets).tolist()]))
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_find_the_same_buckets(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"needs {backend}, which is not installed")
    tokens = [*([*text, 12345] for text in TEXTS[:2]), [29_999, 2**31 - 1, 2**31 - 2, 8, 0, 0]]
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(tokens)],
        env={**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    name, buckets = json.loads(run.stdout.splitlines()[-1])
    assert name == backend
    rows = keras.ops.convert_to_numpy(ngram_buckets(np.asarray(tokens, "int32"), (1, 2, 3), 2**21))
    assert buckets == rows.tolist()
    assert [[b for b in row if b < 2**21] for row in buckets] == [oracle(text, (1, 2, 3), 2**21) for text in tokens]

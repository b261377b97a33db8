"""LSTM with attention: steps are the call, padding is nothing, attention is a share, and copying can be learned."""

import functools
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.layers.sequence import END, PADDING, START
from zoo.lstms.lstm_attention import lstm_attention
from zoo.tasks.sequence_loss import SequenceCrossentropy

KINDS = [
    pytest.param(attention, layers, tied, id=f"{attention}-{layers}-{'tied' if tied else 'untied'}")
    for attention, (layers, tied) in itertools.product(("luong", "bahdanau"), ((1, True), (2, False)))
]


@functools.cache
def built(attention: str, layers: int, tied: bool):
    """A model whose weights are far enough from 0 that its answers differ from place to place."""
    model = lstm_attention(vocabulary=19, width=12, units=6, layers=layers, attention=attention, tied=tied, dropout=0.4)
    rng = np.random.default_rng(0)
    for variable in model.weights:
        variable.assign(rng.normal(0, 0.5, variable.shape))
    return model


def source() -> np.ndarray:
    """[3, 7], of which the last two rows' ends are padding."""
    tokens = np.random.default_rng(1).integers(4, 19, (3, 7), dtype="int32")
    tokens[1, 4:] = tokens[2, 1:] = PADDING
    return tokens


def target() -> np.ndarray:
    tokens = np.random.default_rng(2).integers(4, 19, (3, 9), dtype="int32")
    tokens[:, 0] = START
    return tokens


@pytest.mark.parametrize(("attention", "layers", "tied"), KINDS)
def test_steps_say_what_the_call_says(attention, layers, tied):
    model = built(attention, layers, tied)
    logits = np.asarray(model({"source": source(), "target": target()}))
    assert np.abs(logits[:, 1:] - logits[:, :-1]).max(axis=-1).min() > 1e-3
    cache = model.start(model.encode({"source": source()}), max_length=11)
    for position in range(9):
        logs, cache = model.step(target()[:, position], cache)
        np.testing.assert_allclose(logs, tf.nn.log_softmax(logits[:, position]), atol=1e-5)
    assert int(cache["index"]) == 9


@pytest.mark.parametrize(("attention", "layers", "tied"), KINDS)
def test_padding_changes_nothing(attention, layers, tied):
    """Neither more of it, nor the others in the batch, nor that of the target."""
    model = built(attention, layers, tied)
    logits = np.asarray(model({"source": source(), "target": target()}))
    wider = np.pad(source(), ((0, 0), (0, 5)))
    np.testing.assert_allclose(model({"source": wider, "target": target()}), logits, atol=1e-5)
    alone = model({"source": source()[2:, :1], "target": target()[2:]})
    np.testing.assert_allclose(alone, logits[2:], atol=1e-5)
    longer = np.pad(target(), ((0, 0), (0, 3)))
    np.testing.assert_allclose(model({"source": source(), "target": longer})[:, :9], logits, atol=1e-5)


@pytest.mark.parametrize(("attention", "layers", "tied"), KINDS)
def test_attention_is_a_share_of_the_source(attention, layers, tied):
    model = built(attention, layers, tied)
    weights = np.asarray(model.attention({"source": source(), "target": target()}))
    assert weights.shape == (3, 9, 7)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-6)
    hidden = np.broadcast_to(source()[:, None] == PADDING, weights.shape)
    assert weights[hidden].max() == 0 and weights[~hidden].min() > 0
    # Luong looks with the state after the token, Bahdanau with the one before it.
    other = np.where(np.arange(9) == 4, 11, target())
    changed = np.abs(weights - model.attention({"source": source(), "target": other})).max(axis=(0, 2)) > 1e-6
    assert changed.tolist() == [False] * (4 if attention == "luong" else 5) + [True] * (
        5 if attention == "luong" else 4
    )


@pytest.mark.parametrize("attention", ["luong", "bahdanau"])
def test_no_position_sees_what_follows_it(attention):
    model = built(attention, 1, True)
    other = np.where(np.arange(9) == 4, 11, target())
    same, changed = (np.asarray(model({"source": source(), "target": t})) for t in (target(), other))
    np.testing.assert_array_equal(same[:, :4], changed[:, :4])
    assert np.abs(same[:, 4:] - changed[:, 4:]).max(axis=(0, 2)).min() > 0


@pytest.mark.parametrize(("attention", "layers", "tied"), KINDS)
def test_training_drops_and_nothing_else_does(attention, layers, tied):
    model, inputs = built(attention, layers, tied), {"source": source(), "target": target()}
    np.testing.assert_array_equal(model(inputs), model(inputs))
    assert np.abs(model(inputs, training=True) - model(inputs, training=True)).max() > 0
    # What is left out of the readout is so at all steps of a sequence.
    vectors = np.asarray(model._write(inputs, True)[0])
    dropped = vectors == 0
    assert (dropped == dropped[:, :1]).all() and 0 < dropped.mean() < 1


def test_a_source_of_padding_alone_has_an_answer():
    inputs = {"source": np.zeros((1, 3), "int32"), "target": np.array([[START]], "int32")}
    for attention in ("luong", "bahdanau"):
        model = built(attention, 1, True)
        assert np.isfinite(model(inputs)).all() and np.isfinite(model.attention(inputs)).all()


def test_the_forget_gates_begin_open_and_parameters_are_counted():
    model = lstm_attention(vocabulary=10, width=3, units=2)
    biases = [np.asarray(v) for v in model.weights if v.path.endswith(("lstm_cell/bias", "decoder1/bias"))]
    assert len(biases) == 3
    for bias in biases:
        np.testing.assert_array_equal(bias, [0, 0, 1, 1, 0, 0, 0, 0])
    encoder = 2 * (3 * 8 + 2 * 8 + 8) + 2 * (4 * 2 + 2)
    decoder = 3 * 8 + (3 + 2) * 8 + 8
    assert model.count_params() == 10 * 3 + encoder + decoder + 4 * 2 + (4 + 2) * 3


@pytest.mark.parametrize("attention", ["luong", "bahdanau"])
def test_it_learns_to_copy(attention):
    keras.utils.set_random_seed(0)
    model = lstm_attention(vocabulary=12, width=32, units=32, attention=attention, dropout=0.0)
    tokens = np.random.default_rng(0).integers(4, 12, (1024 + 64, 4), dtype="int32")
    following = np.pad(tokens, ((0, 0), (0, 1)), constant_values=END)
    inputs = {"source": tokens, "target": np.pad(tokens, ((0, 0), (1, 0)), constant_values=START)}
    rate = keras.optimizers.schedules.CosineDecay(0.01, decay_steps=10 * 32)
    model.compile(keras.optimizers.Adam(rate), SequenceCrossentropy())
    known, held = ({name: array[part] for name, array in inputs.items()} for part in (slice(1024), slice(1024, None)))
    model.fit(known, following[:1024], batch_size=32, epochs=10, verbose=0)
    cache, written = model.start(model.encode({"source": held["source"]}), 5), np.full(64, START, "int32")
    for position in range(5):
        logs, cache = model.step(written, cache)
        written = np.argmax(logs, axis=-1).astype("int32")
        np.testing.assert_array_equal(written, following[1024:, position])

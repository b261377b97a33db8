"""The three cells of the recurrent models: each is Keras's own, and goes through every builder that takes one."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from zoo.layers.recurrence import GATES, LAYERS, Reader, Step

CELLS = {"rnn": keras.layers.SimpleRNNCell, "gru": keras.layers.GRUCell, "lstm": keras.layers.LSTMCell}


@pytest.mark.parametrize("cell", GATES)
def test_a_step_is_keras_s_cell(cell):
    """Of known inputs and of carried ones together, with the same weights; a GRU's second bias is zero."""
    keras.utils.set_random_seed(0)
    step, theirs = Step(5, 3, 2, cell), CELLS[cell](5)
    step.build((None, GATES[cell] * 5))
    theirs.build((None, 5))
    step.bias.assign(keras.random.normal(step.bias.shape, seed=1))
    kernel = ops.concatenate([step.kernel, step.recurrent_kernel[:2]], axis=0)
    bias = np.asarray(step.bias)
    bias = np.stack([bias, 0 * bias]) if cell == "gru" else bias
    theirs.set_weights([kernel, step.recurrent_kernel[2:], bias])
    known, carried, h, c = (keras.random.normal((4, n), seed=n) for n in (3, 2, 5, 6))
    c = c[:, :5]
    ours = step(step.project(known), carried, h, c)
    state = [h, c] if cell == "lstm" else [h]
    _, expected = theirs(ops.concatenate([known, carried], axis=-1), state)
    for one, other in zip(ours, expected, strict=False):
        np.testing.assert_allclose(one, other, atol=1e-6)
    if cell != "lstm":
        np.testing.assert_array_equal(ours[1], c)


@pytest.mark.parametrize("cell", GATES)
def test_a_reader_begins_a_writer_with_the_last_states_of_both_directions(cell):
    reader = Reader(4, 2, 0.0, cell)
    reader.build((None, None, 3))
    x, present = keras.random.normal((2, 6, 3), seed=0), np.array([[True] * 6, [True] * 4 + [False] * 2])
    states, first = reader(x, present)
    states = np.asarray(states)
    assert states.shape == (2, 6, 8) and len(first) == 2
    np.testing.assert_array_equal(states[1, 4:], 0)
    for (h, c), hidden in zip(first, reader.hidden, strict=True):
        assert h.shape == c.shape == (2, 4) and (cell == "lstm") == bool(np.abs(c).max())
        assert hidden.kernel.shape == (8, 4)
    last = ops.concatenate([states[[0, 1], [5, 3], :4], states[:, 0, 4:]], axis=-1)
    np.testing.assert_allclose(first[1][0], reader.hidden[1](last), atol=1e-6)
    assert Reader.from_config(reader.get_config()).cell == cell


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("lstm_attention", {"layers": 2, "attention": "luong"}),
        ("lstm_attention", {"layers": 2, "attention": "bahdanau"}),
        ("pointer_generator", {}),
        ("bilstm", {"classes": 3, "layers": 2}),
    ],
)
def test_every_recurrent_model_takes_it(name, sizes, cell, tmp_path):
    keras.utils.set_random_seed(0)
    model = zoo.build(name, vocabulary=30, width=6, units=4, cell=cell, **sizes)
    tokens = np.array([[5, 6, 7, 0]], np.int32)
    given = tokens if name == "bilstm" else {"source": tokens, "target": np.array([[2, 8, 9]], np.int32)}
    found = model(given)
    assert np.isfinite(found).all()
    model.save(tmp_path / "model.keras")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "model.keras")(given), found, atol=1e-6)
    if name != "bilstm":  # step by step as all at once
        cache = model.start(model.encode({"source": tokens}), 3)
        logs = ops.log_softmax(found) if name == "lstm_attention" else found
        for place, token in enumerate((2, 8, 9)):
            next_logs, cache = model.step(np.array([token], np.int32), cache)
            np.testing.assert_allclose(next_logs[0], logs[0, place], atol=1e-5)


def test_a_cell_that_there_is_not_is_refused():
    assert set(GATES) == set(LAYERS)
    for name in ("bilstm", "lstm_attention", "pointer_generator"):
        with pytest.raises(ValueError, match="Expected cell to be 'rnn' or 'gru' or 'lstm'. Received: cell='elman'"):
            zoo.build(name, vocabulary=30, cell="elman")

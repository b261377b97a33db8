"""The pointer-generator: its distribution against numpy, its loss, coverage by hand, and a copy task."""

import functools

import keras
import numpy as np
import pytest

from zoo.layers.sequence import END, PADDING, START
from zoo.lstms.pointer_generator import pointer_generator

VOCABULARY = 19


@functools.cache
def built(coverage: float = 1.0, smoothing: float = 0.0):
    """A model whose weights are far enough from 0 that its answers differ from place to place."""
    model = pointer_generator(VOCABULARY, width=12, units=6, coverage=coverage, smoothing=smoothing)
    rng = np.random.default_rng(0)
    for variable in model.weights:
        variable.assign(rng.normal(0, 0.5, variable.shape))
    return model


def inputs() -> dict[str, np.ndarray]:
    """Sources [3, 7] in which tokens come twice, targets [3, 5]; both end in padding."""
    rng = np.random.default_rng(1)
    source, target = rng.integers(4, 9, (3, 7), dtype="int32"), rng.integers(4, VOCABULARY, (3, 5), dtype="int32")
    source[1, 4:] = source[2, 1:] = PADDING
    target[:, 0] = START
    target[1, 3:] = PADDING
    return {"source": source, "target": target}


def following() -> np.ndarray:
    """Tokens after each target token: one that may be copied, one that may not, and END."""
    target = inputs()["target"]
    rows = np.concatenate([target[:, 1:], np.zeros((3, 1), "int32")], axis=1)
    rows[target == PADDING] = PADDING
    rows[[0, 1, 2], [4, 2, 4]] = END
    rows[0, 0] = inputs()["source"][0, 0]
    return rows


@pytest.mark.parametrize("coverage", [0.0, 1.0])
def test_the_distribution_is_what_numpy_scatters(coverage):
    model, given = built(coverage), inputs()
    x, states = model._write(given, False)
    logits = np.asarray(model.embedding(model._readout(states), reverse=True), "float64")
    known = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    generate = model.generate(np.concatenate([states["context"], states["h"], x], axis=-1))
    generate, weights = np.asarray(generate, "float64"), np.asarray(model.attention(given))
    expected = generate * known
    for b, t, s in np.ndindex(weights.shape):
        expected[b, t, given["source"][b, s]] += (1 - generate[b, t, 0]) * weights[b, t, s]
    answer = np.exp(np.asarray(model(given), "float64"))
    np.testing.assert_allclose(answer, expected, atol=1e-6)
    np.testing.assert_allclose(answer.sum(axis=-1), 1, atol=1e-5)
    assert 0.02 < generate.min() and generate.max() < 0.999  # both ways matter


@pytest.mark.parametrize("coverage", [0.0, 1.0])
def test_steps_say_what_the_call_says(coverage):
    model, given = built(coverage), inputs()
    answer = np.asarray(model(given))
    cache = model.start(model.encode(given), max_length=5)
    for position in range(5):
        logs, cache = model.step(given["target"][:, position], cache)
        np.testing.assert_allclose(logs, answer[:, position], atol=1e-5)
    assert int(cache["index"]) == 5


@pytest.mark.parametrize("coverage", [0.0, 1.0])
def test_padding_changes_nothing(coverage):
    model, given = built(coverage), inputs()
    answer = np.asarray(model(given))
    wider = {**given, "source": np.pad(given["source"], ((0, 0), (0, 5)))}
    np.testing.assert_allclose(model(wider), answer, atol=1e-5)
    alone = {"source": given["source"][2:, :1], "target": given["target"][2:]}
    np.testing.assert_allclose(model(alone), answer[2:], atol=1e-5)
    longer = {name: np.pad(tokens, ((0, 0), (0, 2))) for name, tokens in given.items()}
    loss = model.compute_loss(y=following(), y_pred=model(given))
    padded = model.compute_loss(y=np.pad(following(), ((0, 0), (0, 2))), y_pred=model(longer))
    np.testing.assert_allclose(padded, loss, rtol=1e-6)


def test_attention_is_a_share_of_the_source():
    weights, source = np.asarray(built().attention(inputs())), inputs()["source"]
    assert weights.shape == (3, 5, 7)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-6)
    hidden = np.broadcast_to(source[:, None] == PADDING, weights.shape)
    assert weights[hidden].max() == 0 and weights[~hidden].min() > 0


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_that_of_the_right_tokens(smoothing):
    model = built(0.0, smoothing)
    answer = np.asarray(model(inputs()), "float64")
    wanted = (1 - smoothing) * np.eye(VOCABULARY)[following()] + smoothing / VOCABULARY
    losses = -(wanted * answer).sum(axis=-1)[following() != PADDING]
    np.testing.assert_allclose(model.compute_loss(y=following(), y_pred=model(inputs())), losses.mean(), rtol=1e-6)


def test_the_coverage_loss_is_what_is_looked_at_again():
    """Equation 12: the smaller of what a token gets now and what it got before, summed; the mean over the tokens."""
    model, weights = built(0.75), np.asarray(built(0.75).attention(inputs()), "float64")
    again = []
    for b, row in enumerate(following()):
        before = np.zeros(7)
        for t in range(np.count_nonzero(row)):
            again.append(np.minimum(weights[b, t], before).sum())
            before += weights[b, t]
    answer = model(inputs())
    rows, places = np.nonzero(following())
    right = np.asarray(answer)[rows, places, following()[rows, places]]
    loss = model.compute_loss(y=following(), y_pred=answer)
    np.testing.assert_allclose(loss, -right.mean() + 0.75 * np.mean(again), rtol=1e-5)
    assert np.mean(again) > 0.1


def test_coverage_enters_the_scores():
    """Another weight of the coverage vector moves the attention, once there is something to cover."""
    model, given = pointer_generator(VOCABULARY, width=12, units=6), inputs()
    assert "scores/coverage/kernel" in {variable.path for variable in model.weights}
    assert not [variable.path for variable in built(0.0).weights if "coverage" in variable.path]
    before = np.asarray(model.attention(given))
    model.scores.coverage.kernel.assign(np.full((1, 6), 5.0))
    after = np.asarray(model.attention(given))
    np.testing.assert_array_equal(after[:, 0], before[:, 0])  # nothing was looked at yet
    assert np.abs(after[0, 1:] - before[0, 1:]).max() > 1e-3


def test_a_source_of_padding_alone_has_an_answer():
    given = {"source": np.zeros((1, 3), "int32"), "target": np.array([[START]], "int32")}
    assert np.isfinite(built()(given)).all()


def test_parameters_are_counted():
    model = pointer_generator(10, width=3, units=2)
    encoder = 2 * (3 * 8 + 2 * 8 + 8) + 2 * (4 * 2 + 2)
    decoder, scores = 3 * 8 + (4 + 2) * 8 + 8, 4 * 2 + 2 + 2 * 2 + 2 + 2
    assert model.count_params() == 10 * 3 + encoder + decoder + scores + (6 * 3 + 3) + (6 + 3 + 1)


def test_it_learns_to_copy():
    keras.utils.set_random_seed(0)
    model = pointer_generator(12, width=32, units=32)
    tokens = np.random.default_rng(0).integers(4, 12, (1024 + 64, 4), dtype="int32")
    wanted = np.pad(tokens, ((0, 0), (0, 1)), constant_values=END)
    target = np.pad(tokens, ((0, 0), (1, 0)), constant_values=START)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.01, decay_steps=5 * 32)))
    model.fit({"source": wanted[:1024], "target": target[:1024]}, wanted[:1024], batch_size=32, epochs=5, verbose=0)
    cache, written = model.start(model.encode({"source": wanted[1024:]}), 5), np.full(64, START, "int32")
    for position in range(5):
        logs, cache = model.step(written, cache)
        written = np.argmax(logs, axis=-1).astype("int32")
        np.testing.assert_array_equal(written, wanted[1024:, position])

"""The loss and the accuracy per token against numpy: padding counts for nothing, each token once."""

import keras
import numpy as np
import pytest

from zoo.layers.sequence import PADDING
from zoo.tasks.sequence_loss import SequenceCrossentropy, TokenAccuracy


def example():
    """Tokens [3, 5], the last row with two and the second with one that count; logits [3, 5, 7]."""
    rng = np.random.default_rng(0)
    tokens = rng.integers(1, 7, (3, 5)).astype("int32")
    tokens[1, 1:] = tokens[2, 2:] = PADDING
    return tokens, rng.normal(0, 2, (3, 5, 7)).astype("float32")


def expected(tokens, logits, smoothing):
    """Token by token: the mean of -sum q log p."""
    losses = []
    for row, column in zip(*np.nonzero(tokens), strict=True):
        z = logits[row, column].astype(float)
        logs = z - np.log(np.exp(z).sum())
        wanted = np.full(7, smoothing / 7)
        wanted[tokens[row, column]] += 1 - smoothing
        losses.append(-(wanted * logs).sum())
    assert len(losses) == 8
    return np.mean(losses)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
def test_the_loss(smoothing):
    tokens, logits = example()
    loss = SequenceCrossentropy(smoothing)
    assert float(loss(tokens, logits)) == pytest.approx(expected(tokens, logits, smoothing), rel=1e-5)
    wider = np.pad(tokens, ((0, 1), (0, 2))), np.pad(logits, ((0, 1), (0, 2), (0, 0)), constant_values=3)
    assert float(loss(*wider)) == pytest.approx(expected(tokens, logits, smoothing), rel=1e-5)
    half = float(loss(tokens, logits.astype("float16")))
    assert half == pytest.approx(expected(tokens, logits, smoothing), rel=1e-2)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_padding_alone_costs_nothing(smoothing):
    tokens, logits = example()
    assert float(SequenceCrossentropy(smoothing)(np.zeros_like(tokens), logits)) == 0.0


def test_the_loss_in_fit_is_the_loss():
    """`reduction="sum"` of each token's share: Keras must not divide once more."""
    tokens, logits = example()
    model = keras.Sequential([keras.Input((5, 7)), keras.layers.Identity()])
    model.compile(loss=SequenceCrossentropy(0.1), metrics=[TokenAccuracy()])
    found = model.evaluate(logits, tokens, batch_size=3, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(expected(tokens, logits, 0.1), rel=1e-5)
    right = (logits.argmax(-1) == tokens)[tokens != PADDING]
    assert found["accuracy"] == pytest.approx(right.mean())


def test_accuracy_counts_each_token_once_over_batches():
    tokens, logits = example()
    logits[..., PADDING] += 9 * (tokens == PADDING)  # right where nothing counts
    logits[0, 0] = np.eye(7)[tokens[0, 0]] * 50
    metric = TokenAccuracy()
    for row in range(3):
        metric.update_state(tokens[row : row + 1], logits[row : row + 1])
    right = (logits.argmax(-1) == tokens)[tokens != PADDING]
    assert 0 < right.mean() < 1
    assert float(metric.result()) == pytest.approx(right.mean())


def test_both_are_kept_by_keras():
    loss = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(SequenceCrossentropy(0.3)))
    tokens, logits = example()
    assert float(loss(tokens, logits)) == pytest.approx(expected(tokens, logits, 0.3), rel=1e-5)
    metric = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(TokenAccuracy()))
    assert isinstance(metric, TokenAccuracy) and metric.name == "accuracy"

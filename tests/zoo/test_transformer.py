"""The Transformer's own promises: steps are the call, padding is nothing, attention is a share; and Marian's size."""

import functools
import itertools

import numpy as np
import pytest
import tensorflow as tf

from zoo.layers.sequence import PADDING, START
from zoo.transformers.transformer import transformer

KINDS = [
    pytest.param(norm, tied, id=f"{norm}-{'tied' if tied else 'untied'}")
    for norm, tied in itertools.product(("pre", "post"), (True, False))
]


@functools.cache
def built(norm: str, tied: bool):
    """A model whose weights are far enough from 0 that its answers differ from place to place."""
    model = transformer(vocabulary=19, width=12, layers=2, heads=3, hidden=20, norm=norm, tied=tied)
    rng = np.random.default_rng(0)
    for variable in model.weights:
        variable.assign(rng.normal(variable.path.endswith("gamma"), 0.3, variable.shape))
    return model


def source() -> np.ndarray:
    """[3, 7], of which the last three rows' ends are padding."""
    tokens = np.random.default_rng(1).integers(4, 19, (3, 7), dtype="int32")
    tokens[1, 4:] = tokens[2, 1:] = PADDING
    return tokens


@pytest.mark.parametrize(("norm", "tied"), KINDS)
def test_writing_with_the_cache_is_writing_without_it(norm, tied):
    """At every position the same best token and the same log-probabilities; the cache has room for two tokens more.

    The tokens written are random ones: a random model's own would repeat one another.
    """
    model, tokens = built(norm, tied), source()
    target = np.random.default_rng(2).integers(4, 19, (3, 9), dtype="int32")
    target[:, 0] = START
    logits = np.asarray(model({"source": tokens, "target": target}))
    cache = model.start(model.encode({"source": tokens}), max_length=11)
    for position in range(9):
        logs, cache = model.step(target[:, position], cache)
        np.testing.assert_array_equal(np.argmax(logs, axis=-1), logits[:, position].argmax(axis=-1))
        np.testing.assert_allclose(logs, tf.nn.log_softmax(logits[:, position]), atol=1e-4)
        np.testing.assert_allclose(np.exp(logs).sum(axis=-1), 1, atol=1e-5)
    assert int(cache["index"]) == 9


@pytest.mark.parametrize(("norm", "tied"), KINDS)
def test_padding_changes_nothing(norm, tied):
    """Neither more of it, nor the others in the batch."""
    model, tokens = built(norm, tied), source()
    target = np.array([[START, 5, 7, 9]] * 3, "int32")
    logits = np.asarray(model({"source": tokens, "target": target}))
    wider = np.pad(tokens, ((0, 0), (0, 5)))
    np.testing.assert_allclose(model({"source": wider, "target": target}), logits, atol=1e-4)
    alone = model({"source": tokens[2:, :1], "target": target[2:]})
    np.testing.assert_allclose(alone, logits[2:], atol=1e-4)
    longer = np.pad(target, ((0, 0), (0, 3)))
    np.testing.assert_allclose(model({"source": tokens, "target": longer})[:, :4], logits, atol=1e-4)


@pytest.mark.parametrize(("norm", "tied"), KINDS)
def test_no_position_sees_what_follows_it(norm, tied):
    model, tokens = built(norm, tied), source()
    target = np.array([[START, 5, 7, 9]] * 3, "int32")
    other = target.copy()
    other[:, 2] = 11
    same, changed = (np.asarray(model({"source": tokens, "target": t})) for t in (target, other))
    np.testing.assert_array_equal(same[:, :2], changed[:, :2])
    assert (np.abs(same[:, 2:] - changed[:, 2:]).max(axis=-1) > 0).all()


@pytest.mark.parametrize(("norm", "tied"), KINDS)
def test_attention_is_a_share_of_the_source(norm, tied):
    model, tokens = built(norm, tied), source()
    weights = np.asarray(model.attention({"source": tokens, "target": np.array([[START, 5]] * 3, "int32")}))
    assert weights.shape == (3, 2, 7)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-6)
    assert weights.min() >= 0 and weights[:, :, 0].max() > 0
    assert weights[np.broadcast_to(tokens[:, None] == PADDING, weights.shape)].max() == 0


def test_a_source_of_padding_alone_has_an_answer():
    model = built("pre", True)
    inputs = {"source": np.zeros((1, 3), "int32"), "target": np.array([[START]], "int32")}
    assert np.isfinite(model(inputs)).all() and np.isfinite(model.attention(inputs)).all()


def test_it_is_as_large_as_marian():
    """Hugging Face counts 74,934,784 parameters; 2 x 1,024 x 512 of them are sinusoids, which are reckoned here."""
    model = transformer(vocabulary=58_101, norm="post", activation="silu")
    assert model.count_params() == 73_886_208 == 74_934_784 - 2 * 1_024 * 512

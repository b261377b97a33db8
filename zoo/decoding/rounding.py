"""Rounded: a model as another process might compute it.

Two processes add the same numbers in another order, and their log-probabilities differ in the last digits. Where two
tokens or two hypotheses are as good as equally likely, that decides between them, and from there on the texts differ.
"""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from zoo.layers.sequence import SequenceModel

# Of a log-probability. Run eagerly and compiled, those of a trained LSTM were seen to differ by up to 3.6e-5, and those
# of a Transformer by up to 1.1e-5.
ROUNDING = 5e-5


class Rounded:
    """A model whose log-probabilities are off by up to `ROUNDING`, each by a random number of its own.

    What `zoo.decoding.search` writes with it is what the model itself might have written elsewhere. It knows only what
    a search asks for, and always draws the same numbers.

    Args:
        model: A `SequenceModel`.
    """

    def __init__(self, model: SequenceModel):
        self.model = model
        self.encode, self.start = model.encode, model.start
        self.shares_memory = model.shares_memory

    def step(self, tokens: tf.Tensor, cache: Mapping) -> tuple[tf.Tensor, dict]:
        """As `SequenceModel.step`."""
        log_probabilities, after = self.model.step(tokens, cache)
        seed = tf.stack([0, tf.cast(cache["index"], tf.int32)])
        off = tf.random.stateless_uniform(tf.shape(log_probabilities), seed, -ROUNDING, ROUNDING)
        return log_probabilities + off, after

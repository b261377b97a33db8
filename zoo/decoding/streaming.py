"""Stream: the tokens of one answer, one by one as they are written, greedily or drawn."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from zoo.decoding.decoder import bucket_length
from zoo.decoding.loop import allowed
from zoo.decoding.options import Search
from zoo.decoding.single import draw, likeliest, uniform
from zoo.errors import UserError
from zoo.layers.sequence import END, START, SequenceModel


class Stream:
    """Writes with one model, the same tokens as `zoo.decoding.search` does.

    Args:
        model: A `SequenceModel`.
    """

    def __init__(self, model: SequenceModel):
        self.model = model
        self._begin: dict[int, tf.types.experimental.GenericFunction] = {}
        self._advance: dict[Search, tf.types.experimental.GenericFunction] = {}

    def __call__(self, source: np.ndarray, options: Search, seed: int = 0, first: int = 0) -> Iterator[int]:
        """Yields the tokens before END.

        Args:
            source: int32 [1, S], 0 = padding, at the end.
            options: How to search: one hypothesis.
            seed: Of what is drawn.
            first: Which row of the whole this is.

        Raises:
            UserError: Several hypotheses, of which nobody knows the best one before they end.
        """
        if options.beam > 1 or options.n_best > 1:
            raise UserError(
                f"Expected one hypothesis to stream. Received: beam={options.beam}, n_best={options.n_best}"
            )
        source = np.asarray(source, np.int32)
        source = np.pad(source, ((0, 0), (0, bucket_length(source.shape[1]) - source.shape[1])))
        steps = options.max_length
        if steps not in self._begin:
            self._begin[steps] = tf.function(self._beginning(steps), autograph=False, reduce_retracing=True)
        if options not in self._advance:
            self._advance[options] = tf.function(self._step(options), autograph=False, reduce_retracing=True)
        cache = self._begin[steps](tf.constant(source))
        token = tf.constant([START])
        chances = uniform(np.uint32(seed % 2**32), tf.constant([first]), tf.constant([0]), steps)[0]
        for index in range(steps):
            token, cache = self._advance[options](token, cache, chances[index : index + 1])
            written = int(token[0])
            if written == END:
                return
            yield written

    def _beginning(self, steps: int):
        def begin(source: tf.Tensor) -> dict:
            return tf.nest.map_structure(
                tf.convert_to_tensor, self.model.start(self.model.encode({"source": source}), steps)
            )

        return begin

    def _step(self, options: Search):
        def advance(token: tf.Tensor, cache: dict, chance: tf.Tensor) -> tuple[tf.Tensor, dict]:
            log_probabilities, after = self.model.step(token, cache)
            log_probabilities = allowed(log_probabilities)
            after = {**after, "memory": cache["memory"]}
            if options.temperature is None:
                return likeliest(log_probabilities), after
            return draw(log_probabilities, options, chance), after

        return advance

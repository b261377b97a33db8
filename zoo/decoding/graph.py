"""search: one call for every way to decode."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from zoo.decoding.beam import beam_search
from zoo.decoding.options import Search
from zoo.decoding.single import write
from zoo.layers.sequence import SequenceModel


# Nothing here nor in a model of keras.ops is Python that AutoGraph would have to rewrite: without it, tracing takes a
# third of the time.
@tf.autograph.experimental.do_not_convert
def search(
    model: SequenceModel,
    inputs: Mapping[str, tf.Tensor],
    options: Search,
    seed: int | tf.Tensor = 0,
    first: int | tf.Tensor = 0,
) -> dict[str, tf.Tensor]:
    """Runs a search as graph operations that XLA can compile too.

    Args:
        model: A `SequenceModel`.
        inputs: What its `encode` takes, each with B rows: {"source": [B, S]}.
        options: How to search.
        seed: int32 scalar; only sampling asks for it. The same seed gives the same answers.
        first: int32 scalar, which row of the whole the first of these is: with it, rows that come in batches draw the
            same numbers as all at once; the probabilities differ by rounding.

    Returns:
        N = `options.n_best` answers for each row, the best first, L = `options.max_length`:
        {"tokens": int32 [B, N, L], END and what follows it as PADDING, START and PADDING never before it;
        "scores": float32 [B, N], see `Search`; "lengths": int32 [B, N], tokens before END}. In a beam, answers that END
        closed come before those that `max_length` cut off, each kind by its scores; samples are in order of scores.
        Where a tiny vocabulary has fewer than N answers, the rest has score -inf and length 0.
    """
    inputs = {name: tf.convert_to_tensor(x) for name, x in inputs.items()}
    if options.beam > 1:
        return beam_search(model, inputs, options)
    return write(model, inputs, options, tf.convert_to_tensor(seed), tf.convert_to_tensor(first))

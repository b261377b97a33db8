"""Decoding: from a sequence model's probabilities to the tokens it writes.

`search` is made of graph operations, for a `tf.function` or a SavedModel; `Decoder` compiles it for arrays of any
shape, and `Stream` gives the tokens of one answer as they are written. They know of a model only what
`zoo.layers.sequence.SequenceModel` says: `encode`, `start` and `step`.

Example:
    decoder = Decoder(model)
    answer = decoder(source, Search(beam=4, length_penalty=0.6, max_length=64))
    answer["tokens"][0, 0]  # what the model writes for the first row, END and what follows it as PADDING
"""

from zoo.decoding.decoder import Decoder
from zoo.decoding.graph import search
from zoo.decoding.options import Search
from zoo.decoding.rounding import Rounded
from zoo.decoding.streaming import Stream

__all__ = ["Decoder", "Rounded", "Search", "Stream", "search"]

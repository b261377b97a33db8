"""Pointer-generator: an LSTM with attention that writes a token of its vocabulary or copies one of the source.

Paper: See, Liu and Manning 2017, "Get to the point: summarization with pointer-generator networks", arXiv:1704.04368.

    P(w) = p_gen P_vocabulary(w) + (1 - p_gen) (sum of the weights of those source tokens that are w)

What differs from the paper, and where the constants come from:
- No extended vocabulary: tokens are pieces of words, down to single bytes, so that every word of a source can be copied
  piece by piece.
- The query is the state h alone, in place of [c; h]; the context before goes into the step itself, in place of a linear
  layer below it; what the logits are made of is tanh(W [context; h]), in place of two linear layers.
- Source, target and output share one embedding, which begins with deviation D^-0.5 and is multiplied by D^0.5.
- The first state is tanh(W [forward; backward]) of what reading ends with, the first cell the same without tanh, in
  place of a ReLU for both. The forget gates' biases begin at 1 (Jozefowicz et al. 2015).
- The paper has no dropout. Here it leaves out the same numbers at every step of a sequence (Gal and Ghahramani 2016,
  arXiv:1512.05287): of the embeddings and of what the logits are made of.
- The loss is the mean over the tokens of a batch, the paper's one over each sequence first.

Shapes, B sequences, S source and T target tokens, D width, U units, V tokens known:

    source        B S        int32, 0 = padding at the end
    states        B S 2U     both directions, side by side
    target        B T        int32
    gates         T B 4U     the target tokens' share, for all steps at once
    coverage      B S        at each step: the sum of the weights before
    weights       B S        at each step; each row sums to 1
    context       B 2U       at each step
    generate      B T 1      p_gen
    answer        B T V      log P
"""

from __future__ import annotations

import keras
from keras import ops

from zoo.layers import arguments
from zoo.layers.embedding import Embedding
from zoo.layers.recurrence import GATES, AdditiveScores, Reader, Step, gather, padding_scores
from zoo.layers.sequence import PADDING, SequenceModel
from zoo.layers.sublayers import inherited

TINY = 1e-20  # added to probabilities, so that each has a logarithm


def pointer_generator(
    vocabulary: int = 8_000,
    width: int = 128,
    units: int = 256,
    *,
    coverage: float = 1.0,
    smoothing: float = 0.0,
    cell: str = "lstm",
    dropout: float = 0.0,
    features: bool = False,
) -> keras.Model:
    """Builds an encoder-decoder from source and target tokens to log-probabilities.

    The model brings its loss: `compile` it without one.

    Args:
        vocabulary: Number of token ids.
        width: Numbers that stand for one token.
        units: Size of the state, in each direction of the encoder and in the decoder.
        coverage: Weight of the coverage loss, at least 0; 0 leaves the coverage vector out too.
        smoothing: Share of the loss's target that is spread over all tokens, in [0, 1).
        cell: "lstm", "gru" or "rnn" (tanh of a sum, Elman 1990), in the encoder and in the decoder.
        dropout: Share of the embeddings and of the readout that training leaves out, in [0, 1).
        features: Whether to answer the encoder's states instead.

    Returns:
        A `SequenceModel`; with `features`, a model from source tokens [B, S] to a dict from stride ("1") to states
        [B, S, 2 units], zero where there is padding.

    Raises:
        ValueError: An argument outside of what is listed above.

    Example:
        >>> model = pointer_generator(vocabulary=100, width=16, units=8)
        >>> source, target = keras.ops.array([[5, 3]]), keras.ops.array([[2, 7, 9]])
        >>> tuple(model({"source": source, "target": target}).shape)
        (1, 3, 100)
    """
    arguments.whole(vocabulary=vocabulary, width=width, units=units)
    if not coverage >= 0:
        raise ValueError(f"Expected coverage to be at least 0. Received: coverage={coverage}")
    arguments.share(smoothing=smoothing, dropout=dropout)
    arguments.one_of(GATES, cell=cell)
    model = PointerGenerator(vocabulary, width, units, coverage, smoothing, dropout, cell)
    if not features:
        return model
    source = keras.Input((None,), dtype="int32", name="source")
    return keras.Model(source, {"1": model.read(source)[0]}, name="pointer_generator_features")


@keras.saving.register_keras_serializable("menagerie")
class PointerGenerator(SequenceModel):
    """The model that `pointer_generator` builds, with its arguments.

    The state is a dict: "h", "c", "context" [B, 2U], "weights" [B, S], and "coverage" [B, S] where there is one.
    """

    def __init__(
        self, vocabulary, width, units, coverage, smoothing, dropout, cell="lstm", name="pointer_generator", **kwargs
    ):
        super().__init__(name=name, **kwargs)
        self.vocabulary, self.coverage, self.smoothing = vocabulary, coverage, smoothing
        self.width, self.units = width, units
        part = inherited(self)
        self.embedding = Embedding(vocabulary, width, **part, name="embedding")
        self.embedding.build((None, None))
        self.encoder = Reader(units, 1, dropout, cell, **part, name="encoder")
        self.encoder.build((None, None, width))
        self.decoder = Step(units, width, 2 * units, cell, **part, name="decoder")
        self.decoder.build((None, GATES[cell] * units))
        self.scores = AdditiveScores(units, 2 * units, coverage > 0, **part, name="scores")
        self.scores.build((None, units))
        self.readout = keras.layers.Dense(width, activation="tanh", **part, name="readout")
        self.readout.build((None, 3 * units))
        self.generate = keras.layers.Dense(
            1, activation="sigmoid", dtype="float32", trainable=self.trainable, name="generate"
        )
        self.generate.build((None, 3 * units + width))
        self.dropout = keras.layers.Dropout(dropout, noise_shape=(None, 1, None), **part, name="dropout")
        self.built = True

    @property
    def vectors(self):
        """The table of the source tokens' vectors, [V, D]."""
        return self.embedding.embeddings

    def call(self, inputs, training=False):
        """{"source": [B, S], "target": [B, T]} -> log-probabilities [B, T, V], and the coverage loss is noted."""
        x, states = self._write(inputs, training)
        if self.coverage:
            before = states["coverage"] - states["weights"]
            again = ops.sum(ops.minimum(states["weights"], before), axis=-1)
            self.add_loss(self.coverage * _mean(ops.cast(again, "float32"), inputs["target"]))
        readout = self.dropout(self._readout(states), training=training)
        return self._answer(readout, states, x, inputs["source"])

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Tokens y [B, T] and what `call` answered -> the mean loss of a right token, and coverage's."""
        loss = -ops.take_along_axis(y_pred, ops.cast(y, "int32")[:, :, None], axis=-1)[:, :, 0]
        if self.smoothing:
            loss = (1 - self.smoothing) * loss - self.smoothing * ops.mean(y_pred, axis=-1)
        return _mean(loss, y) + sum(self.losses)

    def read(self, source, training=False) -> tuple:
        """Source tokens [B, S] -> the encoder's states [B, S, 2U], and (h, c) of the decoder to begin with."""
        return self.encoder(self.embedding(source), ops.not_equal(source, PADDING), training=training)

    def encode(self, inputs):
        """{"source": [B, S]} -> states, the source, which is copied from, and the decoder's first state."""
        return self._encode(inputs["source"], False)

    def _encode(self, source, training) -> dict:
        states, ((h, c),) = self.read(source, training)
        return {"states": states, "source": source, "h": h, "c": c}

    def start(self, memory, max_length):
        """The source's share of the scores, and the first state."""
        return {"memory": self._fixed(memory), "state": self._first(memory), "index": ops.zeros((), "int32")}

    def step(self, tokens, cache):
        """The last tokens [B] -> log-probabilities [B, V] of the next ones, and the next cache."""
        x, memory = self.embedding(tokens), cache["memory"]
        state = self._advance(self.decoder.project(x), cache["state"], memory)
        one = {name: value[:, None] for name, value in state.items()}
        logs = self._answer(self._readout(one), one, x[:, None], memory["source"])[:, 0]
        return logs, {"memory": memory, "state": state, "index": cache["index"] + 1}

    def attention(self, inputs):
        """Attention weights of each target position, [B, T, S]."""
        return self._write(inputs, False)[1]["weights"]

    def _write(self, inputs, training) -> tuple:
        """The target's embeddings [B, T, D], and the states after each step, all [B, T, ...]."""
        memory = self._encode(inputs["source"], training)
        fixed = self._fixed(memory)
        x = self.dropout(self.embedding(inputs["target"]), training=training)

        def advance(state, gates):
            state = self._advance(gates, state, fixed)
            return state, state

        gates = self.decoder.project(ops.transpose(x, (1, 0, 2)))
        _, states = ops.scan(advance, self._first(memory), gates)
        return x, {name: ops.transpose(value, (1, 0, 2)) for name, value in states.items()}

    def _fixed(self, memory) -> dict:
        states, source = memory["states"], memory["source"]
        return {
            "keys": self.scores.project(states),
            "states": states,
            "source": source,
            "bias": padding_scores(source, states.dtype),
        }

    def _first(self, memory) -> dict:
        nowhere = ops.zeros_like(memory["states"][:, :, 0])
        state = {"h": memory["h"], "c": memory["c"], "weights": nowhere}
        state["context"] = ops.zeros_like(memory["states"][:, 0])
        return state | ({"coverage": nowhere} if self.coverage else {})

    def _advance(self, gates, state, fixed) -> dict:
        h, c = self.decoder(gates, state["context"], state["h"], state["c"])
        coverage = state.get("coverage")
        weights = ops.softmax(self.scores(h, fixed["keys"], coverage) + fixed["bias"])
        after = {"h": h, "c": c, "weights": weights, "context": gather(weights, fixed["states"])}
        return after if coverage is None else after | {"coverage": coverage + weights}

    def _readout(self, states):
        return self.readout(ops.concatenate([states["context"], states["h"]], axis=-1))

    def _answer(self, readout, states, x, source):
        """log P, float32 [B, T, V]."""
        logits = ops.cast(self.embedding(readout, reverse=True), "float32")
        generate = self.generate(ops.concatenate([states["context"], states["h"], x], axis=-1))
        copied = _by_token(ops.cast(states["weights"], "float32"), source, self.vocabulary)
        return ops.log(generate * ops.softmax(logits) + (1 - generate) * copied + TINY)

    def get_config(self):
        """The constructor's arguments."""
        own = {"vocabulary": self.vocabulary, "width": self.width, "units": self.units, "dropout": self.dropout.rate}
        return {
            **super().get_config(),
            **own,
            "coverage": self.coverage,
            "smoothing": self.smoothing,
            "cell": self.encoder.cell,
        }


def _by_token(weights, source, vocabulary: int):
    """Weights [B, T, S] of source tokens [B, S] -> for each token known, the sum of its weights, [B, T, V]."""
    batch, length = ops.shape(weights)[0], ops.shape(weights)[1]
    row = ops.reshape(ops.arange(batch * length), (batch, length, 1))  # a row of V sums for each position
    place = ops.reshape(source[:, None, :] + vocabulary * row, (-1,))
    sums = ops.segment_sum(ops.reshape(weights, (-1,)), place, num_segments=batch * length * vocabulary)
    return ops.reshape(sums, (batch, length, vocabulary))


def _mean(values, tokens):
    """The mean of values [B, T] over tokens that are not padding."""
    counted = ops.cast(ops.not_equal(tokens, PADDING), values.dtype)
    return ops.sum(values * counted) / ops.maximum(ops.sum(counted), 1)

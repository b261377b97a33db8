"""LSTM with attention: one LSTM reads the source both ways, another writes the target and looks back at each step.

Papers: Bahdanau et al. 2014, "Neural machine translation by jointly learning to align and translate", arXiv:1409.0473;
Luong et al. 2015, "Effective approaches to attention-based neural machine translation", arXiv:1508.04025.

"bahdanau" looks with the state before the step, by additive scores, and what it sees goes into the step. "luong" looks
with the state after the step, by general scores; the attentional vector tanh(W [seen; state]) gives the logits and goes
into the next step (the paper's input feeding).

What differs from the papers, and where the constants come from:
- LSTMs in both, where Bahdanau's units are gated recurrent ones; the source is read both ways in both.
- The first state is tanh(W [forward; backward]) of what reading ends with, the first cell the same without tanh.
- Bahdanau's last layer is tanh(W [seen; state; token before]) in place of maxout.
- Source, target and output share one embedding where `tied` (Press and Wolf 2017, arXiv:1608.05859): both languages
  then have one vocabulary. It begins with deviation D^-0.5 and is multiplied by D^0.5, as the Transformer's.
- The forget gates' biases begin at 1 (Jozefowicz et al. 2015).
- Dropout leaves out the same numbers at every step of a sequence (Gal and Ghahramani 2016, arXiv:1512.05287): of what
  goes into an LSTM from below and of what the logits are made from, never of an LSTM's own state.
- W [seen; state] is W1 seen + W2 state, and W1 goes over the source once, before the loop.

Shapes, B sequences, S source and T target tokens, D width, U units, V tokens known:

    source     B S          int32, 0 = padding at the end
    states     B S 2U       both directions, side by side
    target     B T          int32
    gates      T B G U      the target tokens' share, for all steps at once; G as in `zoo.layers.recurrence.GATES`
    seen       B 2U         at each step
    readout    B T D        within -1 and 1
    logits     B T V
"""

from __future__ import annotations

import keras
from keras import ops

from zoo.layers import arguments
from zoo.layers.embedding import Embedding
from zoo.layers.recurrence import GATES, AdditiveScores, GeneralScores, Reader, Step, gather, padding_scores
from zoo.layers.sequence import PADDING, SequenceModel
from zoo.layers.sublayers import inherited


def lstm_attention(
    vocabulary: int = 8_000,
    width: int = 256,
    units: int = 256,
    layers: int = 1,
    *,
    attention: str = "luong",
    cell: str = "lstm",
    dropout: float = 0.2,
    tied: bool = True,
    features: bool = False,
) -> keras.Model:
    """Builds an encoder-decoder from source and target tokens to logits.

    Args:
        vocabulary: Number of token ids.
        width: Numbers that stand for one token.
        units: Size of the state, in each direction of the encoder and in the decoder.
        layers: LSTMs on top of each other, in the encoder and in the decoder.
        attention: "luong" or "bahdanau".
        cell: "lstm", "gru" or "rnn" (tanh of a sum, Elman 1990), in the encoder and in the decoder.
        dropout: Share of each LSTM's inputs and of the readout that training leaves out, in [0, 1).
        tied: Whether source, target and output share the embedding.
        features: Whether to answer the encoder's states instead.

    Returns:
        A `SequenceModel`; with `features`, a model from source tokens [B, S] to a dict from stride ("1") to states
        [B, S, 2 units], zero where there is padding.

    Raises:
        ValueError: An argument outside of what is listed above.

    Example:
        >>> model = lstm_attention(vocabulary=100, width=16, units=8)
        >>> source, target = keras.ops.array([[5, 3]]), keras.ops.array([[2, 7, 9]])
        >>> tuple(model({"source": source, "target": target}).shape)
        (1, 3, 100)
    """
    arguments.whole(vocabulary=vocabulary, width=width, units=units, layers=layers)
    arguments.one_of(("luong", "bahdanau"), attention=attention)
    arguments.one_of(GATES, cell=cell)
    arguments.share(dropout=dropout)
    model = (Luong if attention == "luong" else Bahdanau)(vocabulary, width, units, layers, dropout, tied, cell)
    if not features:
        return model
    source = keras.Input((None,), dtype="int32", name="source")
    return keras.Model(source, {"1": model.read(source)[0]}, name="lstm_attention_features")


class LSTMAttention(SequenceModel):
    """Base of the models that `lstm_attention` builds, without their attention.

    A subclass says what goes into a step besides the token (`carried` numbers), what a step does and which of its
    outcomes the readout is made of. A state is a dict: "h1", "c1", ... of each LSTM, "weights" [B, S], and its own.
    """

    dropped: tuple[str, ...] = ()  # what of its own goes into the next step and is dropped on the way

    def __init__(self, vocabulary, width, units, layers, dropout, tied, cell, carried, name="lstm_attention", **kwargs):
        super().__init__(name=name, **kwargs)
        self.vocabulary, self.width, self.units = vocabulary, width, units
        part = inherited(self)
        sizes = {"input_dim": vocabulary, "output_dim": width, **part}
        if tied:
            self.source_embedding = self.target_embedding = Embedding(**sizes, name="embedding")
        else:
            self.source_embedding = Embedding(**sizes, name="source_embedding")
            self.target_embedding = Embedding(**sizes, tie_weights=False, name="target_embedding")
        for embedding in (self.source_embedding, self.target_embedding):
            if not embedding.built:
                embedding.build((None, None))
        self.encoder = Reader(units, layers, dropout, cell, **part, name="encoder")
        self.encoder.build((None, None, width))
        self.decoder = [Step(units, width, carried, cell, **part, name="decoder1")]
        self.decoder += [Step(units, 0, units, cell, **part, name=f"decoder{n}") for n in range(2, layers + 1)]
        for step in self.decoder:
            step.build((None, GATES[cell] * units))
        self.dropout = keras.layers.Dropout(dropout, noise_shape=(None, 1, None), **part, name="dropout")
        self.built = True

    @property
    def vectors(self):
        """The table of the source tokens' vectors, [V, D]."""
        return self.source_embedding.embeddings

    def call(self, inputs, training=False):
        """{"source": [B, S], "target": [B, T]} -> logits [B, T, V]."""
        return self.target_embedding(self._write(inputs, training)[0], reverse=True)

    def read(self, source, training=False) -> tuple:
        """Source tokens [B, S] -> the encoder's states [B, S, 2U], and (h, c) of each decoder to begin with."""
        return self.encoder(self.source_embedding(source), ops.not_equal(source, PADDING), training=training)

    def encode(self, inputs):
        """{"source": [B, S]} -> states, what hides their padding, and the decoder's first states."""
        return self._encode(inputs["source"], False)

    def _encode(self, source, training) -> dict:
        states, first = self.read(source, training)
        memory = {"states": states, "bias": padding_scores(source, states.dtype)}
        for n, (h, c) in enumerate(first, 1):
            memory[f"h{n}"], memory[f"c{n}"] = h, c
        return memory

    def start(self, memory, max_length):
        """The source's share of the scores, and the first state."""
        return {"memory": self._fixed(memory), "state": self._first(memory), "index": ops.zeros((), "int32")}

    def step(self, tokens, cache):
        """The last tokens [B] -> log-probabilities [B, V] of the next ones, and the next cache."""
        x = self.target_embedding(tokens)
        state = self._advance(self.decoder[0].project(x), cache["state"], cache["memory"], {})
        logits = self.target_embedding(self._readout(state, x), reverse=True)
        logs = ops.log_softmax(ops.cast(logits, "float32"))
        return logs, {"memory": cache["memory"], "state": state, "index": cache["index"] + 1}

    def attention(self, inputs):
        """Attention weights of each target position, [B, T, S]."""
        return ops.transpose(self._write(inputs, False)[1], (1, 0, 2))

    def _write(self, inputs, training) -> tuple:
        """The features of the logits [B, T, D], and the attention weights [T, B, S]."""
        memory = self._encode(inputs["source"], training)
        fixed, first = self._fixed(memory), self._first(memory)
        x = self.dropout(self.target_embedding(inputs["target"]), training=training)
        gates = self.decoder[0].project(ops.transpose(x, (1, 0, 2)))
        masks = self._masks(first, training)

        def advance(state, gates):
            state = self._advance(gates, state, fixed, masks)
            return state, state

        _, states = ops.scan(advance, first, gates)
        return self._readouts(states, x, training), states["weights"]

    def _masks(self, state, training) -> dict:
        """Dropout masks of every step between the LSTMs: name -> factors like the tensor's."""
        if not (training and self.dropout.rate):
            return {}
        names = [f"h{n}" for n in range(1, len(self.decoder))] + list(self.dropped)
        return {name: self.dropout(ops.ones_like(state[name])[:, None], training=True)[:, 0] for name in names}

    def _first(self, memory) -> dict:
        state = {name: memory[name] for n in range(1, len(self.decoder) + 1) for name in (f"h{n}", f"c{n}")}
        return state | {"weights": ops.zeros_like(memory["bias"])}

    def _lstms(self, gates, carried, state, masks) -> dict:
        """All LSTMs one step further: their next h and c."""
        after = {}
        for n, step in enumerate(self.decoder, 1):
            h, c = step(gates, carried, state[f"h{n}"], state[f"c{n}"])
            after[f"h{n}"], after[f"c{n}"] = h, c
            gates, carried = None, _masked(h, masks, f"h{n}")
        return after

    def get_config(self):
        """The arguments of a subclass's constructor."""
        own = {"vocabulary": self.vocabulary, "width": self.width, "units": self.units, "layers": len(self.decoder)}
        own |= {"dropout": self.dropout.rate, "tied": self.source_embedding is self.target_embedding}
        own |= {"cell": self.encoder.cell}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("menagerie")
class Luong(LSTMAttention):
    """Looks after the step; the state has "readout" [B, D] besides, which goes into the next step."""

    dropped = ("readout",)

    def __init__(self, vocabulary, width, units, layers, dropout, tied, cell="lstm", **kwargs):
        super().__init__(vocabulary, width, units, layers, dropout, tied, cell, carried=width, **kwargs)
        part = inherited(self)
        self.scores = GeneralScores(units, 2 * units, **part, name="scores")
        self.scores.build((None, units))
        self.readout_seen = keras.layers.Dense(width, use_bias=False, **part, name="readout_seen")
        self.readout_seen.build((None, None, 2 * units))
        self.readout_state = keras.layers.Dense(width, use_bias=False, **part, name="readout_state")
        self.readout_state.build((None, units))

    def _fixed(self, memory) -> dict:
        states = memory["states"]
        return {"keys": self.scores.project(states), "values": self.readout_seen(states), "bias": memory["bias"]}

    def _first(self, memory) -> dict:
        return super()._first(memory) | {
            "readout": ops.zeros_like(memory["states"][:, 0, :1]) * ops.zeros(self.width, memory["states"].dtype)
        }

    def _advance(self, gates, state, fixed, masks) -> dict:
        after = self._lstms(gates, state["readout"], state, masks)
        h = after[f"h{len(self.decoder)}"]
        weights = ops.softmax(self.scores(h, fixed["keys"]) + fixed["bias"])
        readout = ops.tanh(gather(weights, fixed["values"]) + self.readout_state(h))
        return after | {"weights": weights, "readout": _masked(readout, masks, "readout")}

    def _readout(self, state, x):
        return state["readout"]

    def _readouts(self, states, x, training):
        return ops.transpose(states["readout"], (1, 0, 2))


@keras.saving.register_keras_serializable("menagerie")
class Bahdanau(LSTMAttention):
    """Looks before the step; the state has "seen" [B, 2U] besides."""

    def __init__(self, vocabulary, width, units, layers, dropout, tied, cell="lstm", **kwargs):
        super().__init__(vocabulary, width, units, layers, dropout, tied, cell, carried=2 * units, **kwargs)
        part = inherited(self)
        self.scores = AdditiveScores(units, 2 * units, **part, name="scores")
        self.scores.build((None, units))
        self.readout = keras.layers.Dense(width, activation="tanh", **part, name="readout")
        self.readout.build((None, 3 * units + width))

    def _fixed(self, memory) -> dict:
        return {"keys": self.scores.project(memory["states"]), "values": memory["states"], "bias": memory["bias"]}

    def _first(self, memory) -> dict:
        return super()._first(memory) | {"seen": ops.zeros_like(memory["states"][:, 0])}

    def _advance(self, gates, state, fixed, masks) -> dict:
        h = state[f"h{len(self.decoder)}"]
        weights = ops.softmax(self.scores(h, fixed["keys"]) + fixed["bias"])
        seen = gather(weights, fixed["values"])
        return self._lstms(gates, seen, state, masks) | {"weights": weights, "seen": seen}

    def _readout(self, state, x):
        return self.readout(ops.concatenate([state["seen"], state[f"h{len(self.decoder)}"], x], axis=-1))

    def _readouts(self, states, x, training):
        turned = {name: ops.transpose(values, (1, 0, 2)) for name, values in states.items()}
        return self.dropout(self._readout(turned, x), training=training)


def _masked(x, masks, name):
    return x * masks[name] if name in masks else x

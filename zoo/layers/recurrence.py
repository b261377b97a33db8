"""Blocks of recurrent encoder-decoders: a reader of both directions, one step of a writer, and its attention.

Papers: LSTM, Hochreiter and Schmidhuber 1997; GRU, Cho et al. 2014, arXiv:1406.1078, whose reset gate acts after the
matrix product as in torch and Keras; additive scores, Bahdanau et al. 2014, arXiv:1409.0473; general scores,
Luong et al. 2015, arXiv:1508.04025; coverage, See et al. 2017, arXiv:1704.04368.

A loop over time costs a fixed sum for each operation in it, so what does not depend on the step before is done for all
steps at once: the inputs' share of the gates (`Step.project`) and the source's share of the scores (`.project`).

Shapes, B sequences, S source tokens, U units:

    states     B S 2U       zero at padding
    keys       B S A        the source's share of the scores
    bias       B S          0 where there is a token, a large negative number at padding
    gates      B G U        G as in GATES; of an LSTM input, forget, candidate, output, as Keras and torch order them
"""

from __future__ import annotations

import keras
from keras import ops

from zoo.layers.attention import NOWHERE
from zoo.layers.sequence import PADDING
from zoo.layers.sublayers import inherited

GATES = {"rnn": 1, "gru": 3, "lstm": 4}  # cell -> its gates, the candidate among them
LAYERS = {"rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}


@keras.saving.register_keras_serializable("menagerie")
class Reader(keras.layers.Layer):
    """Bidirectional LSTMs on top of each other, and from their last states the first ones of a writer.

    A cell that has no memory beside its state gets zeros in the memory's place.

    Args:
        units: U, in each direction.
        layers: How many.
        dropout: Share of each layer's inputs that training leaves out, the same ones at every token of a sequence.
        cell: One of GATES.
        **kwargs: `name`, `trainable` and `dtype`, as every Keras layer takes them.
    """

    def __init__(self, units: int, layers: int, dropout: float, cell: str = "lstm", **kwargs):
        super().__init__(**kwargs)
        part = inherited(self)
        self.recurrent, self.hidden, self.cells = [], [], []
        for n in range(1, layers + 1):
            one = LAYERS[cell](units, return_sequences=True, return_state=True, **part, name=f"{cell}{n}")
            self.recurrent.append(keras.layers.Bidirectional(one, **part, name=f"bidirectional{n}"))
            self.hidden.append(keras.layers.Dense(units, activation="tanh", **part, name=f"hidden{n}"))
            if cell == "lstm":
                self.cells.append(keras.layers.Dense(units, **part, name=f"cell{n}"))
        self.dropout = keras.layers.Dropout(dropout, noise_shape=(None, 1, None), **part, name="dropout")
        self.units, self.cell = units, cell

    def build(self, shape):
        """Makes the weights of all layers for inputs [B, S, D]."""
        for layer in self.recurrent:
            layer.build(shape)
            shape = (*shape[:-1], 2 * self.units)
        for dense in (*self.hidden, *self.cells):
            dense.build((shape[0], shape[-1]))

    def call(self, x, present, training=False):
        """[B, S, D] and true where there is a token [B, S] -> states [B, S, 2U], and (h, c) [B, U] for each layer."""
        first = []
        for n, (layer, hidden) in enumerate(zip(self.recurrent, self.hidden, strict=True)):
            x = self.dropout(x, training=training)
            x, *last = layer(x, mask=present, training=training)
            states = len(last) // 2  # of each direction: h, and of an LSTM c
            h = hidden(ops.concatenate(last[::states], axis=-1))
            c = self.cells[n](ops.concatenate(last[1::2], axis=-1)) if self.cells else ops.zeros_like(h)
            first.append((h, c))
        return x, first

    def get_config(self):
        """The constructor's arguments."""
        own = {"units": self.units, "layers": len(self.recurrent), "dropout": self.dropout.rate, "cell": self.cell}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("menagerie")
class Step(keras.layers.Layer):
    """One step of an LSTM, or of another cell, whose inputs are partly known before the loop.

    Args:
        units: U.
        known: Width of the inputs that are known before, 0 if none.
        carried: Width of those that the loop itself makes, besides the state.
        cell: One of GATES.
        **kwargs: `name`, `trainable` and `dtype`, as every Keras layer takes them.
    """

    def __init__(self, units: int, known: int, carried: int, cell: str = "lstm", **kwargs):
        super().__init__(**kwargs)
        self.units, self.known, self.carried, self.cell = units, known, carried, cell

    def build(self, shape):
        """Makes kernels and bias; a forget gate's begins at 1. The arguments say all sizes, whatever the shape."""
        gates = GATES[self.cell] * self.units
        if self.known:
            self.kernel = self.add_weight((self.known, gates), "glorot_uniform", name="kernel")
        inside = self.carried + self.units
        self.recurrent_kernel = self.add_weight((inside, gates), "orthogonal", name="recurrent_kernel")
        self.bias = self.add_weight((gates,), _forget if self.cell == "lstm" else "zeros", name="bias")

    def project(self, x):
        """Inputs known before [..., D] -> their share of the gates [..., G U], the bias with it."""
        return ops.matmul(x, self.kernel) + self.bias

    def call(self, gates, carried, h, c) -> tuple:
        """The known share [B, G U] (None: the bias), carried inputs [B, C], and the state -> the next h and c.

        A cell without a memory gives c back as it came.
        """
        gates = self.bias if gates is None else gates
        if self.cell == "gru":
            return self._gru(gates, carried, h), c
        gates = ops.matmul(ops.concatenate([carried, h], axis=-1), self.recurrent_kernel) + gates
        if self.cell == "rnn":
            return ops.tanh(gates), c
        enter, keep, candidate, leave = ops.split(gates, 4, axis=-1)  # the gradient of slices is slow
        c = ops.sigmoid(keep) * c + ops.sigmoid(enter) * ops.tanh(candidate)
        return ops.sigmoid(leave) * ops.tanh(c), c

    def _gru(self, gates, carried, h):
        """Update gate, reset gate and candidate -> the next h."""
        outside = ops.matmul(carried, self.recurrent_kernel[: self.carried]) + gates
        inside = ops.matmul(h, self.recurrent_kernel[self.carried :])
        keep, reset, candidate = ops.split(outside, 3, axis=-1)
        own_keep, own_reset, own_candidate = ops.split(inside, 3, axis=-1)
        keep, reset = ops.sigmoid(keep + own_keep), ops.sigmoid(reset + own_reset)
        return keep * h + (1 - keep) * ops.tanh(candidate + reset * own_candidate)

    def get_config(self):
        """The constructor's arguments."""
        own = {"units": self.units, "known": self.known, "carried": self.carried, "cell": self.cell}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("menagerie")
class AdditiveScores(keras.layers.Layer):
    """v tanh(W states + U query + b), and with coverage + w coverage inside the tanh.

    Args:
        units: A.
        width: Of the states, 2U.
        coverage: Whether the scores see how much each token was looked at before.
        **kwargs: `name`, `trainable` and `dtype`, as every Keras layer takes them.
    """

    def __init__(self, units: int, width: int, coverage: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.units, self.width = units, width
        part = inherited(self)
        self.keys = keras.layers.Dense(units, **part, name="keys")
        self.query = keras.layers.Dense(units, use_bias=False, **part, name="query")
        self.out = keras.layers.Dense(1, use_bias=False, **part, name="out")
        dense = keras.layers.Dense(units, use_bias=False, **part, name="coverage") if coverage else None
        self.coverage = dense

    def build(self, query):
        """Makes the weights for a query of shape [B, U]."""
        self.keys.build((None, None, self.width))
        self.query.build(query)
        self.out.build((None, None, self.units))
        if self.coverage is not None:
            self.coverage.build((None, None, 1))

    def project(self, states):
        """[B, S, 2U] -> keys [B, S, A]."""
        return self.keys(states)

    def call(self, query, keys, coverage=None):
        """[B, U], keys and coverage [B, S] -> scores [B, S]."""
        inside = keys + self.query(query)[:, None]
        if coverage is not None:
            inside = inside + self.coverage(coverage[:, :, None])
        return ops.squeeze(self.out(ops.tanh(inside)), axis=-1)

    def get_config(self):
        """The constructor's arguments."""
        own = {"units": self.units, "width": self.width, "coverage": self.coverage is not None}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("menagerie")
class GeneralScores(keras.layers.Layer):
    """query W states.

    Args:
        units: Of the query.
        width: Of the states, 2U.
        **kwargs: `name`, `trainable` and `dtype`, as every Keras layer takes them.
    """

    def __init__(self, units: int, width: int, **kwargs):
        super().__init__(**kwargs)
        self.units, self.width = units, width
        part = inherited(self)
        self.keys = keras.layers.Dense(units, use_bias=False, **part, name="keys")

    def build(self, query):
        """Makes the weights for a query of shape [B, U]."""
        self.keys.build((None, None, self.width))

    def project(self, states):
        """[B, S, 2U] -> keys [B, S, U]."""
        return self.keys(states)

    def call(self, query, keys):
        """[B, U] and keys -> scores [B, S]."""
        return ops.squeeze(ops.matmul(keys, query[:, :, None]), axis=-1)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "units": self.units, "width": self.width}


def padding_scores(tokens, dtype):
    """Tokens [B, S] -> what hides the padding when it is added to scores [B, S] of that type."""
    return ops.cast(ops.where(ops.equal(tokens, PADDING), NOWHERE, 0.0), dtype)


def gather(weights, values):
    """Weights [B, S] and values [B, S, D] -> their sum [B, D]."""
    return ops.squeeze(ops.matmul(weights[:, None], values), axis=1)


def _forget(shape, dtype=None):
    """Zeros, and ones for the forget gate (Jozefowicz et al. 2015)."""
    units = shape[0] // 4
    return ops.concatenate([ops.zeros(units, dtype), ops.ones(units, dtype), ops.zeros(2 * units, dtype)])

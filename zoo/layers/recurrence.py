"""What recurrent encoder-decoders share: a reader of both directions, one step of a writer, and where the writer looks.

Papers: LSTM, Hochreiter and Schmidhuber 1997; additive scores, Bahdanau et al. 2014, arXiv:1409.0473; general scores,
Luong et al. 2015, arXiv:1508.04025; coverage, See et al. 2017, arXiv:1704.04368.

A loop over time costs a fixed sum for each operation in it, so what does not depend on the step before is done for all
steps at once: the inputs' share of the gates (`Step.project`) and the source's share of the scores (`.project`).

Shapes, B sequences, S source tokens, U units:

    states     B S 2U       zero at padding
    keys       B S A        the source's share of the scores
    bias       B S          0 where there is a token, a large negative number at padding
    gates      B 4U         input, forget, candidate, output, as Keras and torch order them
"""

from __future__ import annotations

import keras
from keras import ops

from zoo.layers.attention import NOWHERE
from zoo.layers.sequence import PADDING


class Reader(keras.layers.Layer):
    """Bidirectional LSTMs on top of each other, and from their last states the first ones of a writer.

    Args:
        units: U, in each direction.
        layers: How many.
        dropout: Share of each layer's inputs that training leaves out, the same ones at every token of a sequence.
        name: The layer's name.
    """

    def __init__(self, units: int, layers: int, dropout: float, name: str):
        super().__init__(name=name)
        self.lstms, self.hidden, self.cells = [], [], []
        for n in range(1, layers + 1):
            lstm = keras.layers.LSTM(units, return_sequences=True, return_state=True, name=f"lstm{n}")
            self.lstms.append(keras.layers.Bidirectional(lstm, name=f"bidirectional{n}"))
            self.hidden.append(keras.layers.Dense(units, activation="tanh", name=f"hidden{n}"))
            self.cells.append(keras.layers.Dense(units, name=f"cell{n}"))
        self.dropout = keras.layers.Dropout(dropout, noise_shape=(None, 1, None), name="dropout")
        self.units = units

    def build(self, shape):
        """Makes the weights of all layers for inputs [B, S, D]."""
        for lstm, hidden, cell in zip(self.lstms, self.hidden, self.cells, strict=True):
            lstm.build(shape)
            shape = (*shape[:-1], 2 * self.units)
            hidden.build((shape[0], shape[-1]))
            cell.build((shape[0], shape[-1]))

    def call(self, x, present, training=False):
        """[B, S, D] and true where there is a token [B, S] -> states [B, S, 2U], and (h, c) [B, U] for each layer."""
        first = []
        for lstm, hidden, cell in zip(self.lstms, self.hidden, self.cells, strict=True):
            x = self.dropout(x, training=training)
            x, *last = lstm(x, mask=present, training=training)
            forward_h, forward_c, backward_h, backward_c = last
            h = hidden(ops.concatenate([forward_h, backward_h], axis=-1))
            first.append((h, cell(ops.concatenate([forward_c, backward_c], axis=-1))))
        return x, first


class Step(keras.layers.Layer):
    """One step of an LSTM whose inputs are partly known before the loop.

    Args:
        units: U.
        known: Width of the inputs that are known before, 0 if none.
        carried: Width of those that the loop itself makes, besides the state.
        name: The layer's name.
    """

    def __init__(self, units: int, known: int, carried: int, name: str):
        super().__init__(name=name)
        self.units, self.known, self.carried = units, known, carried

    def build(self, shape=None):
        """Makes kernels and bias; the forget gate's begins at 1."""
        gates = 4 * self.units
        if self.known:
            self.kernel = self.add_weight((self.known, gates), "glorot_uniform", name="kernel")
        inside = self.carried + self.units
        self.recurrent_kernel = self.add_weight((inside, gates), "orthogonal", name="recurrent_kernel")
        self.bias = self.add_weight((gates,), _forget, name="bias")

    def project(self, x):
        """Inputs known before [..., D] -> their share of the gates [..., 4U], the bias with it."""
        return ops.matmul(x, self.kernel) + self.bias

    def call(self, gates, carried, h, c) -> tuple:
        """The known share [B, 4U] (None: the bias), carried inputs [B, C], and the state -> the next h and c."""
        inside = ops.matmul(ops.concatenate([carried, h], axis=-1), self.recurrent_kernel)
        gates = inside + (self.bias if gates is None else gates)
        enter, keep, candidate, leave = ops.split(gates, 4, axis=-1)  # the gradient of slices is slow
        c = ops.sigmoid(keep) * c + ops.sigmoid(enter) * ops.tanh(candidate)
        return ops.sigmoid(leave) * ops.tanh(c), c


class AdditiveScores(keras.layers.Layer):
    """v tanh(W states + U query + b), and with coverage + w coverage inside the tanh.

    Args:
        units: A.
        coverage: Whether the scores see how much each token was looked at before.
        name: The layer's name.
    """

    def __init__(self, units: int, name: str, *, coverage: bool = False):
        super().__init__(name=name)
        self.keys = keras.layers.Dense(units, name="keys")
        self.query = keras.layers.Dense(units, use_bias=False, name="query")
        self.out = keras.layers.Dense(1, use_bias=False, name="out")
        self.coverage = keras.layers.Dense(units, use_bias=False, name="coverage") if coverage else None

    def build(self, states, query):
        """Makes the weights for shapes [B, S, 2U] and [B, U]."""
        self.keys.build(states)
        self.query.build(query)
        self.out.build((*states[:-1], self.keys.units))
        if self.coverage is not None:
            self.coverage.build((*states[:-1], 1))

    def project(self, states):
        """[B, S, 2U] -> keys [B, S, A]."""
        return self.keys(states)

    def call(self, query, keys, coverage=None):
        """[B, U], keys and coverage [B, S] -> scores [B, S]."""
        inside = keys + self.query(query)[:, None]
        if coverage is not None:
            inside = inside + self.coverage(coverage[:, :, None])
        return ops.squeeze(self.out(ops.tanh(inside)), axis=-1)


class GeneralScores(keras.layers.Layer):
    """query W states.

    Args:
        units: Of the query.
        name: The layer's name.
    """

    def __init__(self, units: int, name: str):
        super().__init__(name=name)
        self.keys = keras.layers.Dense(units, use_bias=False, name="keys")

    def build(self, states, query):
        """Makes the weights for shapes [B, S, 2U] and [B, U]."""
        self.keys.build(states)

    def project(self, states):
        """[B, S, 2U] -> keys [B, S, U]."""
        return self.keys(states)

    def call(self, query, keys):
        """[B, U] and keys -> scores [B, S]."""
        return ops.squeeze(ops.matmul(keys, query[:, :, None]), axis=-1)


def padding_scores(tokens):
    """Tokens [B, S] -> what hides the padding when it is added to scores [B, S]."""
    return ops.where(ops.equal(tokens, PADDING), NOWHERE, 0.0)


def gather(weights, values):
    """Weights [B, S] and values [B, S, D] -> their sum [B, D]."""
    return ops.squeeze(ops.matmul(weights[:, None], values), axis=1)


class Embedding(keras.layers.ReversibleEmbedding):
    """Tokens [...] -> vectors [..., D] of deviation 1; in reverse, states within -1 and 1 -> logits [..., V].

    Args:
        vocabulary: V.
        width: D.
        tied: Whether the reverse uses the same numbers.
        name: The layer's name.
    """

    def __init__(self, vocabulary: int, width: int, tied: bool, name: str):
        spread = keras.initializers.RandomNormal(stddev=width**-0.5)
        super().__init__(vocabulary, width, tie_weights=tied, embeddings_initializer=spread, name=name)

    def call(self, inputs, reverse=False):
        """Tokens, or states where `reverse`."""
        x = super().call(inputs, reverse=reverse)
        return x if reverse else x * self.output_dim**0.5


def _forget(shape, dtype=None):
    """Zeros, and ones for the forget gate (Jozefowicz et al. 2015)."""
    units = shape[0] // 4
    return ops.concatenate([ops.zeros(units, dtype), ops.ones(units, dtype), ops.zeros(2 * units, dtype)])

"""BiLSTM: one LSTM reads the text forwards, one backwards, and what both remember at their ends tells its class.

Papers: Hochreiter and Schmidhuber 1997, "Long Short-Term Memory", Neural Computation 9(8); forget gates: Gers,
Schmidhuber and Cummins 2000, "Learning to Forget"; both directions: Graves and Schmidhuber 2005, "Framewise phoneme
classification with bidirectional LSTM and other neural network architectures".

What differs from the papers, and where the constants come from:
- No peephole connections, as in today's libraries; one bias for each gate (torch.nn.LSTM adds two).
- The forget gate's bias begins at 1, so that a new net remembers (Jozefowicz et al. 2015, "An Empirical Exploration of
  Recurrent Network Architectures").
- Dropout stands between the layers, never on the way from step to step (Zaremba et al. 2014, arXiv:1409.2329).

Shapes, B texts of T tokens:

    tokens      B  T                 0 = padding, anywhere: no state changes there
    embedding   B  T  width
    lstm1       B  T  2 units        forwards and backwards, side by side; one row for each layer but the last
    lstmN       B  2 units           the forward state after the last token, the backward one after the first
    logits      B  classes
"""

from __future__ import annotations

import keras

from zoo.layers import arguments
from zoo.layers.head import logits
from zoo.layers.recurrence import LAYERS


def bilstm(
    vocabulary: int = 20_000,
    width: int = 128,
    units: int = 64,
    layers: int = 1,
    classes: int = 2,
    *,
    cell: str = "lstm",
    dropout: float = 0.0,
    features: bool = False,
) -> keras.Model:
    """Builds a text classifier from token ids to logits.

    Args:
        vocabulary: Number of token ids, 0 (padding) among them.
        width: Numbers that stand for one token.
        units: Size of the state in each direction.
        layers: LSTMs on top of each other, in each direction.
        classes: Number of logits.
        cell: "lstm", "gru" (Cho et al. 2014, arXiv:1406.1078) or "rnn" (tanh of a sum, Elman 1990).
        dropout: Share of the embedding and of each layer's answer that training leaves out, in [0, 1).
        features: Whether to answer the last layer's states at each token instead of logits.

    Returns:
        A model from token ids [B, T] to logits [B, classes]; with `features`, to a dict from stride ("1") to states
        [B, T, 2 units], zero where there is padding.

    Raises:
        ValueError: An argument outside of what is listed above.

    Example:
        >>> bilstm(vocabulary=1000, classes=3).output_shape
        (None, 3)
    """
    arguments.whole(vocabulary=vocabulary, width=width, units=units, layers=layers)
    arguments.one_of(LAYERS, cell=cell)
    arguments.share(dropout=dropout)

    tokens = keras.Input((None,), dtype="int32", name="tokens")
    x = keras.layers.Embedding(vocabulary, width, mask_zero=True, name="embedding")(tokens)  # [B, T, width]
    for layer in range(1, layers + 1):
        x = _drop(x, dropout, f"{cell}{layer}_dropout")
        one = LAYERS[cell](units, return_sequences=features or layer < layers, name=f"{cell}{layer}")
        x = keras.layers.Bidirectional(one, name=f"bidirectional{layer}")(x)  # [B, T, 2 units]
    if features:
        return keras.Model(tokens, {"1": x}, name="bilstm_features")
    return keras.Model(tokens, logits(_drop(x, dropout, "logits_dropout"), classes), name="bilstm")


def _drop(x: keras.KerasTensor, rate: float, name: str) -> keras.KerasTensor:
    return keras.layers.Dropout(rate, name=name)(x) if rate else x

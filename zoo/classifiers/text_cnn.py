"""TextCNN: convolutions over word vectors, each pooled to its strongest answer in the text.

Paper: Kim 2014, "Convolutional Neural Networks for Sentence Classification", arXiv:1408.5882. Windows of 3, 4 and 5
words with 100 filters each, word vectors of 300 and a dropout of 0.5 are the paper's CNN-rand.

With `ngram_buckets` a linear classifier over the set of the text's n-grams stands beside the network, and their logits
are summed: the convolutions know that "dull" is like "tedious", the linear part remembers rare phrases. N-grams that
are present, not counted: Wang and Manning 2012, "Baselines and Bigrams", ACL. N-grams by their hash: Joulin et al.
2016, arXiv:1607.01759.

What differs from the paper, and where the constants come from:
- Windows reach over both ends of the text, half of them into nothing, so that a text may be shorter than a window; a
  window whose middle is padding has no say. A text thus gets the same answer however far a batch pads it.
- No bound on the norm of the output weights: Adam and dropout do without it.
- The hash multiplies by odd numbers and folds high bits on low ones, as MurmurHash2 does, from which comes the first
  multiplier; the second is any other odd number.

Shapes, B texts of T tokens, E = width, F = filters, W = number of windows, N = number of n-gram lengths:

    tokens      B  T           0 = padding, 1 = unknown word
    embedding   B  T  E
    window3     B  T  F        one for each window, ReLU
    max3        B  F           over the text
    joined      B  W F
    logits      B  classes
    buckets     B  T N         of the n-grams, each bucket once
    ngrams      B  classes     added to the logits
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from zoo.layers import arguments
from zoo.layers.head import logits

_MULTIPLIERS = (0x5BD1E995, 0x2C1B3C6D)  # below 2**31: every backend takes them as int32


def text_cnn(
    vocabulary: int = 20_000,
    width: int = 300,
    filters: int = 100,
    windows: Sequence[int] = (3, 4, 5),
    classes: int = 2,
    *,
    dropout: float = 0.5,
    word_dropout: float = 0.0,
    ngram_buckets: int = 0,
    ngrams: Sequence[int] = (1, 2, 3),
    ngram_dropout: float = 0.0,
    features: bool = False,
) -> keras.Model:
    """Builds a text classifier from token ids to logits.

    Args:
        vocabulary: Number of token ids, 0 (padding) and 1 (unknown) among them.
        width: Numbers that stand for one token.
        filters: Answers of each window.
        windows: Lengths of the windows, tokens.
        classes: Number of logits.
        dropout: Share of the joined maxima that training leaves out, in [0, 1).
        word_dropout: Share of the tokens that training hides from the convolutions, in [0, 1).
        ngram_buckets: Rows of the table of n-grams; 0 for a TextCNN without the linear part.
        ngrams: Lengths of the n-grams, tokens.
        ngram_dropout: Share of the texts for which training leaves out the linear part, in [0, 1]. At 1 training does
            not change its weights, and the convolutions learn to answer alone.
        features: Whether to answer the windows' activations instead of logits.

    Returns:
        A model from token ids [B, T] to logits [B, classes]; with `features`, to a dict from stride ("1") to
        activations [B, T, filters x windows], zero where there is padding.

    Raises:
        ValueError: An argument outside of what is listed above.

    Example:
        >>> text_cnn(vocabulary=1000, classes=3).output_shape
        (None, 3)
    """
    windows, ngrams = tuple(windows), tuple(ngrams)
    numbers = {"vocabulary": vocabulary, "width": width, "filters": filters}
    numbers |= {f"windows[{at}]": window for at, window in enumerate(windows)}
    numbers |= {f"ngrams[{at}]": order for at, order in enumerate(ngrams)}
    arguments.whole(**numbers)
    if not windows or len(set(windows)) < len(windows):
        raise ValueError(f"Expected different windows, at least one. Received: windows={windows}")
    arguments.share(dropout=dropout, word_dropout=word_dropout)

    tokens = keras.Input((None,), dtype="int32", name="tokens")
    # One place of padding more, so that a batch of empty texts has something to pool.
    padded = ops.pad(tokens, [[0, 0], [0, 1]])  # [B, T + 1]
    real = _real(padded)  # [B, T, 1]
    shown = keras.layers.Dropout(word_dropout, name="word_dropout")(real) if word_dropout else real
    x = keras.layers.Embedding(vocabulary, width, name="embedding")(padded)  # [B, T, E]
    x = keras.layers.Multiply(name="hide")([x, shown])
    maps = []
    for window in windows:
        y = keras.layers.Conv1D(filters, window, padding="same", activation="relu", name=f"window{window}")(x)
        maps.append(keras.layers.Multiply(name=f"window{window}_real")([y, real]))  # [B, T, F]
    if features:
        return keras.Model(tokens, {"1": _join(maps, axis=2)[:, :-1]}, name="text_cnn_features")

    # An activation is not negative, so the zeros at padding win no maximum.
    maxima = [keras.layers.GlobalMaxPooling1D(name=f"max{window}")(y) for window, y in zip(windows, maps, strict=True)]
    x = _join(maxima, axis=1)  # [B, W F]
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    answer = logits(x, classes)
    if ngram_buckets:
        linear = HashedNgrams(classes, ngram_buckets, ngrams, ngram_dropout, name="ngrams")(padded)
        answer = keras.layers.Add(name="sum")([answer, linear])
    return keras.Model(tokens, answer, name="text_cnn")


@keras.saving.register_keras_serializable(package="menagerie")
class HashedNgrams(keras.layers.Layer):
    """A linear classifier over the set of a text's n-grams.

    The weight of class 0 is fixed at 0 for every n-gram: only differences count, and two classes need one column.

    Args:
        classes: Number of logits, at least 2.
        buckets: Rows of the table; n-grams whose hashes fall into one bucket share a weight.
        ngrams: Lengths of the n-grams, tokens.
        dropout: Share of the texts for which training answers zeros, in [0, 1].
    """

    def __init__(self, classes: int, buckets: int, ngrams: Sequence[int] = (1, 2, 3), dropout: float = 0.0, **base):
        super().__init__(**base)
        if classes < 2 or buckets < 1 or not ngrams:
            raise ValueError(
                "Expected at least 2 classes, 1 bucket and one length of n-grams. "
                f"Received: classes={classes}, buckets={buckets}, ngrams={tuple(ngrams)}"
            )
        if not 0 <= dropout <= 1:
            raise ValueError(f"Expected dropout to be in [0, 1]. Received: dropout={dropout}")
        self.classes, self.buckets, self.ngrams, self.dropout = classes, buckets, tuple(ngrams), dropout
        self.random = keras.random.SeedGenerator(name="random") if dropout else None

    def build(self, input_shape):
        """Makes table [buckets, classes - 1] and bias [classes - 1]."""
        self.table = self.add_weight(shape=(self.buckets, self.classes - 1), initializer="zeros", name="table")
        self.bias = self.add_weight(shape=(self.classes - 1,), initializer="zeros", name="bias")

    def call(self, tokens, training=False):
        """Token ids [B, T] -> logits [B, classes]."""
        rows = ops.sort(ngram_buckets(tokens, self.ngrams, self.buckets), axis=1)  # [B, T N], not n-grams last
        following = ops.pad(rows[:, 1:], [[0, 0], [0, 1]], constant_values=-1)
        last = ops.logical_and(rows != following, rows < self.buckets)  # the last of equal neighbours
        weights = ops.take(self.table, ops.minimum(rows, self.buckets - 1), axis=0)  # [B, T N, C - 1]
        answer = ops.sum(weights * ops.cast(last, weights.dtype)[:, :, None], axis=1) + self.bias  # [B, C - 1]
        if training and self.dropout:
            chance = keras.random.uniform((ops.shape(answer)[0], 1), dtype=answer.dtype, seed=self.random)
            answer = answer * ops.cast(chance >= self.dropout, answer.dtype)
        return ops.pad(answer, [[0, 0], [1, 0]])  # [B, C]

    def compute_output_shape(self, input_shape):
        """[B, classes]."""
        return (input_shape[0], self.classes)

    def get_config(self):
        """The constructor's arguments."""
        own = {"classes": self.classes, "buckets": self.buckets, "ngrams": self.ngrams, "dropout": self.dropout}
        return {**super().get_config(), **own}


def ngram_buckets(tokens, orders: Sequence[int], buckets: int):
    """Numbers the n-grams of texts by a hash.

    It reckons in int32 that wraps around, which is the same on every backend.

    Args:
        tokens: Token ids, int32 [B, T], 0 = padding.
        orders: Lengths of the n-grams, tokens.
        buckets: How many numbers there are.

    Returns:
        Numbers, int32 [B, T N], for each length those of the n-grams that begin at each token, in [0, buckets); where
        no whole n-gram begins, `buckets`.
    """
    tokens = ops.cast(tokens, "int32")
    length = ops.shape(tokens)[1]
    found = []
    for order in orders:
        padded = ops.pad(tokens, [[0, 0], [0, order - 1]])  # [B, T + order - 1]
        words = [padded[:, at : at + length] for at in range(order)]  # each [B, T]: the n-gram's words
        code, whole = ops.zeros_like(tokens), words[0] > 0
        for word in words:
            code = _fold((code + word + order) * _MULTIPLIERS[0], 15)
            whole = ops.logical_and(whole, word > 0)
        code = _fold(code * _MULTIPLIERS[1], 12)
        found.append(ops.where(whole, ops.mod(code, buckets), buckets))  # mod is never negative here
    return ops.concatenate(found, axis=1)


def _fold(code, bits: int):
    """code ^ (code >> bits) of int32 as if it had no sign: the mask takes away the copies of the sign bit."""
    return ops.bitwise_xor(code, ops.bitwise_and(ops.right_shift(code, bits), (1 << (32 - bits)) - 1))


def _real(tokens):
    """Token ids [B, T] -> 1.0 for tokens and 0.0 for padding, [B, T, 1]."""
    return ops.expand_dims(ops.cast(tokens > 0, keras.config.floatx()), axis=-1)


def _join(parts: list, axis: int):
    return parts[0] if len(parts) == 1 else keras.layers.Concatenate(axis=axis, name="joined")(parts)

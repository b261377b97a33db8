"""Strings -> word numbers, by graph operations only, so that the same lines run in training and in an export."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import tensorflow as tf

PADDING, UNKNOWN = "[PAD]", "[UNK]"


def tokenize(texts: tf.Tensor, declaration: Mapping) -> tf.RaggedTensor:
    """Cuts texts into words.

    Args:
        texts: UTF-8 strings `[B]`.
        declaration: "lowercase": "unicode" or None; "remove": a regular expression (RE2) whose matches become blanks,
            or None; "pattern": a regular expression each of whose matches is a word of its own. What it leaves over
            between blanks is a word too.

    Returns:
        Words `[B, (T)]`.
    """
    texts = tf.strings.regex_replace(texts, r"\x00", " ")  # tf.strings.lower would drop all that follows a NUL
    if declaration.get("lowercase") == "unicode":
        texts = tf.strings.lower(texts, encoding="utf-8")
    if declaration.get("remove"):
        texts = tf.strings.regex_replace(texts, declaration["remove"], " ")
    texts = tf.strings.regex_replace(texts, "(" + declaration["pattern"] + ")", r" \1 ")
    return tf.strings.split(texts)


def vocabulary(texts: Iterable[str], declaration: Mapping, size: int, least: int = 1, batch: int = 1024) -> list[str]:
    """The most frequent words of some texts: padding is number 0, the unknown word number 1.

    Args:
        texts: Training texts.
        declaration: As `tokenize` takes it.
        size: Number of entries at most, the two special ones included.
        least: How often a word must occur to be kept.
        batch: Texts tokenized at a time.

    Returns:
        Words by falling frequency, equally frequent ones in the order of the alphabet.
    """
    cut = tf.function(lambda part: tokenize(part, declaration).flat_values, input_signature=[_STRINGS])
    counts: Counter[bytes] = Counter()
    texts = [unicodedata.normalize("NFC", text) for text in texts]
    for start in range(0, len(texts), batch):
        counts.update(cut(tf.constant(texts[start : start + batch])).numpy().tolist())
    kept = sorted((word for word, count in counts.items() if count >= least), key=lambda w: (-counts[w], w))
    return [PADDING, UNKNOWN, *(word.decode() for word in kept[: size - 2])]


class Words:
    """Strings -> word numbers, as a preset declares it.

    Args:
        declaration: `{"kind": "words", "lowercase", "remove", "pattern", "length", "vocabulary"}`; "length" is the
            number of words that are used of a text, its first ones.
        vocabulary: Words in the order of their numbers; number 0 is padding, number 1 stands for unknown words.
    """

    def __init__(self, declaration: Mapping, vocabulary: Sequence[str]):
        self.declaration = dict(declaration)
        self.vocabulary = tuple(vocabulary)
        words = tf.lookup.KeyValueTensorInitializer(
            tf.constant(self.vocabulary), tf.constant(np.arange(len(self.vocabulary)), tf.int64)
        )
        self.table = tf.lookup.StaticHashTable(words, default_value=self.vocabulary.index(UNKNOWN))

    def __call__(self, texts: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Strings `[B]` -> word numbers int32 `[B, T]`, padded with 0, and the counts `used_tokens`, `total_tokens`."""
        words = tokenize(texts, self.declaration)
        total = tf.cast(words.row_lengths(), tf.int32)
        words = words[:, : self.declaration["length"]]
        numbers = tf.cast(tf.ragged.map_flat_values(self.table.lookup, words), tf.int32)
        used = tf.cast(words.row_lengths(), tf.int32)
        # Texts without a word are one padding: models want a step.
        shape = tf.stack([-1, tf.maximum(words.bounding_shape(axis=1), 1)])
        return numbers.to_tensor(shape=shape), {"used_tokens": used, "total_tokens": total}


_STRINGS = tf.TensorSpec([None], tf.string)

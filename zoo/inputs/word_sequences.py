"""Strings <-> word numbers for models that write: words as `zoo.inputs.words` cuts them, and joined to a text again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from zoo.errors import UserError
from zoo.inputs import words
from zoo.inputs.sentencepiece import ended
from zoo.layers.sequence import PADDING, UNKNOWN

SPECIAL = (words.PADDING, words.UNKNOWN, "[START]", "[END]")


class WordSequences:
    """Strings <-> word numbers, as a preset declares it.

    Args:
        declaration: `{"kind": "words", "lowercase", "remove", "pattern", "length"}`; see `zoo.inputs.words.tokenize`.
            "length" counts the END that stands after the last word.
        model: The vocabulary: UTF-8, one word a line, the four special ones first.

    Raises:
        UserError: It is none, or the declaration's expressions are none.
    """

    FILE = "vocabulary.txt"
    REQUIRES = ()  # TensorFlow's own operations do

    def __init__(self, declaration: Mapping, model: bytes):
        self.declaration, self.length, self.model = dict(declaration), declaration["length"], bytes(model)
        self.vocabulary = self.model.decode().rstrip("\n").split("\n")
        self.size = len(self.vocabulary)
        if tuple(self.vocabulary[: len(SPECIAL)]) != SPECIAL or len(set(self.vocabulary)) < self.size:
            raise UserError(f"not a vocabulary: expected different words, one a line, the first {', '.join(SPECIAL)}")
        self.words = words.Words(declaration, self.vocabulary)
        self.spelled = tf.constant(["", *self.vocabulary[1:]])
        try:
            self.numbered([""])
        except KeyError as error:
            raise UserError(f"the preprocessing has no {error}") from None
        except tf.errors.InvalidArgumentError as error:
            raise UserError(f"the preprocessing has no valid expression: {_last(error)}") from None

    @classmethod
    def learn(cls, texts: Iterable[str], declaration: Mapping) -> bytes:
        """The vocabulary of the training texts; the declaration's "words" and "least" bound it."""
        # Room for four: the words of a text that look like special ones are none of the vocabulary.
        found = words.vocabulary(texts, declaration, declaration["words"] + 2, declaration.get("least", 1))
        plain = [word for word in found[2:] if word not in SPECIAL]
        return ("\n".join([*SPECIAL, *plain[: declaration["words"] - len(SPECIAL)]]) + "\n").encode()

    def __call__(self, texts: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Strings `[B]` -> word numbers int32 `[B, S]`, END after the last, padded with 0; and the counts."""
        return ended(self._numbers(texts), self.length)

    def _numbers(self, texts: tf.Tensor) -> tf.RaggedTensor:
        numbers = tf.ragged.map_flat_values(self.words.table.lookup, words.tokenize(texts, self.declaration))
        plain = np.int64(len(SPECIAL))  # a text that says "[END]" does not end there
        return tf.ragged.map_flat_values(lambda flat: tf.where(flat < plain, np.int64(UNKNOWN), flat), numbers)

    def detokenize(self, numbers: tf.Tensor) -> tf.Tensor:
        """Word numbers `[N, L]`, padded with 0 -> strings `[N]`; a mark that ends something stands at its word."""
        spelled = tf.gather(self.spelled, tf.RaggedTensor.from_tensor(numbers, padding=PADDING))
        texts = tf.strings.reduce_join(spelled, axis=-1, separator=" ")
        texts = tf.strings.regex_replace(texts, r" ([.,;:!?%)\]}])", r"\1")
        return tf.strings.regex_replace(texts, r"([(\[{]) ", r"\1")

    def names(self, numbers: Sequence[int]) -> list[str]:
        """The words of some numbers."""
        return [self.vocabulary[number] for number in numbers]

    def resources(self) -> list:
        """Resources that an export must carry."""
        return [self.words.table]

    def numbered(self, texts: Sequence[str]) -> list[list[int]]:
        """Strings -> lists of word numbers without START and END, however long."""
        return self._numbers(tf.constant(list(texts), tf.string)).to_list()


def _last(error: tf.errors.OpError) -> str:
    return str(error.message).splitlines()[0].rpartition("}} ")[2][:200]

"""Strings <-> pieces of words, by SentencePiece, in the graph and back.

Paper: Kudo and Richardson 2018, arXiv:1808.06226. TensorFlow Text executes the model in the graph, as KerasHub's
SentencePieceTokenizer does with it; the sampled segmentations of training come from the library itself.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
import tensorflow as tf

from zoo.errors import UserError
from zoo.inputs.copied_parts import MARKS
from zoo.layers.sequence import END, PADDING, START, UNKNOWN


def vocabulary(texts: Iterable[str], size: int, lowercase: bool = False, marks: str = "") -> bytes:
    """Learns pieces from training texts: the unigram model of Kudo 2018, arXiv:1804.10959.

    A character without a piece of its own is written as its UTF-8 bytes, so that no text is unknown.

    Args:
        texts: Training texts of all languages.
        size: Number of pieces, the four special ones and the 256 bytes among them.
        lowercase: Whether case is folded; an answer is then lower case.
        marks: Characters each of which is a piece of its own, whether the texts hold it or not.

    Returns:
        The serialized model.

    Raises:
        UserError: The texts are too few for so many pieces.
    """
    import sentencepiece

    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=model,
            vocab_size=size,
            # A set of few texts gets the pieces that it has.
            hard_vocab_limit=False,
            max_sentence_length=2**30,  # bytes; longer texts would be left out, which 4,192 are soon
            model_type="unigram",
            character_coverage=0.9999,
            byte_fallback=True,
            user_defined_symbols=list(marks),
            normalization_rule_name="nmt_nfkc_cf" if lowercase else "nmt_nfkc",
            pad_id=PADDING,
            unk_id=UNKNOWN,
            bos_id=START,
            eos_id=END,
            num_threads=1,
            minloglevel=2,
        )
    except (RuntimeError, OSError) as error:
        raise UserError(f"no pieces can be learned from these texts: {' '.join(str(error).split())[:200]}") from None
    return model.getvalue()


class Pieces:
    """Strings <-> piece numbers, as a preset declares it.

    Args:
        declaration: `{"kind": "sentencepiece", "length": N}`; "length" is the number of pieces, END among them, that
            are used of a text, its first ones.
        model: The serialized SentencePiece model.

    Raises:
        UserError: It is none.
    """

    FILE = "tokenizer.spm"
    REQUIRES = ("tensorflow_text",)  # modules whose operations the graph needs

    def __init__(self, declaration: Mapping, model: bytes):
        self.length = declaration["length"]
        self.model = bytes(model)
        try:
            self.size = int(in_graph(self.model).vocab_size())
        except tf.errors.OpError:
            raise UserError("not a whole SentencePiece model; is it cut?") from None

    @classmethod
    def learn(cls, texts: Iterable[str], declaration: Mapping) -> bytes:
        """The model of the training texts; the declaration's "pieces" bounds it, "marks" are among them."""
        lowercase = declaration.get("lowercase") == "unicode"
        return vocabulary(texts, declaration["pieces"], lowercase, MARKS[: declaration.get("marks", 0)])

    def __call__(self, texts: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Strings `[B]` -> piece numbers int32 `[B, S]`, END after the last, padded with 0; and the counts."""
        return ended(in_graph(self.model).tokenize(texts), self.length)

    def detokenize(self, numbers: tf.Tensor) -> tf.Tensor:
        """Piece numbers `[N, L]`, padded with 0 -> strings `[N]`."""
        return in_graph(self.model).detokenize(tf.RaggedTensor.from_tensor(numbers, padding=PADDING))

    def names(self, numbers: Sequence[int]) -> list[str]:
        """The pieces of some numbers as they are shown; "▁" begins a word."""
        return [name.decode() for name in in_graph(self.model).id_to_string(tf.constant(numbers, tf.int32)).numpy()]

    def resources(self) -> list:
        """Resources that an export must carry: none, the model stands in the graph."""
        return []

    def numbered(self, texts: Sequence[str]) -> list[list[int]]:
        """Strings -> lists of piece numbers without START and END, however long."""
        return self._library.encode(list(texts), out_type=int)

    def sampled(self, texts: Sequence[str], alpha: float, seed: int) -> list[list[int]]:
        """The same with segmentations drawn anew (subword regularization, Kudo 2018, section 3).

        Args:
            texts: N strings.
            alpha: Smoothness: 0 draws all segmentations alike often, a large one the best alone.
            seed: Chooses them.
        """
        import sentencepiece

        sentencepiece.set_random_generator_seed(seed % 2**32)
        encode = self._library.encode
        return [encode(text, out_type=int, enable_sampling=True, alpha=alpha, nbest_size=-1) for text in texts]

    @cached_property
    def _library(self):
        import sentencepiece

        return sentencepiece.SentencePieceProcessor(model_proto=self.model)


def in_graph(model: bytes):
    """TensorFlow Text's tokenizer of a serialized model, made anew where it is asked for.

    What one holds belongs to a kernel, which TensorFlow forgets at any `keras.utils.set_random_seed`. Made while a
    function is traced, it is a part of the function and comes back with it. Its name is that of no other model:
    by it TensorFlow finds what a loaded function holds.
    """
    import tensorflow_text

    name = "pieces_" + hashlib.blake2b(model, digest_size=8).hexdigest()
    return tensorflow_text.SentencepieceTokenizer(model, out_type=tf.int32, name=name)


def ended(numbers: tf.RaggedTensor, length: int) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Token numbers `[B, (S)]` -> at most `length` of each int32 `[B, S]`, END among them, and the counts."""
    total = tf.cast(numbers.row_lengths(), tf.int32)
    numbers = numbers[:, : length - 1]
    used = tf.cast(numbers.row_lengths(), tf.int32)
    ends = tf.fill([numbers.nrows(), 1], END)
    numbers = tf.concat([tf.cast(numbers, tf.int32), ends], axis=1)
    return numbers.to_tensor(default_value=PADDING), {"used_tokens": used, "total_tokens": total}


def padded(rows: Sequence[Sequence[int]]) -> np.ndarray:
    """Lists of numbers -> int32 `[B, longest]`, padded with 0."""
    array = np.full((len(rows), max(map(len, rows), default=0)), PADDING, np.int32)
    for place, row in enumerate(rows):
        array[place, : len(row)] = row
    return array

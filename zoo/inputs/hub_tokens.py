"""Strings <-> tokens by KerasHub's own tokenizers of BART and T5, numbered as `zoo.transformers.hub` numbers them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
import tensorflow as tf

from zoo.errors import UserError
from zoo.inputs.sentencepiece import ended, in_graph
from zoo.layers.sequence import PADDING, UNKNOWN
from zoo.transformers import hub


class HubTokens:
    """Strings <-> token numbers, as a preset declares it.

    Args:
        declaration: `{"kind": "bart" | "t5", "length": N, "size": V}`; "length" is the number of tokens, END among
            them, that are used of a text, its first ones; "size" the number of tokens that the backbone knows.
        model: What `packed` made of KerasHub's tokenizer.

    Raises:
        UserError: It is none, or knows tokens that the backbone does not.
    """

    FILE: str
    REQUIRES = ("tensorflow_text",)  # modules whose operations the graph needs

    def __init__(self, declaration: Mapping, model: bytes):
        self.length, self.model = declaration["length"], bytes(model)
        self.tokenizer = self.opened(self.model)
        self.spelled = self.tokenizer.vocabulary_size()
        if self.spelled > declaration["size"]:
            raise UserError(f"the tokenizer has {self.spelled} tokens, the model {declaration['size']}")
        self.special = self.specials(self.tokenizer)
        self.order = hub.order(declaration["size"], **self.special)
        self.size = len(self.order)
        self.numbers = np.zeros(declaration["size"], np.int32)  # ours of each of KerasHub's
        self.numbers[self.order[::-1]] = np.arange(self.size)[::-1]  # T5's <pad> is PADDING, never START

    @classmethod
    def learn(cls, texts: Iterable[str], declaration: Mapping) -> bytes:
        """There is nothing to learn."""
        raise UserError("a tokenizer of KerasHub comes with its model: start from one by --init hub:NAME|FOLDER")

    @staticmethod
    def specials(tokenizer) -> dict[str, int]:
        """KerasHub's ids of the tokens that pad, begin and end."""
        raise NotImplementedError

    @staticmethod
    def packed(tokenizer) -> bytes:
        """KerasHub's tokenizer as the bytes of one file."""
        raise NotImplementedError

    @classmethod
    def opened(cls, model: bytes):
        """KerasHub's tokenizer of what `packed` made."""
        try:
            return cls._unpacked(model)
        except (ValueError, KeyError, TypeError, RuntimeError, tf.errors.OpError) as error:
            raise UserError(f"not a tokenizer of KerasHub: {' '.join(str(error).split())[:200]}") from None

    @staticmethod
    def _unpacked(model: bytes):
        raise NotImplementedError

    def __call__(self, texts: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Strings `[B]` -> token numbers int32 `[B, S]`, END after the last, padded with 0; and the counts."""
        return ended(self._numbers(texts), self.length)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])  # else KerasHub would leave the graph's road
    def _numbers(self, texts: tf.Tensor) -> tf.RaggedTensor:
        texts = tf.strings.regex_replace(texts, r"\x00", " ")  # KerasHub's byte pairs would drop all that follows a NUL
        found = tf.cast(self._in_graph().tokenize(texts), tf.int32)
        return tf.ragged.map_flat_values(
            lambda ids: tf.where(ids < 0, UNKNOWN, tf.gather(self.numbers, tf.maximum(ids, 0))), found
        )

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
    def detokenize(self, numbers: tf.Tensor) -> tf.Tensor:
        """Token numbers `[N, L]`, padded with 0 -> strings `[N]`, without special tokens and those never spelled."""
        ids = tf.gather(self.order, numbers)
        said = tf.logical_and(numbers != PADDING, ids < self.spelled)
        for token in self.special.values():
            said = tf.logical_and(said, ids != token)
        return self._in_graph().detokenize(tf.ragged.boolean_mask(ids, said))

    def _in_graph(self):
        """The tokenizer, as it is used while a function is traced."""
        return self.tokenizer

    def names(self, numbers: Sequence[int]) -> list[str]:
        """The tokens of some numbers as they are shown."""
        ids = (int(self.order[number]) for number in numbers)
        return [self._names[token] if token < self.spelled else "" for token in ids]

    @cached_property
    def _names(self) -> list[str]:
        raise NotImplementedError

    def resources(self) -> list:
        """Resources that an export must carry."""
        return [self.tokenizer]

    def numbered(self, texts: Sequence[str]) -> list[list[int]]:
        """Strings -> lists of token numbers without START and END, however long."""
        return self._numbers(tf.constant(list(texts), tf.string)).to_list()


class BartTokens(HubTokens):
    """BART's byte pairs (Sennrich et al. 2015, arXiv:1508.07909). A text that spells "</s>" has those four characters.

    The file holds {"vocabulary": {token: id}, "merges": ["a b", ...], "add_prefix_space": bool}.
    """

    FILE = "tokenizer.json"

    @staticmethod
    def specials(tokenizer) -> dict[str, int]:
        """<pad>, <s>, </s>."""
        return {"padding": tokenizer.pad_token_id, "start": tokenizer.start_token_id, "end": tokenizer.end_token_id}

    @staticmethod
    def packed(tokenizer) -> bytes:
        """JSON of vocabulary and merges."""
        held = {"vocabulary": dict(tokenizer.vocabulary), "merges": list(tokenizer.merges)}
        return json.dumps({**held, "add_prefix_space": tokenizer.add_prefix_space}, ensure_ascii=False).encode()

    @staticmethod
    def _unpacked(model: bytes):
        import keras_hub

        held = json.loads(model)
        if not isinstance(held, dict) or not all(type(one) is int for one in held["vocabulary"].values()):
            raise ValueError("expected a vocabulary from tokens to numbers")
        return keras_hub.models.BartTokenizer(**held, unsplittable_tokens=[])

    @cached_property
    def _names(self) -> list[str]:
        names = {number: name for name, number in self.tokenizer.vocabulary.items()}
        return [names.get(number, "") for number in range(self.spelled)]


class T5Tokens(HubTokens):
    """T5's SentencePiece (Kudo and Richardson 2018, arXiv:1808.06226); the file is its own format."""

    FILE = "tokenizer.spm"

    @staticmethod
    def specials(tokenizer) -> dict[str, int]:
        """<pad> begins an answer too."""
        return {"padding": tokenizer.pad_token_id, "start": tokenizer.pad_token_id, "end": tokenizer.end_token_id}

    @staticmethod
    def packed(tokenizer) -> bytes:
        """The serialized SentencePiece model."""
        return tokenizer.proto

    def _in_graph(self):
        return in_graph(self.model)

    def resources(self) -> list:
        """Nothing: the model is a constant of the graph."""
        return []

    @staticmethod
    def _unpacked(model: bytes):
        import keras_hub

        return keras_hub.models.T5Tokenizer(proto=model)

    @cached_property
    def _names(self) -> list[str]:
        return [self.tokenizer.id_to_token(number) for number in range(self.spelled)]

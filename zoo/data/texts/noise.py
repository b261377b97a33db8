"""Pairs of sentences as people type them: what is to be copied, small letters, no full stop.

A model learns from them to repeat marks and names (see `zoo.inputs.copied_parts`) and to read what no corpus holds.
Which pairs are changed, and how, depends on a seed alone.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

from zoo.inputs.copied_parts import MARKS

SHARES = ("marks", "names", "appended", "lowercase", "unpunctuated")
NUMBERS = {
    "de": "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf zwanzig dreißig fünfzig hundert",
    "en": "two three four five six seven eight nine ten eleven twelve twenty thirty fifty hundred",
    "es": "dos tres cuatro cinco seis siete ocho nueve diez once doce veinte treinta cincuenta cien",
    "fr": "deux trois quatre cinq six sept huit neuf dix onze douze vingt trente cinquante cent",
}
_ALIKE = re.compile(r"\b[A-ZÄÖÜÉ]\w+(?!['’]\w)\b|\b\d+(?:[.,:]\d+)*\b")
_WORDS = re.compile(r"\w+")
_SYLLABLES = [
    start + vowel + end for start in "bdfgklmnprstvz" for vowel in "aeiou" for end in ("", "n", "l", "r", "s")
]
_JOINS = ("{text} {mark}", "{mark} {text}", "{text} ({mark})", "{mark}: {text}", "{text}: {mark}")


class Noise:
    """Changes a share of the pairs.

    Args:
        shares: Probability of each change: "marks" puts marks in place of names and numbers that both sides have,
            "names" a name that nobody has in place of such a name, "appended" sets a mark beside both sides,
            "lowercase" writes the source in small letters, "unpunctuated" takes away what ends both sides.
        languages: Source and target language, for the words of numbers.
    """

    def __init__(self, shares: Mapping[str, float], languages: Sequence[str] = ()):
        if unknown := set(shares) - set(SHARES):
            raise ValueError(f"unknown noise {', '.join(sorted(unknown))}; there are: {', '.join(SHARES)}")
        self.shares = {name: shares.get(name, 0.0) for name in SHARES}
        sides = [NUMBERS.get(language, "").split() for language in languages]
        self.numbers = dict(zip(*sides, strict=True)) if len(sides) == 2 and all(sides) else {}

    def __call__(self, sources: Sequence[str], targets: Sequence[str], seed: int) -> tuple[list[str], list[str]]:
        """The pairs with their changes, the same for the same seed."""
        rng = random.Random(seed)
        pairs = [self.pair(source, target, rng) for source, target in zip(sources, targets, strict=True)]
        return [source for source, _ in pairs], [target for _, target in pairs]

    def pair(self, source: str, target: str, rng: random.Random) -> tuple[str, str]:
        """One pair with what `rng` draws for it."""
        drawn = {name: rng.random() < share for name, share in self.shares.items()}
        marks = rng.sample(MARKS, len(MARKS))
        if drawn["marks"] or drawn["names"]:
            for ours, theirs in self._alike(source, target):
                if drawn["marks"] and marks:
                    part = marks.pop()
                elif ours[0].isupper():
                    part = "".join(rng.choices(_SYLLABLES, k=rng.randint(1, 3))).capitalize()
                else:
                    continue
                source, target = (
                    re.sub(rf"\b{word}\b", part, text) for word, text in ((ours, source), (theirs, target))
                )
        if drawn["appended"] and marks:
            join, mark = rng.choice(_JOINS), marks.pop()
            source, target = (join.format(text=text, mark=mark) for text in (source, target))
        if drawn["unpunctuated"] and source[-1:] == target[-1:] != "":
            source, target = (text.rstrip(".!?") or text for text in (source, target))
        if drawn["lowercase"]:
            source = source.lower()
        return source, target

    def _alike(self, source: str, target: str) -> list[tuple[str, str]]:
        """Words that stand once on each side: the same name or number, or the same number in words."""
        ours, theirs = (_ALIKE.findall(text) for text in (source, target))
        found = [(word, word) for word in ours if ours.count(word) == theirs.count(word) == 1]
        if self.numbers:
            ours, theirs = (_WORDS.findall(text) for text in (source, target))
            found += [
                (word, self.numbers[word])
                for word in ours
                if word in self.numbers and ours.count(word) == theirs.count(self.numbers[word]) == 1
            ]
        return found

"""Parts of a text that its translation repeats as they are: numbers, addresses, letters of another script, emoji.

They are replaced by marks, characters of Unicode's private use that a model has learned to copy, and put back into
what it writes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MARKS = "\ue000\ue001\ue002\ue003\ue004\ue005"

_ENDED = r"(?<![.,;:!?'\")\]])"  # what ends a sentence, or closes around an address, is no part of it
_DOMAINS = "com|org|net|edu|gov|info|io|eu|de|at|ch|fr|es|uk|us"
_STREET = r"(?:[Ss]traße|[Ss]trasse|[Ss]tr\.|[Ww]eg|[Gg]asse|[Pp]latz|[Aa]llee|[Uu]fer|[Dd]amm)"
_ROAD = r"(?:Street|St\.?|Road|Rd\.?|Avenue|Ave\.?|Lane|Drive|Boulevard|Blvd\.?)"
_NUMBER = r"\d+(?:[.,:/'’–-]?\d+)*"
_UNIT = r"(?:\s?[%‰°€$£](?:[CF]\b)?|\s?(?:k?g|km(?:/h)?|cm|mm|[kMGT]B|GHz)\b|(?:m|l|[ap]m|h|x)\b|[\"″])"

PATTERN = re.compile(
    rf"""
    (?:https?://|www\.)\S+{_ENDED}                              # an address of the web
    | [\w.+-]+@[\w-]+(?:\.[\w-]+)+                              # of mail
    | \b(?:[A-Za-z0-9-]+\.)+(?:{_DOMAINS})\b(?:/\S*{_ENDED})?   # of the web without its scheme
    | (?<!\w)[@\#]\w+                                           # a name of a user, a topic
    | (?:[A-ZÄÖÜ][\wäöüß.-]*[\s-]?)?\w*{_STREET}\s\d+\s?[a-z]?\b(?:,?\s\d{{5}}\s[A-ZÄÖÜ]\w+)?       # of a house
    | \b\d+[a-z]?\s(?:[A-Z]\w+\s){{1,3}}{_ROAD}(?:,\s[A-Z]\w+(?:,?\s[A-Z]{{2}})?(?:\s\d{{5}})?)?
    | (?<!\w)[+(]*\d[\d/()-]*(?:\s[\d/()-]+){{2,}}(?<=\d)       # a number of a telephone, an account
    | (?<![\w-])(?=[A-Z/-]*\d)(?=[\d/-]*[A-Z])[A-Z0-9]+(?:[/-]?[A-Z0-9]+)*(?![\w-])    # a code: A4, B-52
    | (?<![\w-])[A-Za-z]+\d+(?:\.\d+)*(?![\w-])                 # iPhone15, v1.2.3
    | (?<![\w.,-])[€$£]?[+−±-]?{_NUMBER}{_UNIT}?(?![\w-])(?!\.\s\w)
    | [^\x00-\u024f\u0300-\u036f\u1e00-\u1eff\u2000-\u200c\u200e-\u206f\u20a0-\u20bf\ufe0f]
      [^\x00-\u001f!-\u024f\u0300-\u036f\u1e00-\u1eff\u2000-\u200c\u200e-\u206f\u20a0-\u20bf]*(?<!\s)
    """,
    re.VERBOSE,
)
_WORD = re.compile(r"[^\W\d_]")
_BETWEEN = re.compile(r"[\s,;/|–-]*")


def spans(text: str) -> list[tuple[int, int]]:
    """The parts of a text that are kept: begin and end, in their order; what only blanks and commas part is one.

    Example:
        >>> [text[a:b] for text in ["Call +49 89 1234567 at 7:30 pm, or see www.example.org."] for a, b in spans(text)]
        ['+49 89 1234567', '7:30', 'www.example.org']
    """
    found: list[tuple[int, int]] = []
    for match in PATTERN.finditer(text):
        begin, end = match.span()
        if found and _BETWEEN.fullmatch(text, found[-1][1], begin):
            begin = found.pop()[0]
        found.append((begin, end))
    return found


def wordless(text: str) -> bool:
    """True if nothing is left of a text to translate: it has no letter besides what is kept.

    Example:
        >>> wordless("12345"), wordless("→ 3,50 €!"), wordless("Room 5")
        (True, True, False)
    """
    return not _WORD.search(PATTERN.sub("", text))


def marked(text: str, marks: Sequence[str] = MARKS) -> tuple[str, dict[str, str]]:
    """A text with marks in place of what is kept, and what each mark stands for; as many as there are marks.

    Example:
        >>> marked("In 1969.", "*") == ("In *.", {"*": "1969"})
        True
    """
    parts, kept, last = [], {}, 0
    for mark, (begin, end) in zip(marks, spans(text), strict=False):
        parts += [text[last:begin], mark]
        kept[mark] = text[begin:end]
        last = end
    return "".join([*parts, text[last:]]), kept


def restored(text: str, kept: dict[str, str]) -> str | None:
    """A text with what was kept in place of its marks; None where a mark is missing or stands there twice."""
    if any(text.count(mark) != 1 for mark in kept):
        return None
    for mark, part in kept.items():
        text = text.replace(mark, part)
    return text

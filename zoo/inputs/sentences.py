"""Cuts a text into its sentences, for models that read one at a time.

Rules alone, for European and East Asian punctuation. In doubt two sentences stay together: a model reads two short
sentences better than half of one.
"""

from __future__ import annotations

import re

WIDE = "。！？｡．।॥"  # no blank has to follow these
STOPS = ".!?…؟۔" + WIDE
CLOSERS = "\"'”’»›“‘«‹)]}）」』】〉》"
OPENERS = "\"'“‘„‚«‹([{（「『【〈《¿¡-–—#*"
NEWLINES = "\n\r\u2028\u2029"

# A run of stops with what closes after them, or a run of blanks. The quantifiers are possessive and no match begins
# inside a run, so that a megabyte of full stops costs one look at each.
PLACE = re.compile(
    rf"(?<![{STOPS}])(?P<stops>[{STOPS}]++)(?P<closers>[{re.escape(CLOSERS)}]*+)(?P<blank>\s*+)|(?<!\s)(?P<gap>\s++)"
)

# English, German, French, Spanish. What may end a sentence as well ("etc.", "usw.") goes by the case of what follows.
TITLES = "mr mrs ms dr prof st messrs gen col capt lt sgt rev hon gov hr fr frl dipl ing mme mlle sr sra srta ud uds"
WORDS = "vs bzw ca sog ggf evtl inkl exkl zzgl vgl bspw resp approx cf ibid al esp incl env"
NEVER_LAST = frozenset(f"{TITLES} {WORDS}".split())
BEFORE_NUMBER = frozenset("no nr nos núm num fig figs abb p pp s vol art abs bd kap ch chap sec tel pos ziff §".split())
DATED = frozenset("jan feb mar apr jun jul aug sep sept oct okt nov dec dez".split())
# Words before a German ordinal: "am 3. Oktober", "im 19. Jahrhundert".
BEFORE_ORDINAL = frozenset("der die das den dem des am im vom zum zur beim seit bis ab jeder jede jeden".split())


def sentences(text: str) -> list[str]:
    """The sentences of a text, each with the blanks that follow it; joined they are the text.

    Args:
        text: Any string.

    Returns:
        The parts in their order: none is empty, and none but the first begins with a blank.

    Example:
        >>> sentences("Dr. No came at 3.5 p.m. today. Who saw him?")
        ['Dr. No came at 3.5 p.m. today. ', 'Who saw him?']
    """
    cased = any(character.isupper() for character in text)
    parts, begin = [], 0
    for place in PLACE.finditer(text):
        if 0 < place.end() < len(text) and place.start() > 0 and _ends(text, begin, place, cased):
            parts.append(text[begin : place.end()])
            begin = place.end()
    return [*parts, text[begin:]] if text else []


def _ends(text: str, begin: int, place: re.Match, cased: bool) -> bool:
    """True if a sentence that begins at `begin` ends at that place."""
    blank = place["gap"] or place["blank"] or ""
    if any(newline in blank for newline in NEWLINES):
        return True
    if place["gap"]:
        return False
    stops, closers = place["stops"], place["closers"]
    following = text[place.end() : place.end() + 8].lstrip(OPENERS)
    if stops[-1] in WIDE:
        # A Japanese quotation goes on with a particle.
        return not (closers and not blank and following.startswith("と"))
    if not blank:
        return False
    if following[:1].islower() and cased and (closers or stops[-1] not in "!?"):
        return False
    return stops != "." or not _abbreviates(text[max(begin, place.start() - 40) : place.start()], following)


def _abbreviates(before: str, following: str) -> bool:
    """True if a single full stop belongs to the word before it.

    Args:
        before: What stands before the full stop, at least its last words.
        following: What stands after it and the blanks.
    """
    words = before.split()
    if not words or before[-1].isspace():
        return False
    word = words[-1].lstrip(OPENERS)
    lower = word.lower()
    if word.isdecimal():
        return len(word) <= 2 and (len(words) < 2 or words[-2].lower() in BEFORE_ORDINAL)
    if len(word) == 1 and word.isalpha():
        return word != "I"  # initials, "z. B.", "d. h."
    if "." in word.strip("."):
        return all(len(part) <= 2 for part in word.split(".")) and lower not in ("a.m", "p.m")
    return lower in NEVER_LAST or (lower in BEFORE_NUMBER | DATED and following[:1].isdecimal())

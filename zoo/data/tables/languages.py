"""Languages: the names that columns have, and which of two columns is written in which."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import islice

# Code -> ISO 639-2's codes, the English name, which has a capital, and other names.
_CALLED = {
    "ar": "ara Arabic العربية",
    "cs": "cze ces Czech čeština",
    "da": "dan Danish dansk",
    "de": "ger deu German deutsch",
    "el": "gre ell Greek ελληνικά",
    "en": "eng English englisch anglais inglés",
    "es": "spa Spanish spanisch español espagnol",
    "fi": "fin Finnish suomi",
    "fr": "fre fra French französisch français francés",
    "he": "heb Hebrew עברית",
    "hi": "hin Hindi हिन्दी",
    "hu": "hun Hungarian magyar",
    "it": "ita Italian italienisch italiano",
    "ja": "jpn Japanese 日本語",
    "ko": "kor Korean 한국어",
    "nl": "dut nld Dutch niederländisch nederlands",
    "no": "nor Norwegian norsk",
    "pl": "pol Polish polnisch polski",
    "pt": "por Portuguese portugiesisch português",
    "ro": "rum ron Romanian română",
    "ru": "rus Russian russisch русский",
    "sv": "swe Swedish schwedisch svenska",
    "tr": "tur Turkish türkçe",
    "uk": "ukr Ukrainian українська",
    "zh": "chi zho Chinese chinesisch 中文",
}
# Words that make up a good part of any text of the language.
_WORDS = {
    "de": "der die das den dem und ist sind ein eine einen einem nicht ich du er sie es wir mit auf von zu im für wie",
    "en": "the a an and is are was of to in you it that i he she they we with for on at this not be have my your his",
    "es": "el la los las un una y es son de que no en yo tú él ella con por para se lo su mi está del al qué muy",
    "fr": "le la les un une des et est sont de du que ne pas je tu il elle nous vous dans en avec pour sur ce qui à au",
    "it": "il lo la gli le un una e è sono di che non io tu lui lei con per su si mi del della nel questo ha ho",
    "nl": "de het een en is zijn van dat niet ik je hij zij ze wij we met op voor te in aan er wat deze mijn naar",
    "pt": "o a os as um uma e é são de que não eu tu ele ela com por para em se do da no na meu está isso você",
    "sv": "och att det en ett är som på jag du han hon vi inte med för av den de till har var min om",
    "da": "og at det en et er som på jeg du han hun vi ikke med for af den de til har var min om",
    "pl": "i w na z się nie to jest że do jak ja ty on ona co o po czy mój tak ten są dla mnie",
    "cs": "a v na se že je to jsem s z do by jak co já ty on ona ale pro za tak jsou můj nebo",
}
_SCRIPTS = {
    "ar": "ARABIC",
    "el": "GREEK",
    "he": "HEBREW",
    "hi": "DEVANAGARI",
    "ja": "HIRAGANA KATAKANA CJK",
    "ko": "HANGUL",
    "ru": "CYRILLIC",
    "uk": "CYRILLIC",
    "zh": "CJK",
}
_FREQUENT = {code: frozenset(words.split()) for code, words in _WORDS.items()}
NAMES = frozenset(_CALLED) | {name for names in _CALLED.values() for name in names.lower().split()}
ENGLISH = {code: next(filter(str.istitle, names.split())) for code, names in _CALLED.items()}

READ = 1000  # texts of a column that tell its language
LEAST = 0.05  # share of frequent words, or of letters of the script, below which nothing is told
CLEARER = 3  # times that one order of the languages has to fit better than the other


def spellings(code: str) -> tuple[str, ...]:
    """Names that a column of texts of the language may have, in lower case: "de", "deu", "german", "de-de".

    Example:
        >>> spellings("cs")
        ('cs', 'cze', 'ces', 'czech', 'čeština', 'cs-cs', 'cs_cs')
    """
    regions = {"en": ("us", "gb", "uk"), "pt": ("pt", "br"), "de": ("de", "at", "ch"), "zh": ("cn", "tw")}
    base = code.lower()
    tagged = [f"{base}{mark}{region}" for region in regions.get(base, (base,)) for mark in "-_"]
    return (code, *_CALLED.get(base, "").lower().split(), *tagged)


def in_order(first: Iterable[str], second: Iterable[str], pair: tuple[str, str]) -> bool | None:
    """True if two columns of texts are written in two languages in this order.

    Args:
        first: Texts of one column.
        second: Texts of the other.
        pair: Codes of the languages.

    Returns:
        False where they are the other way round; None where that cannot be told.
    """
    one, other = (code.lower().partition("-")[0].partition("_")[0] for code in pair)
    first, second = (list(islice(texts, READ)) for texts in (first, second))
    straight = _share(first, one) + _share(second, other)
    turned = _share(first, other) + _share(second, one)
    if max(straight, turned) < LEAST or max(straight, turned) < CLEARER * min(straight, turned):
        return None
    return straight > turned


def _share(texts: Sequence[str], code: str) -> float:
    """Share of the words that are frequent in the language, or of the letters that are its script's; 0 if unknown."""
    if code in _SCRIPTS:
        letters = [letter for text in texts for letter in text if letter.isalpha()]
        scripts = tuple(_SCRIPTS[code].split())
        return sum(unicodedata.name(letter, "").startswith(scripts) for letter in letters) / max(1, len(letters))
    frequent = _FREQUENT.get(code, frozenset())
    words = [word.strip(".,;:!?¿¡\"'„“”»«()") for text in texts for word in text.lower().split()]
    return sum(word in frequent for word in words) / max(1, len(words))

"""Sentences: cut where a reader would, and nothing lost."""

import random
import time

import pytest

from zoo.inputs.sentences import sentences

# The sentences, as they stand in the text with the blanks that follow them.
CASES = {
    "plain": ["One. ", "Two! ", "Three? ", "Four."],
    "one": ["No end"],
    "blanks within": ["An  ox.   ", "Two."],
    "title": ["Mr. Smith met Dr. Jones. ", "They talked."],
    "initials": ["J. R. R. Tolkien wrote it. ", "We read it."],
    "I": ["So do I. ", "He does not."],
    "decimals": ["It costs 3.5 or 1,000.25 euros. ", "Fine."],
    "e.g.": ["Fruit, e.g. Apples, i.e. Food. ", "Good."],
    "p.m.": ["We met at 5 p.m. ", "It rained."],
    "etc.": ["Apples, pears, etc. and plums, etc. ", "More."],
    "number": ["See No. 5 and fig. 3. ", "No. ", "Never."],
    "year": ["It began in 1990. ", "It ended."],
    "month": ["On Feb. 3 we left. ", "All is well."],
    "list": ["1. First thing.\n", "2. Second thing."],
    "German": ["Das kostet z. B. Geld, d. h. Euro bzw. Cent. ", "Am 3. Oktober ist z.B. Feiertag. ", "Ja."],
    "German doctor": ["Hr. Dr. Müller kommt ca. um acht usw. ", "Dann geht er."],
    "French": ["M. Dupont et Mme. Curie sont là. ", "Voilà !"],
    "Spanish": ["¿Qué tal? ", "¡Muy bien! ", "Sra. López, Ud. primero."],
    "ellipsis that goes on": ["Well... maybe. ", "Yes… no… ", "Good."],
    "ellipsis that ends": ["He waited... ", "Nothing came."],
    "quotation": ['"Stop!" he said. ', '"Why?" ', "She asked."],
    "quotation closes": ['He said "go." ', "She went. ", "(Not far.) ", "(“Far!”) ", "Home."],
    "German quotation": ["„Halt!“ rief er. ", "»Ja?« ", "„Nein.“ ", "Sie kam."],
    "many marks": ["What?! ", "No!!! ", "Ok."],
    "lower case text": ["hello there. ", "how are you? ", "fine"],
    "question before lower case": ["Really? ", "yes."],
    "newlines": ["A title\n\n", "a line\r\n  \t", "the rest."],
    "stop and newline": ["Dr.\n", "Who."],
    "dialogue": ["#Person1#: Hi, Mr. Smith.\n", "#Person2#: Hi. ", "I am here."],
    "Chinese": ["你好。", "你好吗？", "很好！", "再见"],
    "Japanese": ["今日は。", "「行け。」と彼は言った。", "「はい。」", "次。"],
    "Hindi": ["यह एक है। ", "यह दो है।"],
    "Arabic": ["كيف حالك؟ ", "بخير."],
    "address": ["See www.example.com/a.b now. ", "Write to a@b.org."],
    "leading blanks": ["\n  One. ", "Two."],
    "blanks alone": ["  \n "],
    "stops alone": ["..."],
    "emoji": ["Nice 😀. ", "Thanks 🙏🏽!"],
}


@pytest.mark.parametrize("case", CASES)
def test_sentences(case):
    assert sentences("".join(CASES[case])) == CASES[case]


def test_nothing_has_no_sentence():
    assert sentences("") == []


def test_joined_they_are_the_text():
    generator = random.Random(0)
    for _ in range(20_000):
        text = "".join(generator.choices(' .!?…\n\r\t\u2028\xa0"”(aBI3。」と\ud7ff\0', k=generator.randrange(40)))
        parts = sentences(text)
        assert "".join(parts) == text
        assert all(parts) and not any(part[0].isspace() for part in parts[1:])


@pytest.mark.parametrize("unit", [".", " ", "\n", '."', ". ", "a. ", "A", '"', "\t.", "。"])
def test_time_grows_with_the_length_only(unit):
    started = time.perf_counter()
    assert "".join(sentences(unit * 300_000)) == unit * 300_000
    assert time.perf_counter() - started < 20  # takes less than one; a minute and more where runs are read again

"""Pairs changed for training: what each change does, how often, and that a seed decides."""

import random
import re

import pytest

from zoo.data.texts.noise import Noise
from zoo.inputs.copied_parts import MARKS

MARK = f"[{MARKS}]"
PAIR = "Tom hat zwei Hunde und 30 Katzen.", "Tom has two dogs and 30 cats."


def once(share, source, target, languages=("de", "en"), seed=0):
    return Noise({share: 1.0}, languages).pair(source, target, random.Random(seed))


def test_marks_stand_on_both_sides_for_the_same():
    source, target = once("marks", *PAIR)
    assert re.fullmatch(f"{MARK} hat {MARK} Hunde und {MARK} Katzen\\.", source)
    assert re.fullmatch(f"{MARK} has {MARK} dogs and {MARK} cats\\.", target)
    assert re.findall(MARK, source) == re.findall(MARK, target) and len(set(re.findall(MARK, source))) == 3


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("Toms Hund schläft.", "Tom's dog sleeps."),
        ("Tom mag Tom.", "Tom likes Tom."),
        ("Der Hund und das Tor.", "The dog and the gate."),
        ("Zwei von zwei.", "Both."),
    ],
)
def test_what_is_not_alike_once_stays(source, target):
    assert once("marks", source, target) == (source, target)


def test_words_of_numbers_need_the_languages():
    assert once("marks", "zwei Hunde", "two dogs", ()) == ("zwei Hunde", "two dogs")
    assert once("marks", "dos perros", "two dogs", ("es", "en"))[1][0] in MARKS


def test_names_are_new_and_the_same_on_both_sides():
    names = {once("names", "Tom schläft.", "Tom sleeps.", seed=seed) for seed in range(20)}
    assert len(names) > 15
    for source, target in names:
        assert source.split()[0] == target.split()[0] != "Tom" and source.split()[0].istitle()
    assert once("names", "30 Hunde", "30 dogs") == ("30 Hunde", "30 dogs")


def test_the_other_changes():
    source, target = once("appended", "Ja.", "Yes.")
    assert re.findall(MARK, source) == re.findall(MARK, target) != []
    assert re.sub(MARK, "", source).replace("Ja.", "") == re.sub(MARK, "", target).replace("Yes.", "")
    assert once("lowercase", *PAIR) == (PAIR[0].lower(), PAIR[1])
    assert once("unpunctuated", "Ja!", "Yes!") == ("Ja", "Yes")
    assert once("unpunctuated", "Ja?", "Yes.") == ("Ja?", "Yes.")
    assert once("unpunctuated", "...", "...") == ("...", "...")


def test_shares_and_seeds():
    noise = Noise({"lowercase": 0.25}, ("de", "en"))
    sides = ["Ein Hund"] * 4000, ["A dog"] * 4000
    changed = noise(*sides, 5)
    assert 900 < changed[0].count("ein hund") < 1100 and changed[1] == sides[1]
    assert noise(*sides, 5) == changed != noise(*sides, 6)


def test_an_unknown_change_is_named():
    with pytest.raises(ValueError, match="unknown noise shouting; there are: marks, names"):
        Noise({"shouting": 0.1})

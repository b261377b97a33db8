"""Foreign items: pictures and texts of quite another kind than those that a preset has learned.

A preset's answers to them are worth nothing, and should be marked; see `zoo.tasks.confidence`. The sets are folders and
plain files in ZOO_DATA_DIR, except the random letters, which are made here.
"""

from __future__ import annotations

import csv
import io
import json
import os
import string
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from zoo.data.builders.plain import unpacked
from zoo.data.examples import chosen
from zoo.errors import UserError, nearest
from zoo.inputs import image_headers

MOST = 2000  # items of a set


def load(name: str, most: int = MOST) -> list:
    """The items of a set, or so many of them, the same ones each time.

    Args:
        name: One of `SETS`; of those that have languages, with one: "captions/fr".
        most: How many at most.

    Raises:
        UserError: There is no such set, or its files are nowhere.
    """
    kind, _, language = name.partition("/")
    if kind not in SETS:
        raise UserError(f"no set of foreign items named {name!r}{nearest(kind, SETS)}")
    items = list(SETS[kind](language) if language else SETS[kind]())
    return [items[place] for place in chosen(len(items), most)]


def _place(*parts: str) -> Path:
    root = os.environ.get("ZOO_DATA_DIR")
    path = Path(root or ".").joinpath(*parts)
    if not root or not path.exists():
        raise UserError(f"foreign items: {'/'.join(parts)} is not in ZOO_DATA_DIR ({root or 'not set'})")
    return path


def _text(*parts: str) -> str:
    return unpacked(_place(*parts), parts[-1])


def _objects(*parts: str) -> Iterator[dict]:
    return map(json.loads, _text(*parts).splitlines())


def _pictures(*parts: str) -> Callable[[], Iterable[Path]]:
    def paths() -> list[Path]:
        return sorted(path for path in _place(*parts).rglob("*") if path.suffix.lower() in image_headers.SUFFIXES)

    return paths


def _news() -> Iterator[str]:
    for row in _objects("ag_news_20k", "test.jsonl.gz"):
        yield f"{row['title']} {row['description']}".strip()


def _messages() -> list[str]:
    return [line.partition("\t")[2] for line in _text("sms_spam", "test.tsv.gz").splitlines()[1:]]


def _conversations() -> Iterator[str]:
    """Whole dialogues, and single turns of others."""
    for number, row in enumerate(_objects("daily_dialog", "train.jsonl.gz")):
        yield " ".join(row["dialog"]) if number % 2 else row["dialog"][0]


def _passages() -> list[str]:
    return list(dict.fromkeys(row["context"] for row in _objects("squadshifts_qa", "train.jsonl.gz")))


def _requests() -> list[str]:
    return [row["text"] for row in csv.DictReader(io.StringIO(_text("banking77", "train.csv.gz")))]


def _captions(language: str) -> list[str]:
    return _text("multi30k", f"test_2016_flickr.{language}.gz").splitlines()


def _sentences(language: str) -> list[str]:
    name, column = {"en": ("fra", 0), "fr": ("fra", 1), "es": ("spa", 1)}[language]
    lines = _text("anki", f"{name}-eng", f"{name}.txt.gz").splitlines()
    return list(dict.fromkeys(line.split("\t")[column] for line in lines))


def _letters() -> list[str]:
    rng, letters = np.random.default_rng(0), list(string.ascii_lowercase)
    return [
        " ".join("".join(rng.choice(letters, rng.integers(2, 10))) for _ in range(rng.integers(3, 12)))
        for _ in range(MOST)
    ]


# Name -> what gives its items; of several languages, to be called with one.
SETS: dict[str, Callable] = {
    "waste": _pictures("trashnet", "test"),
    "photos": _pictures("photos", "images"),
    "news": _news,
    "messages": _messages,
    "conversations": _conversations,
    "passages": _passages,
    "requests": _requests,
    "captions": _captions,
    "sentences": _sentences,
    "letters": _letters,
}
ABOUT = {
    "waste": "photographs of waste, TrashNet",
    "photos": "21 photographs of animals and things",
    "news": "AG News",
    "messages": "SMS",
    "conversations": "DailyDialog",
    "passages": "passages of SQuADShifts",
    "requests": "requests to a bank, Banking77",
    "captions": "captions of photographs",
    "sentences": "everyday sentences",
    "letters": "random letters",
}


def about(name: str) -> str:
    """A set for a card: "captions of photographs (fr)"."""
    kind, _, language = name.partition("/")
    return ABOUT[kind] + (f" ({language})" if language else "")

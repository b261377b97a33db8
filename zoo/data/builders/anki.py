"""Sentence pairs of tatoeba.org as manythings.org/anki gathers them: English with Spanish or French.

The files there grow; the two here are the ones that tutorials have kept: Spanish of 2018-05-13 (TensorFlow, Keras),
French of 2019-04-07 (Dive into Deep Learning).
"""

from __future__ import annotations

import dataclasses
import hashlib
import unicodedata
from collections.abc import Iterator

import tensorflow_datasets as tfds

from zoo.data.builders.plain import PlainBuilder, lines
from zoo.errors import UserError

TEST_SENTENCES = 2000  # English sides of the test split, at most


@dataclasses.dataclass
class AnkiConfig(tfds.core.BuilderConfig):
    """One file: its second language, its name and where it is kept."""

    language: str = ""
    file: str = ""
    url: str = ""


class Anki(PlainBuilder):
    """Pairs without an official split: the English side alone decides, so that no sentence stands on both sides.

    The English side is normalized (NFC, lower-cased, stripped). Where its SHA-256, as a number, is 0 modulo 50, the
    pair is of the test split, where it is 1, of validation, else of train. Train keeps the order of the file, which
    goes from short sentences to long; test and validation go by the hash, so that their first hundred are a fair
    sample, and test ends after 2,000 English sides. Every translation of a sentence is an example of its own.
    """

    SPLITS = ("train", "validation", "test")
    REFERENCES = ("validation", "test")
    BUILDER_CONFIGS = [
        AnkiConfig(
            name="spa-eng",
            language="es",
            file="spa.txt",
            url="https://storage.googleapis.com/download.tensorflow.org/data/spa-eng.zip",
        ),
        AnkiConfig(
            name="fra-eng",
            language="fr",
            file="fra.txt",
            url="https://d2l-data.s3-accelerate.amazonaws.com/fra-eng.zip",
        ),
    ]

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {"en": tfds.features.Text(), self.builder_config.language: tfds.features.Text()}
            ),
            homepage="https://www.manythings.org/anki/",
        )

    def places(self, split: str) -> dict[str, str]:
        config = self.builder_config
        return {f"anki/{config.name}/{config.file}.gz": config.url}

    def read(self, split: str, texts: list[str]) -> Iterator[dict]:
        (text,) = texts
        language = self.builder_config.language
        held: dict[int, list[dict]] = {}  # the hash of an English side -> its pairs
        for number, line in enumerate(lines(text), 1):
            sides = line.split("\t")  # later files than ours tell the sentences' authors in a third column
            if len(sides) < 2:
                raise UserError(f"anki/{self.builder_config.name}: line {number} is no pair: {line!r:.60}")
            english, other = (side.strip() for side in sides[:2])
            value = fingerprint(english)
            if split == part(value):
                if split == "train":
                    yield {"en": english, language: other}
                else:
                    held.setdefault(value, []).append({"en": english, language: other})
        for value in sorted(held)[: TEST_SENTENCES if split == "test" else None]:
            yield from held[value]


def fingerprint(english: str) -> int:
    """SHA-256 of a normalized English side, as a number."""
    normalized = unicodedata.normalize("NFC", english).lower().strip()
    return int(hashlib.sha256(normalized.encode()).hexdigest(), 16)


def part(value: int) -> str:
    """The split of a fingerprint."""
    return {0: "test", 1: "validation"}.get(value % 50, "train")

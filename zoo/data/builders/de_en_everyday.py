"""Everyday sentences of German and English: Tatoeba, and a phrasebook for doctors and authorities."""

from __future__ import annotations

from collections.abc import Iterator

import tensorflow_datasets as tfds

from zoo.data.builders.plain import PlainBuilder, lines
from zoo.errors import UserError

FILES = {"train": "train", "val": "validation", "test": "test"}


class DeEnEveryday(PlainBuilder):
    """176,259, 2,519 and 3,781 pairs, parted by a hash of the sentences: none stands in two splits, on either side.

    Validation is named "val" as in Multi30k, so that "multi30k+de_en_everyday" validates on both. The sentences come
    from several files of tatoeba.org (CC BY 2.0) and of the Refugee Phrasebook (CC0); gathered and parted like this
    they are nowhere to download.
    """

    SPLITS = tuple(FILES)
    REFERENCES = ("val", "test")

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict({"de": tfds.features.Text(), "en": tfds.features.Text()}),
            homepage="https://tatoeba.org",
        )

    def places(self, split: str) -> dict[str, str]:
        return {f"de_en_everyday/{FILES[split]}.tsv.gz": ""}

    def read(self, split: str, texts: list[str]) -> Iterator[dict]:
        (text,) = texts
        header, *rows = (line.split("\t") for line in lines(text))
        if header[:2] != ["de", "en"]:
            raise UserError(f"de_en_everyday: expected the columns de, en in {FILES[split]}.tsv.gz, got {header[:3]}")
        for german, english, *_ in rows:
            yield {"de": german.strip(), "en": english.strip()}

"""Multi30k, task 1: descriptions of pictures in English, German and French (Elliott et al., 2016 and 2017)."""

from __future__ import annotations

from collections.abc import Iterator

import tensorflow_datasets as tfds

from zoo.data.builders.plain import PlainBuilder, lines
from zoo.errors import UserError

LANGUAGES = ("en", "de", "fr")
URL = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw"


class Multi30k(PlainBuilder):
    """29,000, 1,014 and 1,000 sentences, raw and untokenized; a line is the same picture in every language."""

    SPLITS = ("train", "val", "test_2016_flickr")

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict({language: tfds.features.Text() for language in LANGUAGES}),
            homepage="https://github.com/multi30k/dataset",
        )

    def places(self, split: str) -> dict[str, str]:
        names = [f"{split}.{language}.gz" for language in LANGUAGES]
        return {f"multi30k/{name}": f"{URL}/{name}" for name in names}

    def read(self, split: str, texts: list[str]) -> Iterator[dict]:
        sides = [lines(text) for text in texts]
        if len({len(side) for side in sides}) > 1:
            counts = ", ".join(f"{len(side):,} of {name}" for side, name in zip(sides, LANGUAGES, strict=True))
            raise UserError(f"multi30k: the files of {split!r} differ in length: {counts}")
        for sentences in zip(*sides, strict=True):
            yield dict(zip(LANGUAGES, (sentence.strip() for sentence in sentences), strict=True))

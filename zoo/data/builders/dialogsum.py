"""DialogSum: everyday dialogues and their summaries (Chen et al., 2021)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import tensorflow_datasets as tfds

from zoo.data.builders.plain import PlainBuilder, lines

URL = "https://raw.githubusercontent.com/cylnlp/dialogsum/main/DialogSum_Data"


class Dialogsum(PlainBuilder):
    """12,460, 500 and 500 dialogues; those of the test split have three summaries, the others one."""

    SPLITS = ("train", "dev", "test")

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "id": tfds.features.Text(),
                    "dialogue": tfds.features.Text(),
                    "summary": tfds.features.Sequence(tfds.features.Text()),
                }
            ),
            supervised_keys=("dialogue", "summary"),
            homepage="https://github.com/cylnlp/dialogsum",
        )

    def places(self, split: str) -> dict[str, str]:
        return {f"dialogsum/{split}.jsonl.gz": f"{URL}/dialogsum.{split}.jsonl"}

    def read(self, split: str, texts: list[str]) -> Iterator[dict]:
        for line in lines(texts[0]):
            row = json.loads(line)
            names = ("summary1", "summary2", "summary3") if split == "test" else ("summary",)
            yield {
                "id": row["fname"],
                "dialogue": row["dialogue"].strip(),
                "summary": [row[name].strip() for name in names],
            }

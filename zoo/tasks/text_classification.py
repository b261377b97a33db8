"""Text classification: which of the labels does the text deserve?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from zoo.errors import UserError
from zoo.inputs.text import Text
from zoo.inputs.words import Words, vocabulary
from zoo.tasks import text_traits
from zoo.tasks.classification import ClassificationTask
from zoo.tasks.confidence import TRAINING, Confidence, logistic

_FILE = "vocabulary.txt"


class TextClassification(ClassificationTask):
    """Texts -> one of the labels.

    Example:
        task = zoo.load("sentiment-imdb")
        task("A great film.").label
    """

    name = "text-classification"
    inputs = (Text("text"),)
    padding = 0
    numbers = ("foreign", "unknown")

    def __init__(self, model: keras.Model, config: Mapping, vocabulary: Sequence[str]):
        super().__init__(model, config)
        self.words = Words(config["preprocess"], vocabulary)

    def preprocess(self, raw: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """UTF-8 strings `[B]` -> word numbers int32 `[B, T]`, and how many words were used of how many."""
        return self.words(raw["text"])

    def judged(self, features: tf.Tensor, context: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Logits `[B, K]`, and how `foreign` the texts are; without such a rule, the share of `unknown` words."""
        if self.confidence is None:
            return self.outputs(features), {}
        if "weights" in self.confidence.arrays:
            doubts = {"foreign": self.confidence.foreign(self.traits(features))}
        else:
            doubts = {"unknown": text_traits.unknown(features)}
        least = float(np.finfo(np.float32).min)
        doubts = {name: keras.ops.where(context["total_tokens"] > 0, x, least) for name, x in doubts.items()}
        return self.outputs(features), doubts

    def traits(self, features: tf.Tensor) -> tf.Tensor:
        """Word numbers `[B, T]` -> the mean of their vectors, and the share of unknown words, `[B, D + 1]`."""
        return text_traits.traits(features, self.model.get_layer("embedding").embeddings)

    def uncalibrated(self, train, foreign: Sequence | None = None) -> Confidence:
        """A rule that tells the training texts, whole and in parts, from the foreign ones, where there are any."""
        if foreign is None:
            return Confidence({})
        rng = np.random.default_rng(0)
        home = [train.raw[place] for place in rng.permutation(len(train))[:TRAINING]]
        home += [text_traits.excerpt(text, rng) for text in home]  # a review of five words is a review
        return Confidence({}, logistic(self.all_traits(home), self.all_traits(foreign)))

    def resources(self) -> list:
        """The vocabulary's lookup table."""
        return [self.words.table]

    @classmethod
    def config_from_data(cls, config: Mapping, examples) -> tuple[dict, dict]:
        """Makes the vocabulary of the training texts; the declaration's "words" and "least" bound it."""
        declaration = config["preprocess"]
        words = vocabulary(examples.raw, declaration, declaration["words"], declaration.get("least", 1))
        arguments = {**config["arguments"], "classes": len(examples.names), "vocabulary": len(words)}
        return arguments, {"vocabulary": words}

    def own_assets(self) -> dict:
        """The vocabulary."""
        return {"vocabulary": self.words.vocabulary}

    @classmethod
    def assets(cls, folder: Path, config: Mapping) -> dict:
        """The vocabulary of a preset folder, one word a line."""
        path = folder / config["preprocess"].get("vocabulary", _FILE)
        if path.parent != folder or not path.is_file():
            raise UserError(f"{path}: the vocabulary file is missing")
        words = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
        expected = config["arguments"].get("vocabulary", len(words))
        if len(words) != expected:
            raise UserError(f"{path}: expected {expected:,} words, one a line, got {len(words):,}; is it cut?")
        return {"vocabulary": words}

    def write(self, folder: Path) -> None:
        """Writes config, weights and vocabulary."""
        super().write(folder)
        (folder / _FILE).write_text("\n".join(self.words.vocabulary) + "\n", encoding="utf-8")

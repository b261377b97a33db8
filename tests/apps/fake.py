"""Runs `zoo` with a task that answers at once, for tests of everything around the model.

    python fake.py sentiment --model FOLDER ...

The probability of "good" is the share of letters "g"; an image is as good as its file is long, in thousands of bytes.
What a text maker writes is the item in capitals; further texts end in "!". A sample ends in its seed.
Texts that begin with "strange" are marked as of low confidence.
"""

import itertools
import sys
import time

import numpy as np

import zoo
from apps import cli
from zoo import preset
from zoo.errors import UserError
from zoo.inputs import image_files
from zoo.results.base import Failure
from zoo.results.classification import Classification
from zoo.results.generation import Generation


class Task:
    labels = ("bad", "good")

    def predict(self, items, batch_size=32):
        items = iter(items)
        while batch := list(itertools.islice(items, batch_size)):
            yield from map(self.answer, batch)

    def answer(self, item):
        if isinstance(item, Exception):
            return Failure(str(item))
        if isinstance(item, bytes):
            try:
                item = image_files.upright(item)
            except UserError as error:
                return Failure(str(error))
        if isinstance(item, str) and not item.strip():
            return Classification(None, None)
        if item == "crash":
            raise ZeroDivisionError("on\npurpose")
        if item == "sleep":
            time.sleep(30)
        good = min(len(item) / 1000, 1.0) if isinstance(item, bytes) else item.count("g") / len(item)
        scores = sorted({"good": good, "bad": 1 - good}.items(), key=lambda score: -score[1])
        used = {"used_tokens": 512, "total_tokens": len(item)} if len(item) > 512 else {}
        used |= {"low_confidence": isinstance(item, str) and item.startswith("strange")}
        return Classification(*scores[0], tuple(scores), **used)


class Writer:
    """Of 600 letters it reads 512, as one that cannot split its input."""

    searched = []  # what each call of `generate` was asked for

    def generate(self, items, *, seed=0, batch_size=32, **search):
        self.searched.append({"seed": seed, "batch_size": batch_size, **search})
        for item in items:
            yield self.answer(item, seed, **search)

    def answer(self, item, seed, beam=1, n_best=1, max_length=None, temperature=None, top_k=None, top_p=None):
        if isinstance(item, Exception):
            return Failure(str(item))
        if not item.strip():
            return Generation("", None)
        if item == "crash":
            raise ZeroDivisionError("on\npurpose")
        text = item.upper()[:max_length].replace("|", "\n")
        if temperature is not None:
            text += f" {seed}"
        others = tuple((text + "!" * place, -0.5 - place / 4) for place in range(1, n_best))
        used = {"used_tokens": 512, "total_tokens": len(item)} if len(item) == 600 else {}
        used |= {"low_confidence": item.startswith("strange"), "unchanged": item.startswith("brief")}
        return Generation(text, -0.5, others, **used)

    def attention(self, item, text):
        if item == "too long":
            raise UserError("the item is longer than the model reads at once")
        source, target = item.split(), text.split()
        weights = np.eye(len(target), len(source)) * 0.8 + 0.1
        return source, target, weights / weights.sum(1, keepdims=True)


def load(folder, task=None):
    if "broken" in str(folder):
        raise UserError("weights are missing")
    return Task() if "classification" in preset.read_config(preset.find(folder))["task"] else Writer()


if __name__ == "__main__":
    zoo.load = load
    sys.exit(cli.main())

"""Tiny tasks that write, for tests: both tokenizers, random weights."""

import functools

import keras
import numpy as np

from zoo import tasks
from zoo.data.texts.pairs import Pairs

TEXTS = (
    "A dog runs through the snow.",
    "Two men are standing in front of a red house.",
    "Ein Hund läuft durch den Schnee.",
    "Zwei Männer stehen vor einem roten Haus.",
    "The cat, the fox and the elk sleep.",
)
PREPROCESS = {
    "sentencepiece": {"kind": "sentencepiece", "length": 16, "pieces": 330, "vocabulary": "tokenizer.spm"},
    "words": {"kind": "words", "lowercase": None, "pattern": r"\pL+|\pN+|[.,!?]", "length": 16, "words": 60},
}


def pairs(sources, targets=None) -> Pairs:
    """Pairs of texts; the targets are the sources where none are given, and may be tuples of references."""
    raw, held = np.empty(len(sources), object), np.empty(len(sources), object)
    for place, text in enumerate(sources):
        target = text if targets is None else targets[place]
        raw[place], held[place] = text, (target,) if isinstance(target, str) else tuple(target)
    return Pairs(raw, held, "here")


def config(kind: str = "sentencepiece", task: str = "translation", **changes) -> dict:
    """A preset's `config.json` before there is a vocabulary."""
    return {
        "name": "tiny",
        "task": task,
        "model": "transformer",
        "arguments": {"width": 8, "layers": 1, "heads": 2, "hidden": 8, "tied": False},
        "preprocess": PREPROCESS[kind],
        "decoding": {"beam": 1, "max_length": 6},
        "languages": ["de", "en"],
        "data": "none",
        "data_terms": "none",
        **changes,
    }


@functools.cache
def vocabulary(kind: str) -> bytes:
    """The tokenizer's vocabulary, learned from TEXTS."""
    return tasks.get("translation").config_from_data(config(kind), pairs(TEXTS))[1]["vocabulary"]


@functools.cache
def writer(kind: str = "sentencepiece", task: str = "translation"):
    """A task of random weights: what it writes hangs on what it reads."""
    keras.utils.set_random_seed(3)
    cls, declared = tasks.get(task), config(kind, task)
    arguments, assets = cls.config_from_data(declared, pairs(TEXTS))
    made = cls.create({**declared, "arguments": arguments}, **assets)
    rng = np.random.default_rng(4)
    for variable in made.model.weights:
        if not variable.path.endswith("gamma"):
            variable.assign(rng.normal(0, 0.6, variable.shape))
    return made

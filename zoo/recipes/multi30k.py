"""Base of the Multi30k recipes: captions of photographs, 29,000 pairs (Elliott et al. 2016)."""

from __future__ import annotations

from zoo.data.tables.languages import ENGLISH
from zoo.recipe import Recipe

LANGUAGES = ("de", "en", "fr")
TERMS = (
    "Multi30k (Elliott et al. 2016, arXiv:1605.00459), derived from Flickr30K: non-commercial research and education. "
    "The weights are for the same use"
)


def recipe(source: str, target: str, sampling: float = 0.5, **fields) -> Recipe:
    """A Transformer's recipe on Multi30k.

    Args:
        source: The language that is read.
        target: The language that is written.
        sampling: Smoothness of the segmentations that are drawn in each epoch.
        **fields: Of the recipe; they win over what is said here.
    """
    return Recipe(
        **{
            "app": "translate",
            "task": "translation",
            "data": "multi30k",
            "splits": ("train", "test_2016_flickr"),
            "columns": {"source_column": source, "target_column": target},
            "data_terms": TERMS,
            "model": "transformer",
            "arguments": {"width": 160, "layers": 3, "heads": 4, "hidden": 640, "dropout": 0.2},
            "preprocess": {
                "kind": "sentencepiece",
                "length": 64,
                "pieces": 4000,
                "sampling": sampling,
                "vocabulary": "tokenizer.spm",
            },
            "options": {
                "languages": (source, target),
                "label_smoothing": 0.1,
                "decoding": {"beam": 5, "length_penalty": 1.0, "max_length": 80},
            },
            "optimizer": "adam",
            "optimizer_arguments": {"beta_2": 0.98},
            "learning_rate": 2.5e-3,
            "warmup": 0.08,
            "batch_size": 128,
            "epochs": 25,
            "validation": "val",
            "metric": "bleu",
            "tolerance": 1.0,
            "about": f"Translates a caption of a photograph from {ENGLISH[source]} into {ENGLISH[target]}.",
            "limits": (
                "It has read 29,000 captions of photographs: of politics, law or a chat it knows nothing.",
                "A text of more than 64 pieces is translated sentence by sentence.",
                "Signs that no caption has, emoji or another alphabet, it cannot spell: what stands for them is noise.",
                "What it has not read it may leave out or replace by what captions often say.",
            ),
            "strangers": (
                *(f"captions/{language}" for language in LANGUAGES if language != source),
                "sentences/es",
                "news",
                "letters",
            ),
            **fields,
        }
    )

"""translate-en-fr: captions of photographs and everyday sentences from English into French (Multi30k and Tatoeba)

    zoo train translate-en-fr --out runs/en-fr

A Transformer as translate-en-de's, in two trainings: first on the captions among 160,000 pairs of Tatoeba, which know
far more words, then on the captions alone, which were but one pair in six.
"""

from __future__ import annotations

from zoo.recipes.multi30k import TERMS, recipe

BOTH = {
    "name": "translate-en-fr",
    "data_terms": f"{TERMS}. Sentence pairs of Tatoeba (tatoeba.org, manythings.org/anki): CC BY 2.0",
    "arguments": {"width": 160, "layers": 3, "heads": 4, "hidden": 640, "dropout": 0.15},
    "epochs": 10,
}
START = recipe("en", "fr", data="multi30k+anki/fra-eng", splits=("train", None), batch_size=256, **BOTH)

RECIPE = recipe(
    "en",
    "fr",
    start=START,
    learning_rate=1e-3,
    warmup=0.05,
    expected=55.62,
    minutes=104.1,
    limits=(
        "It has read 29,000 captions of photographs and 160,000 short everyday sentences: no news, law or science.",
        "The captions came last: of two ways to say it, it takes that of captions; questions it has half forgotten.",
        "A text of more than 64 pieces is translated sentence by sentence.",
        "Signs that no pair has, emoji or another alphabet, it cannot spell: what stands for them is noise.",
    ),
    **BOTH,
)

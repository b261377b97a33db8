"""translate-en-fr: captions of photographs and everyday sentences from English into French (Multi30k and Tatoeba)

    zoo train translate-en-fr --out runs/en-fr

A Transformer as translate-en-de's. Multi30k alone has the split that chooses and the one that is measured on, so the
160,000 pairs of Tatoeba only teach.
"""

from __future__ import annotations

from zoo.recipes.multi30k import TERMS, recipe

RECIPE = recipe(
    "en",
    "fr",
    name="translate-en-fr",
    data="multi30k+anki/fra-eng",
    data_terms=f"{TERMS}. Sentence pairs of Tatoeba (tatoeba.org, manythings.org/anki): CC BY 2.0",
    arguments={"width": 160, "layers": 3, "heads": 4, "hidden": 640, "dropout": 0.15},
    batch_size=256,
    epochs=10,
    about="Translates a caption of a photograph, or an everyday sentence, from English into French.",
    limits=(
        "It has read 29,000 captions of photographs and 160,000 short everyday sentences: no news, law or science.",
        "French has two words for 'you': it picks one, without knowing who is spoken to.",
        "A text of more than 64 pieces is translated sentence by sentence.",
        "Signs that no pair has, emoji or another alphabet, it cannot spell: what stands for them is noise.",
    ),
)

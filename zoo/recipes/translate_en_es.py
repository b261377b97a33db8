"""translate-en-es: everyday sentences from English into Spanish (Tatoeba)

    zoo train translate-en-es --out runs/en-es

A Transformer as translate-de-en's. 114,000 short pairs are enough to learn from without drawing pieces anew.
The test sentences are those English sides whose SHA-256 says so; all their Spanish sides are references.
"""

from __future__ import annotations

from zoo.recipe import Recipe

RECIPE = Recipe(
    name="translate-en-es",
    app="translate",
    task="translation",
    data="anki/spa-eng",
    columns={"source_column": "en", "target_column": "es"},
    data_terms="Sentence pairs of Tatoeba (tatoeba.org, manythings.org/anki): CC BY 2.0",
    model="transformer",
    arguments={"width": 160, "layers": 3, "heads": 4, "hidden": 640, "dropout": 0.1},
    preprocess={"kind": "sentencepiece", "length": 64, "pieces": 4000, "vocabulary": "tokenizer.spm"},
    options={
        "languages": ("en", "es"),
        "label_smoothing": 0.1,
        "decoding": {"beam": 5, "length_penalty": 1.0, "max_length": 80},
    },
    optimizer="adam",
    optimizer_arguments={"beta_2": 0.98},
    learning_rate=2.5e-3,
    warmup=0.08,
    batch_size=256,
    epochs=10,
    validation="validation",
    metric="bleu",
    expected=48.00,
    tolerance=1.0,
    minutes=34.0,
    about="Translates an everyday English sentence into Spanish.",
    limits=(
        "It has read short everyday sentences: long ones, technical terms and names it translates badly.",
        "Spanish has several words for 'you': it picks one, without knowing who is spoken to.",
        "A text of more than 64 pieces is translated sentence by sentence.",
    ),
    strangers=("captions/de", "captions/fr", "sentences/es", "news", "letters"),
)

"""summarize-dialogue: what was said, in a few sentences (DialogSum)

    zoo train summarize-dialogue --out runs/summaries

A pointer-generator: from 12,460 dialogues it cannot learn to spell every name, so it copies them. Pieces are not drawn
anew in each epoch: a word is copied as it is cut.
"""

from __future__ import annotations

from zoo.recipe import Comparison, Recipe

RECIPE = Recipe(
    name="summarize-dialogue",
    app="summarize",
    task="summarization",
    data="dialogsum",
    columns={"source_column": "dialogue", "target_column": "summary"},
    data_terms="DialogSum (Chen et al. 2021, Findings of ACL): CC BY-NC-SA 4.0. The weights are for the same use",
    model="pointer_generator",
    arguments={"width": 160, "units": 224, "coverage": 0.5, "smoothing": 0.1, "dropout": 0.25},
    preprocess={"kind": "sentencepiece", "length": 400, "pieces": 4000, "vocabulary": "tokenizer.spm"},
    options={"decoding": {"beam": 4, "length_penalty": 1.0, "max_length": 100}},
    optimizer="adam",
    optimizer_arguments={"global_clipnorm": 1.0},
    learning_rate=2e-3,
    warmup=0.08,
    batch_size=48,
    epochs=14,
    validation="dev",
    metric="rouge1",
    expected=38.52,
    tolerance=1.0,
    minutes=99.7,
    about="Summarizes a dialogue between #Person1# and #Person2# in a few sentences.",
    comparisons=(
        Comparison("Lead-3: the first three turns (ROUGE-2 6.7, ROUGE-L 20.4)", 26.95, "benchmarks/baselines.py"),
    ),
    limits=(
        "It has read 12,460 everyday dialogues whose speakers are called #Person1# and #Person2#.",
        "It reads the first 400 pieces, about 300 words, and says how many there were.",
        "It writes what such dialogues are often about: names, numbers and who did what may be wrong.",
    ),
    strangers=("captions/de", "news", "letters"),
)

"""summarize-dialogue: what was said, in a few sentences (DialogSum)

    zoo train summarize-dialogue --out runs/summaries

A Transformer of the size of translate-de-en's, that reads the first 400 pieces of a dialogue.
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
    model="transformer",
    arguments={"width": 160, "layers": 3, "heads": 4, "hidden": 640, "dropout": 0.2},
    preprocess={"kind": "sentencepiece", "length": 400, "pieces": 4000, "vocabulary": "tokenizer.spm"},
    decoding={"beam": 4, "length_penalty": 1.0, "max_length": 100},
    optimizer="adam",
    optimizer_arguments={"beta_2": 0.98},
    learning_rate=2e-3,
    warmup=0.08,
    batch_size=48,
    epochs=20,
    label_smoothing=0.1,
    validation="dev",
    metric="rouge1",
    about="Summarizes a dialogue between #Person1# and #Person2# in a few sentences.",
    comparisons=(
        Comparison("Lead-3: the first three turns (ROUGE-2 6.7, ROUGE-L 20.4)", 26.95, "benchmarks/baselines.py"),
    ),
    limits=(
        "It has read 12,460 everyday dialogues whose speakers are called #Person1# and #Person2#.",
        "It reads the first 400 pieces, about 300 words, and says how many there were.",
        "It writes what such dialogues are often about: names, numbers and who did what may be wrong.",
    ),
)

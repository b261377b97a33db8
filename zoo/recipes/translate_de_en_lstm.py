"""translate-de-en-lstm: captions of photographs from German into English by an LSTM with attention (Multi30k)

    zoo train translate-de-en-lstm --out runs/de-en-lstm

Luong's attention with input feeding, beside the Transformer of translate-de-en: the same pieces, data and search.
"""

from __future__ import annotations

from zoo.recipes.multi30k import recipe

RECIPE = recipe(
    "de",
    "en",
    name="translate-de-en-lstm",
    model="lstm_attention",
    arguments={"width": 192, "units": 232, "attention": "luong", "dropout": 0.3},
    optimizer_arguments={"global_clipnorm": 1.0},
    learning_rate=2e-3,
    epochs=14,
    expected=37.82,
    minutes=19.4,
)

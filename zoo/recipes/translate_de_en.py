"""translate-de-en: captions of photographs from German into English (Multi30k)

    zoo train translate-de-en --out runs/de-en

A Transformer whose 4,000 pieces serve both languages. What makes the most of 29,000 pairs: in each epoch every word may
fall into other pieces (subword regularization, Kudo 2018, arXiv:1804.10959), dropout of 0.2, and one embedding for
source, target and output.
"""

from __future__ import annotations

from zoo.recipes.multi30k import recipe

RECIPE = recipe("de", "en", name="translate-de-en", sampling=0.2, expected=38.67, minutes=61.8)

"""translate-en-de: captions of photographs from English into German (Multi30k)

    zoo train translate-en-de --out runs/en-de

As translate-de-en, the other way round, and with words that fall into other pieces less often.
"""

from __future__ import annotations

from zoo.recipes.multi30k import recipe

RECIPE = recipe("en", "de", name="translate-en-de", expected=38.21, minutes=47.6)

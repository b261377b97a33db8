"""Writes the shipped presets' cards again, after a recipe's words or the form of the card have changed.

python tests/zoo/write_cards.py
"""

import zoo
from zoo import card, preset, recipes

if __name__ == "__main__":
    for name in zoo.presets():
        folder = preset.find(name)
        written = card.text(recipes.get(name), preset.read_config(folder), preset.read_scores(folder))
        (folder / "card.md").write_text(written, encoding="utf-8")

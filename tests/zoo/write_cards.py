"""Writes the shipped presets' cards and curves again, after a recipe's words or the form of either have changed.

python tests/zoo/write_cards.py
"""

import csv

import zoo
from zoo import preset, recipes
from zoo.training import card, curve


def history(folder):
    """The rows of history.csv as numbers."""
    with open(folder / "history.csv", newline="", encoding="utf-8") as stream:
        return [
            {name: int(value) if name == "epoch" else float(value) for name, value in row.items()}
            for row in csv.DictReader(stream)
        ]


if __name__ == "__main__":
    for name in zoo.presets():
        folder, recipe = preset.find(name), recipes.get(name)
        written = card.text(recipe, preset.read_config(folder), preset.read_scores(folder))
        (folder / "card.md").write_text(written, encoding="utf-8")
        curve.draw(history(folder), recipe, folder / "curve.png", title=name)

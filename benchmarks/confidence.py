"""Low confidence of a preset's answers: sets the limits anew, and measures the shares.

    python benchmarks/confidence.py classify-fashion sentiment-imdb
    python benchmarks/confidence.py --shares translate-de-en     # measures only

The limits are set on the validation examples of the preset's recipe. The test split and the foreign items, which the
recipe calls strangers, are answered once, for the shares. Writes config.json, confidence.npz, scores.json, card.md of
the preset's folder. Needs the data (ZOO_DATA_DIR).
"""

from __future__ import annotations

import argparse
import time

import zoo
from zoo import preset, recipes
from zoo.training import calibration, card, sets


def renew(name: str, shares: bool) -> None:
    """Calibrates a preset and prints the shares.

    Args:
        name: A shipped preset.
        shares: Whether its limits stay, and the shares alone are measured.
    """
    started = time.monotonic()
    folder, recipe, task = preset.find(name), recipes.get(name), zoo.load(name)
    train, held, test = sets.load(recipe, type(task))
    if not shares:
        task.config |= recipe.introduction
        calibration.calibrate(task, recipe, train, held, False, print)
        task.write_config(folder)
    scores = preset.read_scores(folder)
    _, low = calibration.measured(task, test)
    scores["low_confidence"] = low | {"foreign": calibration.strangers(task, recipe, print)}
    preset.write_json(folder / "scores.json", scores)
    (folder / "card.md").write_text(card.text(recipe, preset.read_config(folder), scores), encoding="utf-8")
    rows = {f"{scores['data']}, {scores['split']} split": low, **scores["low_confidence"]["foreign"]}
    for what, row in rows.items():
        print(f"{name}: {row['share']:.1%} of {row['n']:,} marked: {what}")
    print(f"{name}: limits {task.confidence.limits} ({time.monotonic() - started:.0f} s)", flush=True)


def main() -> None:
    """Calibrates the named presets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="+", choices=zoo.presets(), metavar="PRESET")
    parser.add_argument("--shares", action="store_true", help="keep the limits")
    arguments = parser.parse_args()
    for name in arguments.presets:
        renew(name, arguments.shares)


if __name__ == "__main__":
    main()

"""`zoo quickstart`: the whole road on real data in a minute: train, save, export, reload, compare, answer."""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path

SENTENCE = "I expected a dull evening and got the best film of the year."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `zoo quickstart` takes."""
    parser.description = (
        "Train a small network on handwritten digits with our Adam, save it as a preset, export it, reload the export "
        "in a fresh process, and answer a sentence with the shipped sentiment preset. About a minute, offline."
    )
    parser.add_argument("--out", metavar="DIR", default="runs/quickstart", help="preset folder (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Shows the road; answers the exit status."""
    import zoo
    from zoo import data, export, preset, recipes, training

    started = time.monotonic()
    out = Path(arguments.out)
    if (out / "config.json").is_file() and preset.read_config(out)["name"] == "quickstart":
        shutil.rmtree(out)  # what an earlier quickstart made

    print("1. Train LeNet-5 on scikit-learn's 1,797 handwritten digits, with model.fit and our Adam")
    task = training.fit(
        recipes.get("quickstart"), out, command="zoo quickstart", say=lambda line: print(f"   {line}"), verbose=0
    )
    print(f"   preset {out} with its card, scores and learning curve ({out / 'curve.png'})\n")

    print("2. Export it as a SavedModel from image bytes to labels, and reload that where only TensorFlow is loaded")
    folder = export.saved_model(task, out.parent / "export")
    test = data.load("digits", "test", kind="image")
    digit = out.parent / "digit.png"
    digit.write_bytes(test.raw[0])
    here = task(digit)
    there = export.reload(folder, task, [test.raw[0]])
    print(f"   {folder}")
    print(f"   {digit} shows a {test.names[test.labels[0]]}:")
    print(f"     the task says       {here.label} ({here.probability:.6f})")
    print(f"     the SavedModel says {there['labels'][0][0]} ({there['scores'][0][0]:.6f})\n")

    print("3. Answer a sentence with the shipped preset sentiment-imdb")
    opinion = zoo.load("sentiment-imdb")(SENTENCE)
    print(f'   "{SENTENCE}"\n     {opinion.label} ({opinion.probability:.3f})\n')

    print(f"Done in {time.monotonic() - started:.0f} s. Next, for example:")
    for command in (
        f"zoo classify --model {out} {digit}",
        'zoo sentiment "Two hours of my life that I will not get back."',
        f"zoo evaluate {out} --report {out.parent / 'report'}",
        "zoo show sentiment-imdb",
        "zoo list presets",
    ):
        print(f"  {command}")
    return 0

"""`zoo evaluate`: how good is a preset, on its own test data or on yours?"""

from __future__ import annotations

import argparse
import json
import sys

from apps.reading import columns
from zoo.errors import UserError

EXAMPLES = """\
examples:
  zoo evaluate classify-fashion                        on the test data of its card
  zoo evaluate runs/mine --data test.csv --json
  zoo evaluate runs/mine --data photos/ --report report
  zoo evaluate translate-de-en --data pairs.tsv        columns: de, en
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `zoo evaluate` takes."""
    parser.description = "Measure a preset on its own test data, or on labelled data of yours."
    parser.epilog = EXAMPLES
    parser.add_argument("preset", metavar="PRESET|FOLDER", help="a preset's name or folder")
    parser.add_argument("--data", metavar="F", help="own data: a .csv, .tsv, .jsonl file, or a folder of class folders")
    columns.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument(
        "--report",
        metavar="DIR",
        help="write metrics and the 20 worst examples, of classifiers the confusion matrix and a picture",
    )


def run(arguments: argparse.Namespace) -> int:
    """Measures; returns 1 where some of the data could not be read."""
    from zoo import preset

    folder = preset.find(arguments.preset)
    config = preset.read_config(folder)
    data = arguments.data or config.get("data", "unknown data")
    split = None if arguments.data else _split(folder, config)
    languages = config.get("languages", ())
    named = columns.chosen(arguments, config["task"], languages)
    if languages and arguments.data:
        named["languages"] = tuple(languages)

    import zoo
    from zoo import interval, metrics
    from zoo.data import sources
    from zoo.data.examples import without

    task = zoo.load(arguments.preset)
    split = sources.measured_split(data) if arguments.data else split
    examples = type(task).load_examples(data, split, **named).renamed(task.labels)
    if not arguments.quiet and (not arguments.json or sys.stderr.isatty()):
        for note in examples.notes:
            print(note, file=sys.stderr if arguments.json else sys.stdout)
    bad = {}
    marks: list[bool] = []
    answers = task.answers(examples, bad, marks)  # read and answered once: scores and report follow from it
    examples, notes = without(examples, bad)
    for note in notes:
        print(f"zoo: {note}", file=sys.stderr)
    if not len(examples):
        raise UserError(f"{data}: no example to measure on")
    measured = {
        "preset": config["name"],
        "data": data,
        "split": split,
        "n": len(examples),
        "metrics": task.measure(examples, answers),
    }
    shares = {name: value for name, value in measured["metrics"].items() if metrics.is_share(name)}
    if shares:
        ends = {name: interval.wilson(value, len(examples)) for name, value in shares.items()}
        measured["interval"] = {name: [round(end, 4) for end in pair] for name, pair in ends.items()}
    if marks:
        measured["low_confidence"] = sum(marks) / len(marks)
    if seen := _trained_on(task, folder, config, arguments.data, examples):
        measured["trained_on"] = seen
    if arguments.report:
        from apps.writing import report

        written = report.write(arguments.report, measured, task, examples, answers)
        if not (arguments.json or arguments.quiet):
            print(f"Written: {arguments.report} ({', '.join(written)})")
    if arguments.json:
        print(json.dumps(measured, ensure_ascii=False))
    else:
        place = f"{data}, split {split}" if split else data
        print(f"{config['name']} on {measured['n']:,} examples of {place}:")
        for name, value in measured["metrics"].items():
            trust = f" ({interval.told(value, len(examples))})" if name in shares else ""
            print(f"  {name} {metrics.counted(name, value)}{trust}")
        if marks:
            print(f"  low confidence {measured['low_confidence']:.4f}")
        if seen:
            print(f"{seen:,} of {len(examples):,} examples were trained on: for these the score says nothing.")
    return 1 if notes else 0


def _trained_on(task, folder, config: dict, data: str | None, examples) -> int:
    """Number of the person's examples that the preset has learned from, as far as it knows."""
    from zoo import recipes
    from zoo.data.examples import fingerprints, overlap, trained_on

    name = config["name"]
    if data is None or data != config.get("data") or name not in recipes.names():
        return trained_on(folder, examples) if data is not None else 0
    recipe = recipes.get(name)  # a data set by its name: all its splits
    train = type(task).load_examples(recipe.data, recipe.splits[0], **recipe.columns)
    return overlap(fingerprints(train), examples)


def _split(folder, config: dict) -> str:
    """The name of the test split that the preset's card was measured on."""
    from zoo import preset

    scores = preset.read_scores(folder) or {}
    if scores.get("split") in (None, "validation"):
        raise UserError(
            f"{folder} was trained on {config.get('data', 'unknown data')}, which has no test split: "
            "name labelled data by --data F"
        )
    return scores["split"]


if __name__ == "__main__":
    from apps import cli

    sys.exit(cli.main(["evaluate", *sys.argv[1:]]))

"""`zoo evaluate`: how good is a preset, on its own test data or on yours?"""

from __future__ import annotations

import argparse
import json
import sys

from zoo.errors import UserError

EXAMPLES = """\
examples:
  zoo evaluate classify-fashion                        on the test data of its card
  zoo evaluate runs/mine --data test.csv --json
  zoo evaluate runs/mine --data photos/ --report report
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `zoo evaluate` takes."""
    parser.description = "Measure a preset on its own test data, or on labelled data of yours."
    parser.epilog = EXAMPLES
    parser.add_argument("preset", metavar="PRESET|FOLDER", help="a preset's name or folder")
    parser.add_argument("--data", metavar="F", help="own data: a folder of class folders, or a .csv, .tsv, .jsonl file")
    parser.add_argument("--text-column", metavar="C", default="text", help="column of texts (default: %(default)s)")
    parser.add_argument("--label-column", metavar="C", default="label", help="column of labels (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument(
        "--report",
        metavar="DIR",
        help="write metrics, confusion matrix and the 20 worst examples, as picture and table",
    )


def run(arguments: argparse.Namespace) -> int:
    """Measures; returns 1 where some of the data could not be read."""
    from zoo import preset

    folder = preset.find(arguments.preset)
    config = preset.read_config(folder)
    split = None if arguments.data else _split(folder, config)

    import zoo
    from zoo import data
    from zoo.data.examples import without

    task = zoo.load(arguments.preset)
    examples = data.load(
        arguments.data or config["data"],
        split,
        kind=config["task"].partition("-")[0],
        text_column=arguments.text_column,
        label_column=arguments.label_column,
    ).renamed(task.labels)
    if not arguments.json:
        for note in examples.notes:
            print(note)
    examples = examples.take(examples.labels >= 0)  # some public test splits keep their labels to themselves
    bad = {}
    probabilities = task.probabilities(examples, bad=bad)  # read and answered once: scores and report follow from it
    examples, notes = without(examples, bad)
    for note in notes:
        print(f"zoo: {note}", file=sys.stderr)
    if not len(examples):
        raise UserError(f"{arguments.data or config['data']}: no example to measure on")
    measured = {
        "preset": config["name"],
        "data": arguments.data or config["data"],
        "split": split,
        "n": len(examples),
        "metrics": task.score(examples.labels, probabilities),
    }
    if arguments.report:
        from apps import report

        report.write(arguments.report, measured, task.labels, examples, probabilities)
        if not arguments.json:
            print(f"Written: {arguments.report} ({', '.join(report.FILES)})")
    if arguments.json:
        print(json.dumps(measured, ensure_ascii=False))
    else:
        place = f"{measured['data']}, split {split}" if split else measured["data"]
        print(f"{config['name']} on {measured['n']:,} examples of {place}:")
        for name, value in measured["metrics"].items():
            print(f"  {name} {value:.4f}")
    return 1 if notes else 0


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

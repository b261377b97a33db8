"""`zoo list`: what there is."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from zoo.errors import UserError, nearest
from zoo.metrics import shown

EXAMPLES = """\
examples:
  zoo list
  zoo list models
  zoo list presets --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `zoo list` takes."""
    parser.description = "List the shipped presets, or the models, recipes or optimizers."
    parser.epilog = EXAMPLES
    kinds = "|".join(KINDS)
    parser.add_argument("kind", metavar=kinds, nargs="?", default="presets", help="what to list (default: presets)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(arguments: argparse.Namespace) -> int:
    """Prints the list."""
    if arguments.kind not in KINDS:
        raise UserError(f"cannot list {arguments.kind!r}{nearest(arguments.kind, KINDS)}")
    entries = list(KINDS[arguments.kind]())
    if arguments.json:
        for entry in entries:
            print(json.dumps(entry, ensure_ascii=False))
        return 0
    if not entries:
        print(f"There are no {arguments.kind} here.")
    else:
        _SHOWN[arguments.kind](entries)
    return 0


def presets() -> Iterator[dict]:
    """The shipped presets with their scores, sizes and the terms of their data."""
    from zoo import preset

    for name in preset.names():
        folder = preset.ROOT / name
        config = preset.read_config(folder)
        scores = preset.read_scores(folder) or {}
        yield {
            "name": name,
            "task": config["task"],
            "model": config["model"],
            "metrics": scores.get("metrics", {}),
            "split": scores.get("split"),
            "bytes": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
            **{key: config[key] for key in ("labels", "languages") if key in config},
            "data": config.get("data"),
            "data_terms": config.get("data_terms"),
        }


def models() -> Iterator[dict]:
    """The architectures of the catalog."""
    from zoo import catalog

    for entry in catalog.CATALOG:
        yield {key: getattr(entry, key) for key in ("name", "task", "parameters", "paper", "licence")}


def recipes() -> Iterator[dict]:
    """The recipes of `zoo train`."""
    from zoo import recipes

    for name in recipes.names():
        recipe = recipes.get(name)
        yield {
            key: getattr(recipe, key)
            for key in ("name", "app", "data", "model", "metric", "expected", "tolerance", "minutes")
        }


def optimizers() -> Iterator[dict]:
    """The names that `zoo train --optimizer` takes."""
    from apps.reading import definitions

    for name in definitions.optimizers():
        about, rule, _ = definitions.optimizer(name)
        yield {"name": name, "about": about, "rule": rule}


def _presets(entries: list[dict]) -> None:
    def answers(entry):
        return f"{len(entry['labels'])} labels" if "labels" in entry else " to ".join(entry.get("languages", ()))

    def scores(entry):
        numbers = {key: value for key, value in entry["metrics"].items() if not isinstance(value, str)}
        return ", ".join(f"{key} {shown(key, value)}" for key, value in numbers.items()) or "not evaluated"

    _table(
        ("preset", "task", "answers", "MB", "test score"),
        ((e["name"], e["task"], answers(e), f"{e['bytes'] / 1e6:.1f}", scores(e)) for e in entries),
    )
    print()
    _table(
        ("preset", "data and their terms"),
        ((e["name"], e["data_terms"] or "not known") for e in entries),
    )


def _models(entries: list[dict]) -> None:
    _table(
        ("model", "parameters", "task", "paper"),
        ((e["name"], f"{e['parameters']:,}", e["task"], e["paper"]) for e in entries),
    )


def _recipes(entries: list[dict]) -> None:
    def expected(entry):
        return "" if entry["expected"] is None else f"{entry['metric']} {shown(entry['metric'], entry['expected'])}"

    def minutes(entry):
        return "" if entry["minutes"] is None else f"{entry['minutes']:.0f}"

    _table(
        ("recipe", "app", "data", "model", "test score", "min"),
        ((e["name"], e["app"], e["data"] or "your own", e["model"], expected(e), minutes(e)) for e in entries),
        wrapped="test score",
    )


def _optimizers(entries: list[dict]) -> None:
    names = max(len(entry["name"]) for entry in entries)
    width = _console().width - names - 4

    def lines(entry):
        yield from textwrap.wrap(entry["about"], width)
        for line in entry["rule"]:
            yield from textwrap.wrap(f"  {line}", width, subsequent_indent=" " * 6)
        yield ""

    rule = "rule: w a weight, g its gradient, lr the rate, t the step"
    _table(("optimizer", rule), ((e["name"], "\n".join(lines(e))) for e in entries))


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], wrapped: str | None = None) -> None:
    """Prints columns under their names; nothing is cut.

    Args:
        header: The names.
        rows: A text for each column.
        wrapped: The column whose texts are wrapped where the terminal is too narrow; None is the last one.
    """
    from rich.table import Table
    from rich.text import Text

    console, rows = _console(), [tuple(map(Text, row)) for row in rows]
    whole = [
        max(len(name), *map(len, column)) + 2
        for name, column in zip(header, zip(*rows, strict=True), strict=True)
        if name != (wrapped or header[-1])
    ]
    narrow = sum(whole) + 8 > console.width  # then every column is wrapped
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in header:
        justify = "right" if name in ("MB", "parameters", "min") else "left"
        table.add_column(
            name, justify=justify, no_wrap=not (narrow or name == (wrapped or header[-1])), overflow="fold"
        )
    for row in rows:
        table.add_row(*row)
    with console.capture() as captured:
        console.print(table)
    print("\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n")))


def _console():
    """As wide as the terminal; a program that reads a table finds each row on one line."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else 10_000)


KINDS = {"presets": presets, "models": models, "recipes": recipes, "optimizers": optimizers}
_SHOWN = {"presets": _presets, "models": _models, "recipes": _recipes, "optimizers": _optimizers}

if __name__ == "__main__":
    from apps import cli

    sys.exit(cli.main(["list", *sys.argv[1:]]))

"""`zoo list`: what there is."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterable, Iterator

from zoo.errors import UserError, nearest
from zoo.recipe import shown

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
    for line in _SHOWN[arguments.kind](entries):
        print(line)
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
    """What `zoo train` follows."""
    from zoo import recipes

    for name in recipes.names():
        recipe = recipes.get(name)
        yield {
            key: getattr(recipe, key)
            for key in ("name", "app", "data", "model", "metric", "expected", "tolerance", "minutes")
        }


def optimizers() -> Iterator[dict]:
    """The names that `zoo train --optimizer` takes."""
    import optimizers

    for name in optimizers.names():
        rule = (getattr(optimizers, name).__doc__ or "").strip().split("\n")[0]
        yield {"name": name, "about": rule}


def _presets(entries: list[dict]) -> Iterator[str]:
    for entry in entries:
        numbers = {key: value for key, value in entry["metrics"].items() if not isinstance(value, str)}
        scores = ", ".join(f"{key} {shown(key, value)}" for key, value in numbers.items()) or "not evaluated"
        about = f"{len(entry['labels'])} labels, " if "labels" in entry else ""
        about += f"{' to '.join(entry['languages'])}, " if "languages" in entry else ""
        yield f"{entry['name']}: {entry['task']}, {about}{entry['bytes'] / 1e6:.1f} MB"
        yield from _wrapped(f"{scores} on {entry['data']} ({entry['split']})")
        yield from _wrapped(f"data: {entry['data_terms']}")


def _models(entries: list[dict]) -> Iterator[str]:
    return _columns((e["name"], f"{e['parameters']:,}", e["task"], e["paper"]) for e in entries)


def _recipes(entries: list[dict]) -> Iterator[str]:
    def expected(entry):
        return "-" if entry["expected"] is None else f"{entry['metric']} {shown(entry['metric'], entry['expected'])}"

    def minutes(entry):
        return "-" if entry["minutes"] is None else f"{entry['minutes']:g} min"

    return _columns((e["name"], e["app"], e["data"], e["model"], expected(e), minutes(e)) for e in entries)


def _optimizers(entries: list[dict]) -> Iterator[str]:
    return _columns((e["name"], e["about"]) for e in entries)


def _columns(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    rows = [tuple(map(str, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 96, initial_indent="    ", subsequent_indent="      ")


KINDS = {"presets": presets, "models": models, "recipes": recipes, "optimizers": optimizers}
_SHOWN = {"presets": _presets, "models": _models, "recipes": _recipes, "optimizers": _optimizers}

if __name__ == "__main__":
    from apps import cli

    sys.exit(cli.main(["list", *sys.argv[1:]]))

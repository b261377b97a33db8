"""`zoo show`: a preset's card."""

from __future__ import annotations

import argparse
import sys

from zoo.errors import UserError

EXAMPLES = """\
examples:
  zoo show sentiment-imdb
  zoo show runs/mine
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `zoo show` takes."""
    parser.description = "Print a preset's card: what it does, its data and their terms, its scores and limits."
    parser.epilog = EXAMPLES
    parser.add_argument("preset", metavar="PRESET", help="a preset's name (zoo list presets) or folder")


def run(arguments: argparse.Namespace) -> int:
    """Prints the card; formatted on a terminal, as it stands elsewhere."""
    from zoo import preset

    path = preset.find(arguments.preset) / "card.md"
    try:
        card = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(card))
    else:
        print(card.rstrip("\n"))
    return 0


if __name__ == "__main__":
    from apps import cli

    sys.exit(cli.main(["show", *sys.argv[1:]]))

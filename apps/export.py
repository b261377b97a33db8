"""`zoo export`: a preset as a SavedModel that takes raw bytes or strings."""

from __future__ import annotations

import argparse
import sys

EXAMPLES = """\
examples:
  zoo export sentiment-imdb serving            writes serving/sentiment-imdb/1/
  zoo export runs/mine serving --version 7
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `zoo export` takes."""
    parser.description = (
        "Write a preset as a SavedModel in the layout that TensorFlow Serving reads, DIR/NAME/VERSION/.\n"
        "The export is loaded in a fresh process and compared with the preset before it is kept."
    )
    parser.epilog = EXAMPLES
    parser.add_argument("preset", metavar="PRESET|FOLDER", help="a preset's name or folder")
    parser.add_argument("folder", metavar="DIR", help="where the models to serve stand")
    parser.add_argument("--version", metavar="N", type=int, help="version to write (default: the next free one)")


def run(arguments: argparse.Namespace) -> int:
    """Writes the export and prints where it is."""
    from zoo import preset

    preset.read_config(preset.find(arguments.preset))  # a wrong name is told before TensorFlow is loaded
    import zoo
    from zoo import export

    print(export.saved_model(zoo.load(arguments.preset), arguments.folder, arguments.version))
    return 0


if __name__ == "__main__":
    from apps import cli

    sys.exit(cli.main(["export", *sys.argv[1:]]))

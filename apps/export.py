"""`zoo export`: a preset as a SavedModel that takes raw bytes or strings."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

EXAMPLES = """\
examples:
  zoo export sentiment-imdb serving            writes serving/sentiment-imdb/1/
  zoo export runs/mine serving --version 7
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `zoo export` takes."""
    parser.description = (
        "Write a preset as a SavedModel in the layout that TensorFlow Serving reads, DIR/NAME/VERSION/.\n"
        "The export is loaded in a fresh process and compared with the preset before it is kept. The first line says\n"
        "where it is, and with --quiet the only one."
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

    checked: list[str] = []
    task = zoo.load(arguments.preset)
    version = export.saved_model(task, arguments.folder, arguments.version, say=checked.append)
    print(version)
    if not arguments.quiet:
        _say_what_is_next(task, version, checked)
    return 0


# A value of each kind of input in a request of REST, within the shell's single quotes; bytes go as base64.
_EXAMPLES = {
    "text": '"A text."',
    "image": """{"b64": "'$(base64 -w0 photo.jpg)'"}""",
    "audio": """{"b64": "'$(base64 -w0 sound.wav)'"}""",
    "number": "1",
}


def _joined(examples: dict[str, str]) -> str:
    return "{" + ", ".join(f'"{name}": {value}' for name, value in examples.items()) + "}"


def _say_what_is_next(task, version: Path, checked: list[str]) -> None:
    name, place = version.parent.name, shlex.quote(str(version.parent))
    examples = {given.name: _EXAMPLES[given.kind] for given in task.inputs}
    asked = next(iter(examples.values())) if len(examples) == 1 else _joined(examples)
    request = f"""-d '{{"instances": [{asked}]}}'"""
    for sentence in checked:
        print(f"Checked: {sentence}.")
    print("Next, for example:")
    for command in (
        f"zoo serve {place}",
        f"curl {request} http://127.0.0.1:8501/v1/models/{name}:predict",
    ):
        print(f"  {command}")


if __name__ == "__main__":
    from apps import cli

    sys.exit(cli.main(["export", *sys.argv[1:]]))

"""`zoo classify`: what does the picture show?"""

from __future__ import annotations

import argparse
import sys

from apps.answering import application, labels
from apps.pages.tab import Tab
from apps.reading import command_line

EXAMPLES = """\
examples:
  zoo classify shirt.jpg
  zoo classify photos/ "more/*.png" --save annotated
  zoo classify photos/ --json --top 3 > answers.jsonl
  zoo classify photos/ --csv-out answers.csv --threshold 0.8
  zoo classify --model runs/mine photo.jpg
"""
TAB = Tab(
    task="image-classification",
    preset="classify-fashion",
    takes="picture",
    kind=labels.Labels,
    views=("labels",),
    hint="Drop a picture here, paste one, or click to choose",
    examples=tuple(("classify-fashion", name) for name in ("T-shirt", "trousers", "dress", "sneaker")),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `zoo classify` takes."""
    parser.description = "Name what each picture shows. JPEG, PNG, WebP, TIFF and other common formats."
    parser.epilog = EXAMPLES
    command_line.add_image_arguments(parser)
    application.add_arguments(parser, TAB.preset, pictures=True)
    labels.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Answers; returns the exit status."""
    # Eight at a time: a turned photo of 12 megapixels takes 36 MB on its way to the model.
    return application.run(arguments, command_line.images, TAB.task, batch_size=8, kind=TAB.kind)


if __name__ == "__main__":
    from apps import cli

    sys.exit(cli.main(["classify", *sys.argv[1:]]))

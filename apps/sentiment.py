"""`zoo sentiment`: is the text favourable?"""

from __future__ import annotations

import argparse
import sys

from apps.answering import application, labels
from apps.pages.tab import Tab
from apps.reading import command_line

EXAMPLES = """\
examples:
  zoo sentiment "A great film." "I left after ten minutes."
  zoo sentiment reviews.txt --json > answers.jsonl
  zoo sentiment --csv reviews.csv --column comment --csv-out answers.csv
  tail -f comments.log | zoo sentiment -
  zoo sentiment --text "and/or" --model runs/mine
"""
TAB = Tab(
    task="text-classification",
    preset="sentiment-imdb",
    takes="text",
    kind=labels.Labels,
    views=("labels",),
    hint="A review of a film",
    examples=(
        ("sentiment-imdb", "I expected a dull evening and got the best film of the year."),
        ("sentiment-imdb", "Two hours of my life that I will not get back."),
        ("sentiment-imdb", "Lovely pictures, but I could not tell you what the story was."),
    ),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `zoo sentiment` takes."""
    parser.description = "Tell whether each text is favourable, and how sure that is."
    parser.epilog = EXAMPLES
    command_line.add_text_arguments(parser)
    application.add_arguments(parser, TAB.preset, pictures=False)
    labels.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Answers; returns the exit status."""
    return application.run(arguments, command_line.texts, TAB.task, batch_size=64, kind=TAB.kind)


if __name__ == "__main__":
    from apps import cli

    sys.exit(cli.main(["sentiment", *sys.argv[1:]]))

"""`zoo sentiment`: is the text favourable?"""

from __future__ import annotations

import argparse
import sys

from apps import answer, inputs, labels

EXAMPLES = """\
examples:
  zoo sentiment "A great film." "I left after ten minutes."
  zoo sentiment reviews.txt --json > answers.jsonl
  zoo sentiment --csv reviews.csv --column comment --csv-out answers.csv
  tail -f comments.log | zoo sentiment -
  zoo sentiment --text "and/or" --model runs/mine
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `zoo sentiment` takes."""
    parser.description = "Tell whether each text is favourable, and how sure that is."
    parser.epilog = EXAMPLES
    inputs.add_text_arguments(parser)
    answer.add_arguments(parser, "sentiment-imdb", pictures=False)
    labels.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Answers; returns the exit status."""
    return answer.run(arguments, inputs.texts(arguments), "text-classification", batch_size=64, kind=labels.Labels)


if __name__ == "__main__":
    from apps import cli

    sys.exit(cli.main(["sentiment", *sys.argv[1:]]))

"""`zoo summarize`: a document or a dialogue in a few sentences."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import sys
from collections.abc import Iterable, Iterator

from apps.answering import application, texts
from apps.pages.tab import Tab
from apps.reading import command_line
from zoo.errors import UserError
from zoo.inputs import sentences
from zoo.results.base import Result

EXAMPLES = """\
examples:
  zoo summarize meeting.txt
  zoo summarize talks/*.txt --sentences 1 --json > summaries.jsonl
  zoo summarize --lines tickets.txt --max-length 20
  zoo summarize --csv talks.jsonl --column dialogue --csv-out summaries.csv
  zoo summarize --model runs/mine - < meeting.txt
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `zoo summarize` takes."""
    parser.description = "Summarize each document: a file is one, and so is standard input."
    parser.epilog = EXAMPLES
    command_line.add_text_arguments(parser, documents=True)
    application.add_arguments(parser, "summarize-dialogue", pictures=False)
    texts.add_arguments(parser)
    parser.add_argument("--max-length", metavar="N", type=int, help="most pieces to write (default: the preset's)")
    parser.add_argument("--sentences", metavar="N", type=int, help="most sentences to give, each complete")


class Summaries(texts.Texts):
    """Summaries, of no more sentences than wanted."""

    def __init__(self, arguments: argparse.Namespace, config: dict):
        super().__init__(arguments, config)
        for name in ("max_length", "sentences"):
            value = getattr(arguments, name)
            if value is not None and value < 1:
                option = f"--{name.replace('_', '-')}"
                raise UserError(f"{option}: expected a whole number of at least 1, got {value}")
        if arguments.max_length is not None:
            self.search["max_length"] = arguments.max_length
        self.sentences = arguments.sentences

    def columns(self) -> list[str]:
        """And whether the text is the item itself."""
        return [*super().columns(), "unchanged"]

    def ask(self, task, items: Iterable, batch_size: int, first: int) -> Iterator[Result]:
        """One Generation per item."""
        for result in super().ask(task, items, batch_size, first):
            if self.sentences is None or result.error is not None or result.unchanged:
                yield result
                continue
            others = tuple((beginning(text, self.sentences), score) for text, score in result.alternatives)
            yield dataclasses.replace(result, text=beginning(result.text, self.sentences), alternatives=others)


TAB = Tab(
    task="summarization",
    preset="summarize-dialogue",
    takes="text",
    kind=Summaries,
    views=("text",),
    hint="A dialogue: a line for each turn, such as #Person1#: Hello.",
    examples=(
        (
            "summarize-dialogue",
            "#Person1#: Good morning. I would like to change my flight to Berlin.\n"
            "#Person2#: Of course. When would you like to fly?\n"
            "#Person1#: On Friday evening, if there is still a seat.\n"
            "#Person2#: There is one at half past seven. It costs forty dollars more.\n"
            "#Person1#: That is fine. I will take it.",
        ),
        (
            "summarize-dialogue",
            "#Person1#: Are you coming to the gym tonight?\n"
            "#Person2#: I can't. I have hurt my knee, and the doctor says that I should rest for two weeks.\n"
            "#Person1#: I am sorry to hear that. Shall I bring you something to eat?\n"
            "#Person2#: That would be very kind of you.",
        ),
    ),
)


def run(arguments: argparse.Namespace) -> int:
    """Answers; returns the exit status."""
    items = functools.partial(command_line.texts, documents=not arguments.lines)
    return application.run(arguments, items, TAB.task, batch_size=8, kind=TAB.kind)


def beginning(text: str, most: int) -> str:
    """The first `most` sentences of a text, complete ones; all of a text that has no complete one.

    Example:
        >>> beginning("Mr. Smith is late. Anna waits. She would ra", 3)
        'Mr. Smith is late. Anna waits.'
    """
    parts = sentences.sentences(text)
    if len(parts) > 1 and parts[-1].rstrip().rstrip(sentences.CLOSERS)[-1:] not in tuple(sentences.STOPS):
        parts.pop()
    return "".join(parts[:most]).rstrip()


if __name__ == "__main__":
    from apps import cli

    sys.exit(cli.main(["summarize", *sys.argv[1:]]))

"""Answers that are texts: how they are searched for, a plain line in a pipe, readable paragraphs on a terminal."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterable, Iterator

from apps.answering import application
from apps.reading.command_line import Item
from apps.writing import writers
from zoo.errors import UserError
from zoo.results.base import Result, one_line

MOST_BEAMS = 100  # each keeps a copy of the model's state


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what every application takes that writes texts."""
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--beam", metavar="N", type=int, help="texts searched at a time, 1 is greedy (default: the preset's)"
    )
    way.add_argument("--sample", action="store_true", help="draw each word by its probability instead")
    parser.add_argument("--n-best", metavar="N", type=int, default=1, help="texts to give (default: %(default)s)")
    parser.add_argument(
        "--temperature", metavar="X", type=float, help="with --sample: below 1 is careful, above 1 bold (default: 1)"
    )
    parser.add_argument("--top-k", metavar="N", type=int, help="with --sample: among the N most probable words only")
    parser.add_argument(
        "--top-p", metavar="P", type=float, help="with --sample: among the most probable words that make up P, 0 to 1"
    )
    parser.add_argument("--seed", metavar="N", type=int, help="with --sample: another seed, another text (default: 0)")


class Texts(application.Answers):
    """Texts that a model wrote, by the search that the preset has or the person wants."""

    def __init__(self, arguments: argparse.Namespace, config: dict):
        super().__init__(arguments, config)
        self.search = search(arguments, config)
        self.seed = arguments.seed or 0

    def ask(self, task, items: Iterable, batch_size: int, first: int) -> Iterator[Result]:
        """One Generation per item; another batch draws other samples."""
        return task.generate(items, seed=(self.seed + first) % 2**32, batch_size=batch_size, **self.search)

    def columns(self) -> list[str]:
        """Text and score, then those of the further texts."""
        places = range(2, self.search.get("n_best", 1) + 1)
        return ["text", "score", *(f"{name}_{place}" for place in places for name in ("text", "score"))]

    def table(self) -> Paragraphs:
        """Each text under its item."""
        return Paragraphs()

    def lines(self) -> Lines:
        """A pipe gets exactly one line for each item."""
        return Lines()


def search(arguments: argparse.Namespace, config: dict) -> dict:
    """The fields of `zoo.decoding.Search` that the person wants otherwise than the preset has them.

    Raises:
        UserError: A number out of its range, or one that has no effect.
    """
    fields = {}
    if arguments.sample:
        fields = {"temperature": 1.0}  # which takes the place of the beam
    for name, expected, valid in _NUMBERS:
        value = getattr(arguments, name)
        if value is None:
            continue
        if not valid(value):
            raise UserError(f"--{name.replace('_', '-')}: expected {expected}, got {value:g}")
        if name in _SAMPLING and not arguments.sample:
            raise UserError(f"--{name.replace('_', '-')} goes with --sample")
        if name != "seed":
            fields[name] = value
    beam = fields.get("beam", config.get("decoding", {}).get("beam", 1))
    if not arguments.sample and arguments.n_best > beam:
        if arguments.beam is not None:
            raise UserError(f"--n-best {arguments.n_best}: --beam {beam} keeps fewer; expected at most as many")
        fields["beam"] = arguments.n_best
    return fields


_SAMPLING = ("temperature", "top_k", "top_p", "seed")
_NUMBERS: tuple[tuple[str, str, Callable], ...] = (
    ("beam", f"a whole number from 1 to {MOST_BEAMS}", lambda value: 1 <= value <= MOST_BEAMS),
    ("n_best", f"a whole number from 1 to {MOST_BEAMS}", lambda value: 1 <= value <= MOST_BEAMS),
    ("temperature", "a number above 0", lambda value: 0 < value < math.inf),
    ("top_k", "a whole number of at least 1", lambda value: value >= 1),
    ("top_p", "a number above 0, at most 1", lambda value: 0 < value <= 1),
    ("seed", f"a whole number from 0 to {2**32 - 1}", lambda value: 0 <= value < 2**32),
)


class Lines:
    """Texts alone on stdout, one line for each item whatever is in it; what else is to be said goes to stderr."""

    def __init__(self):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
        self.lines: list[str] = []

    def write(self, index: int, item: Item, result: Result) -> None:
        """Takes one answer; a failed item keeps its place by an empty line, and so does one without a text."""
        self.lines.append("" if result.error is not None else one_line(result.text or ""))
        # An item that failed or was read in part is said to whoever listens; a mark is no fault, and is for a person.
        told = result.error or result.remark
        if told and (result.marks().keys() != {"low_confidence"} or writers.is_terminal(sys.stderr)):
            print(f"zoo: item {index + 1}, {shortened(item)}: {told}", file=sys.stderr)

    def flush(self) -> None:
        """Writes the batch."""
        sys.stdout.write("\n".join([*self.lines, ""]))
        self.lines = []
        writers.flush_stdout()


class Paragraphs:
    """Each item and under it what was written, wrapped, with the scores where there is a choice."""

    def __init__(self):
        from rich.console import Console

        sys.stdout.reconfigure(errors="backslashreplace")
        self.console = Console(highlight=False, soft_wrap=False)
        self.answers: list[tuple[Item, Result]] = []

    def write(self, index: int, item: Item, result: Result) -> None:
        """Takes one answer."""
        self.answers.append((item, result))

    def flush(self) -> None:
        """Prints the batch."""
        from rich.text import Text

        for item, result in self.answers:
            self.console.print(Text(shortened(item, self.console.width) or "(empty)", style="dim"))
            if result.error is not None:
                self._indented(Text(f"failed: {result.error}", style="red"))
            elif result.alternatives:
                for text, score in ((result.text, result.score), *result.alternatives):
                    self._indented(Text(writers.printable(text)), Text(f"{score:.2f}", style="dim"))
            elif result.text:
                self._indented(Text(writers.printable(result.text)))
            if result.remark:
                self._indented(Text(result.remark, style="dim"))
        self.answers = []
        writers.flush_stdout()

    def _indented(self, text, *before) -> None:
        from rich.table import Table

        grid = Table.grid(padding=(0, 2))
        for _ in ("", *before):
            grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row("", *before, text)
        self.console.print(grid)


def shortened(item: Item, width: int = 60) -> str:
    """The item's name in one line of at most `width` characters."""
    name = writers.printable(item.name)
    return name if len(name) <= width else name[: width - 1] + "…"

"""Answers that are labels: the options of classifiers, and their table on a terminal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from apps.answering import application
from apps.reading.command_line import Item
from apps.writing import writers
from zoo.errors import UserError
from zoo.results.base import LOW_CONFIDENCE, Result, percent

MARK = " ?"
PROBABILITY = "probability"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what every classifier takes."""
    parser.add_argument("--top", metavar="K", type=int, default=5, help="best labels to give (default: %(default)s)")
    parser.add_argument(
        "--threshold", metavar="P", type=float, default=0.0, help="give no label below this probability, 0 to 1"
    )


class Labels(application.Answers):
    """The labels of a classifier, the best first."""

    def __init__(self, arguments: argparse.Namespace, config: dict):
        super().__init__(arguments, config)
        if arguments.top < 1:
            raise UserError(f"--top: expected a whole number of at least 1, got {arguments.top}")
        if not 0 <= arguments.threshold <= 1:
            raise UserError(f"--threshold: expected a probability from 0 to 1, got {arguments.threshold:g}")
        self.top, self.threshold = arguments.top, arguments.threshold

    def ask(self, task, items: Iterable, batch_size: int, first: int) -> Iterator[Result]:
        """One Classification per item, as many labels of it as are wanted."""
        for result in task.predict(items, batch_size):
            yield result if result.error is not None else result.limit(self.top, self.threshold)

    def columns(self) -> list[str]:
        """Label and probability, then those of the further places."""
        places = range(2, min(self.top, len(self.config["labels"])) + 1)
        return ["label", "probability", *(f"{name}_{place}" for place in places for name in ("label", "probability"))]

    def table(self) -> Table:
        """Equal columns."""
        return Table(self.config["labels"])

    def lines(self) -> writers.JsonLines:
        """A pipe gets JSON."""
        return writers.JsonLines()


class Table:
    """Lines of equal columns on a terminal, printed as they come: a stream has no end to wait for."""

    def __init__(self, labels: Sequence[str]):
        from rich.console import Console

        sys.stdout.reconfigure(errors="backslashreplace")
        self.console = Console(highlight=False, soft_wrap=False)
        room = self.console.width - 2 - len(PROBABILITY) - 2
        self.gauge_width = 8 if room >= 40 else 0  # a narrow terminal has no room for bars
        room -= self.gauge_width + 2 if self.gauge_width else 0
        self.label_width = min(max([len("(empty)"), *map(len, labels)]) + len(MARK), max(8, room // 2))
        self.item_width = max(8, room - self.label_width - 2)
        self.rows: list[tuple[Item, Result]] = []
        self.headed = self.explained = False

    def write(self, index: int, item: Item, result: Result) -> None:
        """Takes one answer."""
        self.rows.append((item, result))

    def flush(self) -> None:
        """Prints the batch."""
        from rich.text import Text

        table = self._table()
        for item, result in self.rows:
            name = writers.printable(item.name)
            if isinstance(item.payload, Path) and len(name) > self.item_width:
                name = "…" + name[1 - self.item_width :]  # of a path, the end tells more
            if result.error is not None:
                table = self._print(table)
                self.console.print(Text(f"{name[: self.item_width]}  failed: {result.error}", style="red"))
            elif result.probability is None:
                table.add_row(Text(name), Text("(empty)", style="dim"))
            else:
                unsure = result.label is None
                label = Text("unsure" if unsure else writers.printable(result.label))
                if result.low_confidence:
                    label.append(MARK)
                if unsure or result.low_confidence:
                    label.stylize("yellow")
                gauge = [Text(bar(result.probability), style="green")] if self.gauge_width else []
                table.add_row(Text(name), label, percent(result.probability), *gauge)
            if result.shortened:
                table = self._print(table)
                self.console.print(Text(f"  ({result.used})", style="dim"))
        self._print(table)
        if not self.explained and any(result.low_confidence for _, result in self.rows):
            self.console.print(Text(f" {MARK} {LOW_CONFIDENCE}: unlike what the model has learned", style="dim"))
            self.explained = True
        self.rows = []
        writers.flush_stdout()

    def _table(self):
        from rich.table import Table

        table = Table(box=None, pad_edge=False, show_header=not self.headed, header_style="bold", padding=(0, 2, 0, 0))
        columns = [("item", self.item_width), ("label", self.label_width), (PROBABILITY, len(PROBABILITY))]
        for name, width in columns + [("", self.gauge_width)] * (self.gauge_width > 0):
            justify = "right" if name == PROBABILITY else "left"
            table.add_column(name, width=width, no_wrap=True, overflow="ellipsis", justify=justify)
        return table

    def _print(self, table):
        """Prints the rows so far; the next ones go to a new table of the same columns."""
        if not table.row_count and self.headed:
            return table
        self.console.print(table)
        self.headed = True
        return self._table()


def bar(probability: float, width: int = 8) -> str:
    """A probability as eighths of blocks: 0.5 of width 4 is two blocks."""
    eighths = round(probability * width * 8)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()

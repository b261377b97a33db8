"""Answers of any kind, as JSON lines or rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from apps.answering import application
from apps.writing import writers


class Plain(application.Answers):
    """Results as they are; a subclass names the columns of a CSV file."""

    names: tuple[str, ...] = ()

    def ask(self, task, items: Iterable, batch_size: int, first: int) -> Iterator:
        return task.predict(items, batch_size)

    def columns(self) -> list[str]:
        return list(self.names)

    def table(self):
        return writers.JsonLines()

    lines = table

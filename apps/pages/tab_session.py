"""Runs an application for one tab with its command-line defaults."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType

from apps.answering import application
from apps.pages import wording
from apps.pages.loaded_tasks import Models
from apps.pages.tab import Tab
from apps.pages.takes import TAKES
from apps.reading import command_line
from zoo.errors import UserError
from zoo.results.base import Result

_BATCH = 32  # lines that go through the model at a time
Answered = tuple[command_line.Item, Result]


class TabSession:
    """One application's answers.

    Args:
        name: The command's.
        module: The application.
        models: Where the presets are loaded.
        presets: Those that fit, by name: their `config.json`.
        folder: Where pictures to try are drawn.

    Raises:
        UserError: A preset that the application cannot use.

    Attributes:
        presets: Name -> what the page calls it.
        first: The one that is chosen at first.
        examples: (preset, item) pairs to try.
    """

    def __init__(self, name: str, module: ModuleType, models: Models, presets: Mapping[str, dict], folder: Path):
        self.name = name
        self.tab: Tab = module.TAB
        self._take = TAKES[self.tab.takes]
        self.presets = wording.names(presets)
        self.first = self.tab.preset if self.tab.preset in presets else next(iter(self.presets))
        self.examples = [
            (preset, self._take.example(example, folder)) for preset, example in self.tab.examples if preset in presets
        ]
        self._models = models
        parser = argparse.ArgumentParser()
        module.add_arguments(parser)
        arguments = parser.parse_args([])
        self._kinds: dict[str, application.Answers] = {
            preset: self.tab.kind(arguments, wording.spelled(config)) for preset, config in presets.items()
        }

    def introduction(self, preset: str) -> str:
        """The preset that answers, what it is for, and its first limit: a clothing model calls a cat a pullover."""
        return self._kinds[preset].introduction()

    def begin(self) -> None:
        """Loads the first preset and lets it answer once, so that whoever asks first does not wait for that."""
        with self.using(self.first):
            pass
        for preset, given in self.examples:
            if preset == self.first:
                self.answer(preset, given)
                return

    def using(self, preset: str) -> AbstractContextManager:
        """The task of a preset, for one thread alone within the block."""
        return self._models.using(preset)

    def answer(self, preset: str, given: str | None) -> list[Answered]:
        """The items that were given, each with its result.

        Args:
            preset: One of `presets`.
            given: A text, or the path of a picture; None or an empty one where nothing was given.

        Raises:
            UserError: Nothing or too much was given, or it could not be answered: the sentence that the command says.
        """
        items = self._items(given)
        with self.using(preset) as task:
            results = list(self._kinds[preset].ask(task, map(command_line.read_payload, items), _BATCH, 0))
        for result in results:
            if result.error is not None:
                raise UserError(result.error)
        return list(zip(items, results, strict=True))

    def _items(self, given: str | None) -> list[command_line.Item]:
        if not (given or "").strip():
            raise UserError(f"nothing to do: give a {self._take.noun}")
        return self._take.items(self.name, given)

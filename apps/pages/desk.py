"""Where a tab's items are answered, as the application's command answers them without options."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

from apps import answer, inputs
from apps.pages.models import Models
from apps.pages.tab import Tab
from zoo.errors import UserError
from zoo.tasks.results import Result

MOST_CHARACTERS = 10_000  # of a text: a beam search takes about a second for a thousand


class Desk:
    """One application's answers.

    Args:
        name: The command's.
        module: The application.
        models: Where the presets are loaded.
        presets: Those that fit, by name: their `config.json`.

    Raises:
        UserError: A preset that the application cannot use.
    """

    def __init__(self, name: str, module: ModuleType, models: Models, presets: Mapping[str, dict]):
        self.name = name
        self.tab: Tab = module.TAB
        self.presets = tuple(presets)
        self.first = self.tab.preset if self.tab.preset in presets else self.presets[0]
        self.examples = tuple(example for example in self.tab.examples if example[0] in presets)
        self._models = models
        parser = argparse.ArgumentParser()
        module.add_arguments(parser)
        arguments = parser.parse_args([])
        self._kinds: dict[str, answer.Answers] = {
            preset: self.tab.kind(arguments, config) for preset, config in presets.items()
        }

    def introduction(self, preset: str) -> str:
        """Which preset answers, and what it knows: a clothing model calls a cat a pullover."""
        return self._kinds[preset].introduction()

    @contextlib.contextmanager
    def answered(self, preset: str, given: str | None) -> Iterator[tuple[object, inputs.Item, Result]]:
        """The task, which is this thread's within the block, the item, and its result.

        Args:
            preset: One of `presets`.
            given: A text, or the path of a picture; None or an empty one where nothing was given.

        Raises:
            UserError: Nothing or too much was given, or it could not be answered: the sentence that the command says.
        """
        item = self._item(given)
        with self._models.using(preset) as task:
            (result,) = self._kinds[preset].ask(task, iter([inputs.opened(item)]), 1, 0)
            if result.error is not None:
                raise UserError(result.error)
            yield task, item, result

    def _item(self, given: str | None) -> inputs.Item:
        if not (given or "").strip():
            raise UserError(f"nothing to do: give a {self.tab.takes}")
        if self.tab.takes == "picture":
            return inputs.Item(given, Path(given))
        if len(given) > MOST_CHARACTERS:
            raise UserError(
                f"the text has {len(given):,} characters; this page takes {MOST_CHARACTERS:,}, "
                f"`zoo {self.name} FILE` as many as there are"
            )
        return inputs.Item(given, given)

"""Declaration by which an application gets a tab of the page."""

from __future__ import annotations

import dataclasses

from apps.answering.application import Answers


@dataclasses.dataclass(frozen=True)
class Tab:
    """A module of `apps.cli.COMMANDS` that has one of these as `TAB` is on the page.

    Attributes:
        task: The kind of preset that it needs.
        preset: The one that is chosen first, where it is offered.
        takes: A name in `apps.pages.takes.TAKES`: a text from a box, the same line by line, or the file of a picture.
        kind: The class of its answers, asked as the command asks it without options.
        views: How an answer is drawn, in this order: names in `apps.pages.views.VIEWS`.
        hint: What stands in the empty box.
        examples: (preset, item) pairs: a text, or the name of a picture in `apps.pages.drawings`.
    """

    task: str
    preset: str
    takes: str
    kind: type[Answers]
    views: tuple[str, ...]
    hint: str
    examples: tuple[tuple[str, str], ...] = ()

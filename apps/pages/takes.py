"""The table of what a tab takes: how it is given on the page, and which items it becomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from apps.pages import drawings
from apps.reading.command_line import Item
from zoo.errors import UserError

if TYPE_CHECKING:
    import gradio as gr

MOST_CHARACTERS = 10_000  # of a text: a beam search takes about a second for a thousand
_HEIGHT = 240  # pixels of the picture that is given: with it, examples and button fit a small screen


@dataclass(frozen=True)
class Take:
    """One way to give something to a tab.

    Attributes:
        noun: Its name in messages: "nothing to do: give a picture".
        words: An item as one types it after the command, for hints.
        component: Hint -> the place where it is given.
        event: Of the component, what gives it.
        items: (command, what was given) -> items; raises UserError for too much of it.
        example: (name of an example, folder to write into) -> the same as it is given.
    """

    noun: str
    words: str
    component: Callable[[str], gr.components.Component]
    event: str
    items: Callable[[str, str], list[Item]]
    example: Callable[[str, Path], str]


def _box(hint: str) -> gr.components.Component:
    import gradio as gr

    return gr.Textbox(label="Text", lines=5, max_lines=16, placeholder=hint)


def _picture(hint: str) -> gr.components.Component:
    import gradio as gr

    area = gr.Image(label="Picture", sources=["upload", "clipboard"], placeholder=hint, height=_HEIGHT)
    # The file reaches the application as it is; gr.Image's own would open it first, in words of its own. Not a
    # subclass: Gradio writes a stub of each beside its source.
    area.preprocess = lambda payload: payload.path if payload is not None else None
    return area


def _whole(command: str, given: str) -> list[Item]:
    _check(command, given)
    return [Item(given, given)]


def _lines(command: str, given: str) -> list[Item]:
    _check(command, given)
    return [Item(text, text) for text in given.splitlines()]


def _check(command: str, text: str) -> None:
    if len(text) > MOST_CHARACTERS:
        raise UserError(
            f"the text has {len(text):,} characters; this page takes {MOST_CHARACTERS:,}, "
            f"zoo {command} FILE as many as there are"
        )


def _file(command: str, given: str) -> list[Item]:
    return [Item(given, Path(given))]


def _as_it_is(example: str, folder: Path) -> str:
    return example


def _drawn(name: str, folder: Path) -> str:
    """The file of a drawing."""
    path = folder / f"{name}.png"
    path.write_bytes(drawings.png(name))
    return str(path)


TAKES = {
    "text": Take("text", '"A text."', _box, "submit", _whole, _as_it_is),
    "lines": Take("text", '"A text."', _box, "submit", _lines, _as_it_is),
    "picture": Take("picture", "photos/", _picture, "upload", _file, _drawn),
}

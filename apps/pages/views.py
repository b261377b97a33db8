"""The views of answers on the page: a row of `VIEWS` for each, named by the tabs that use it.

A view makes its components where it is created, inside the page's layout, and then turns each answer into their values.
"""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import gradio as gr

from apps.pages import wording
from apps.pages.tab_session import Answered
from apps.writing import attention_maps
from zoo.errors import UserError
from zoo.results.base import Result, percent

HEIGHT = 320  # pixels of a picture's place
Using = Callable[[], AbstractContextManager]
_drawing = threading.Lock()  # matplotlib's settings are the process's


class View:
    """One way to draw an answer.

    Attributes:
        slow: Whether it takes long enough that what stands before it is shown first.
        components: What it made.
    """

    slow = False
    components: list

    def blank(self) -> list:
        """The values before there is an answer, and after an error."""
        return [gr.update(value=one.value, visible=one.visible) for one in self.components]

    def values(self, using: Using, answered: Sequence[Answered]) -> list:
        """One value for each component.

        Args:
            using: Gives the task, for this thread alone within its block.
            answered: What was asked, item by item, and the results: no failed one.
        """
        raise NotImplementedError


class Labels(View):
    """Labels, the best first, with bars of their probabilities."""

    def __init__(self):
        self.components = [gr.HTML("<p class='note'>The answer comes here.</p>", padding=False)]

    def values(self, using: Using, answered: Sequence[Answered]) -> list:
        ((_, result),) = answered
        rows = "".join(
            f"<li><span>{html.escape(wording.label(label))}</span><span>{percent(probability)}</span>"
            f'<i aria-hidden="true"><b style="width:{100 * probability:.1f}%"></b></i></li>'
            for label, probability in result.scores
        )
        return [f"<ol class='labels'>{rows}</ol>{note(result)}"]


class Text(View):
    """A text that was written, ready to be copied."""

    def __init__(self):
        box = gr.Textbox(label="Answer", lines=3, interactive=False, buttons=["copy"])
        self.components = [box, gr.HTML(visible=False, padding=False)]

    def values(self, using: Using, answered: Sequence[Answered]) -> list:
        notes = "".join(note(result) for _, result in answered)
        return ["\n".join(result.text for _, result in answered), gr.update(value=notes, visible=bool(notes))]


class Attention(View):
    """Attention of each piece of a translation, of the first line that has one, as `--attention` draws it."""

    slow = True
    TITLE = "Where it looked"

    def __init__(self):
        with gr.Accordion(self.TITLE, open=False):
            self.components = [picture("Share of the attention")]

    def values(self, using: Using, answered: Sequence[Answered]) -> list:
        item, result = next(((item, result) for item, result in answered if result.text), (None, None))
        if result is None:
            return [None]
        import cv2
        import numpy as np

        try:
            with using() as task:
                found = task.attention(item.payload, result.text)
        except UserError as error:
            gr.Warning(html.escape(str(error), quote=False), title=self.TITLE)
            return [None]
        with _drawing:
            drawn = attention_maps.png(*found)
        return [cv2.cvtColor(cv2.imdecode(np.frombuffer(drawn, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)]


VIEWS = {"labels": Labels, "text": Text, "attention": Attention}


def picture(label: str) -> gr.Image:
    """A picture to look at and to download."""
    return gr.Image(
        label=label,
        alt_text=label,
        height=HEIGHT,
        format="png",
        interactive=False,
        buttons=["download", "fullscreen"],
    )


def note(result: Result) -> str:
    """Remarks on an answer: the share of the item that was read, where that is not all, and a mark of no trust."""
    return f"<p class='note'>{html.escape(result.remark)}</p>" if result.remark else ""

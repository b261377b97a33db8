"""The page: a tab for each desk, on Gradio."""

from __future__ import annotations

import functools
import html
import os
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

import gradio as gr

from apps import cli
from apps.pages import cards
from apps.pages.tab_session import TabSession
from apps.pages.takes import TAKES
from apps.pages.views import VIEWS, View
from zoo.errors import UserError

WAITING = 32  # answers that may wait; more are refused
_KEPT = 600  # seconds that the files of a picture stay, with its answers
_SHOWN = 20  # seconds that an error stays to be read
_CONCURRENCY = {"concurrency_id": "answers", "concurrency_limit": max(2, os.cpu_count() or 1)}
# Whoever asks again before the answer is there wants the last one; programs are answered by `zoo serve`, not by a page.
_STEP = {"trigger_mode": "always_last", "api_visibility": "private"}


def build(desks: Sequence[TabSession], errors: TextIO, debug: bool) -> gr.Blocks:
    """The page of these applications.

    Args:
        desks: One for each tab, in their order.
        errors: Where a line goes for each answer that failed by no fault of who asked.
        debug: Whether its traceback goes there too.
    """
    with gr.Blocks(title="Menagerie", analytics_enabled=False, delete_cache=(60, _KEPT)) as blocks:
        gr.Markdown(
            "# Menagerie\n\nAnswers are computed where this page comes from; nothing is sent elsewhere.",
            elem_classes="head",
        )
        with gr.Tabs():
            for desk in desks:
                with gr.Tab(desk.name.capitalize(), id=desk.name, elem_id=f"tab-{desk.name}"):
                    _tab(desk, errors, debug)
    for block in blocks.blocks.values():
        _keep_to_uploads(block)
    return blocks.queue(max_size=WAITING, api_open=False)


def _tab(desk: TabSession, errors: TextIO, debug: bool) -> None:
    about = cli.COMMANDS[desk.name][1]
    gr.Markdown(f"{about[0].upper()}{about[1:]}.", elem_classes="about")
    place = gr.Column()  # filled below, once there is an item that the examples are examples of
    with gr.Row():
        with gr.Column(min_width=320):
            item = TAKES[desk.tab.takes].component(desk.tab.hint)
            preset = gr.Dropdown(
                [(title, name) for name, title in desk.presets.items()],
                value=desk.first,
                label="Preset",
                visible=len(desk.presets) > 1,
                filterable=False,
            )
            knows = gr.Markdown(_about(desk, desk.first), elem_classes="knows")
            button = gr.Button("Answer", variant="primary")
        with gr.Column(min_width=320):
            views = [VIEWS[name]() for name in desk.tab.views]
    with place:
        examples = _examples(desk, item)
    outputs = [component for view in views for component in view.components]
    asked = {"fn": _answering(desk, views, errors, debug), "inputs": [preset, item], "outputs": outputs}
    asked |= {"show_progress": "minimal", **_CONCURRENCY, **_STEP}
    preset.change(functools.partial(_about, desk), preset, knows, queue=False, show_progress="hidden", **_STEP)
    button.click(**asked)
    getattr(item, TAKES[desk.tab.takes].event)(**asked)
    examples.click(desk.examples.__getitem__, examples, [preset, item], queue=False, **_STEP).then(**asked)


def _about(desk: TabSession, preset: str) -> str:
    """The preset's labels and limits, and links to more about it."""
    card = cards.address(preset)
    return f"{desk.introduction(preset)} [Limits]({card}#limits), [card]({card})"


def _examples(desk: TabSession, item: gr.components.Component) -> gr.Dataset:
    """The list of examples, which gives the place of the chosen one."""
    several = len({preset for preset, _ in desk.examples}) > 1
    return gr.Dataset(
        label="To try",
        components=[item],
        samples=[[given] for _, given in desk.examples],
        sample_labels=[f"{desk.presets[preset]}: {given}" for preset, given in desk.examples] if several else None,
        type="index",
        layout="gallery",
        visible=bool(desk.examples),
    )


def _keep_to_uploads(block: gr.blocks.Block) -> None:
    """Takes nothing for a file but what was uploaded, or drawn here.

    Gradio would fetch an address that stands in a file's place, and in a page that is mounted, as this one is, it reads
    any file of the machine.
    """
    take = block.async_move_resource_to_block_cache
    folder = Path(block.GRADIO_CACHE).resolve()

    async def take_uploaded(path: str | Path | None) -> str | None:
        if path is not None and not Path(path).resolve().is_relative_to(folder):
            raise gr.Error("expected a file that was uploaded", print_exception=False)
        return await take(path)

    block.async_move_resource_to_block_cache = take_uploaded


def _answering(desk: TabSession, views: Sequence[View], errors: TextIO, debug: bool) -> Callable:
    """The step from a preset and an item to the values of all views; what is quick is shown before what is slow."""

    def answer(preset: str, given: str | None):
        try:
            answered = desk.answer(preset, given)
            using = functools.partial(desk.using, preset)
            waiting = [[gr.skip()] * len(view.components) for view in views]
            values: list[list] = []
            for view in views:
                if view.slow:
                    yield _flat([*values, *waiting[len(values) :]])
                values.append(view.values(using, answered))
            yield _flat(values)
        except UserError as error:
            yield _flat([view.blank() for view in views])  # an earlier answer would pass for this one's
            raise _shown(str(error)) from None
        except Exception as error:  # noqa: BLE001 - the last stop: whatever it is, the person gets a line
            yield _flat([view.blank() for view in views])
            if debug:
                traceback.print_exc(file=errors)
            told = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            print(f"zoo: {desk.name}: {told}", file=errors, flush=True)
            raise _shown(told) from None

    return answer


def _flat(values: list[list]):
    flat = [value for group in values for value in group]
    return flat if len(flat) > 1 else flat[0]


def _shown(told: str) -> gr.Error:
    return gr.Error(html.escape(told, quote=False), duration=_SHOWN, print_exception=False)

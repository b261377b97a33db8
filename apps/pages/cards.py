"""The cards of the presets that the page offers, as pages of their own; the tabs link to them."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import fastapi
from markdown_it import MarkdownIt
from starlette.responses import HTMLResponse, PlainTextResponse, Response

PLACE = "/card/"
_STYLE = (
    ":root { color-scheme: light dark } "
    "body { font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem } "
    "table { border-collapse: collapse } td, th { text-align: left; padding: .25rem 1rem .25rem 0 } "
    "tr { border-bottom: 1px solid #8884 }"
)


def address(preset: str) -> str:
    """The path of a preset's card on this server."""
    return PLACE + quote(preset, safe="")


def add(application: fastapi.FastAPI, folders: Mapping[str, Path]) -> None:
    """Adds the cards of these presets to an application.

    Args:
        application: The page is mounted on it afterwards.
        folders: Preset -> its folder. No other file is read.
    """

    def card(name: str) -> Response:
        try:
            text = (folders[name] / "card.md").read_text(encoding="utf-8")
        except (KeyError, OSError, UnicodeDecodeError):
            return PlainTextResponse("There is no card.\n", 404)
        return HTMLResponse(page(name, text))

    application.get(PLACE + "{name:path}")(card)


def page(name: str, text: str) -> str:
    """A card as a page of HTML. HTML that stands in the card is shown, not followed."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    body = re.sub(r"<h2>(\w+)", lambda found: f'<h2 id="{found[1].lower()}">{found[1]}', body)
    title = html.escape(name)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>{body}</html>\n'
    )

"""The recipes: one file a preset, each with a `RECIPE` that `zoo train NAME` follows."""

from __future__ import annotations

import importlib

from zoo.errors import UserError, nearest
from zoo.recipe import Recipe

# Application -> the recipe that `zoo train APPLICATION --data ...` follows on the user's own data.
DEFAULTS = {
    "classify": "classify-photos",
    "sentiment": "sentiment-imdb",
    "summarize": "summarize-dialogue",
    "translate": "translate-de-en",
}
_NAMES = (
    "classify-fashion",
    "classify-photos",
    "quickstart",
    "sentiment-imdb",
    "summarize-dialogue",
    "translate-de-en",
    "translate-de-en-lstm",
    "translate-en-de",
    "translate-en-es",
    "translate-en-fr",
)


def names() -> list[str]:
    """Names of the recipes."""
    return list(_NAMES)


def get(name: str) -> Recipe:
    """A recipe by its name.

    Raises:
        UserError: No such recipe; the nearest names are given.
    """
    if name not in _NAMES:
        raise UserError(f"no recipe named {name!r}{nearest(name, _NAMES)}")
    return importlib.import_module(f"zoo.recipes.{name.replace('-', '_')}").RECIPE

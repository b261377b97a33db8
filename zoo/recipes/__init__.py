"""The recipes: one file a preset, each with a `RECIPE` that `zoo train NAME` follows."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable

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


def followed(
    name: str, follow: str | None = None, own_data: bool = False, spelled: Callable[[str], str] = str
) -> Recipe:
    """The recipe that a training follows.

    Args:
        name: A recipe's name, or an application's.
        follow: Of an application, another recipe than its default.
        own_data: Whether the data are one's own; a recipe has data, an application has none.
        spelled: An argument's name -> its name in messages.

    Raises:
        UserError: No such recipe, or no data to train it on.
    """
    if follow is None and name not in _NAMES and name not in DEFAULTS:
        raise UserError(f"no recipe or application named {name!r}{nearest(name, [*_NAMES, *DEFAULTS])}")
    recipe = get(follow or DEFAULTS.get(name, name))
    if not own_data and (not recipe.data or name in DEFAULTS and follow is None):
        raise UserError(f"{name}: it needs your own data ({spelled('data')}); or train a recipe: {', '.join(names())}")
    return recipe


def changed(
    recipe: Recipe,
    *,
    optimizer: str | None = None,
    learning_rate: float | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    seed: int | None = None,
    validation: float | None = None,
    spelled: Callable[[str], str] = str,
) -> Recipe:
    """The recipe with other numbers in place of its own; of the arguments, None leaves the recipe's.

    Args:
        recipe: It, and what it starts from, are changed alike.
        optimizer: Name of one of our optimizers; its own default rate and arguments take the place of the recipe's.
        learning_rate: Peak learning rate, above 0.
        epochs: Passes over the training data, at least 1.
        batch_size: Examples a step, at least 1.
        seed: From 0 to 2**32 - 1.
        validation: Share of the data to hold back, in (0, 1).
        spelled: An argument's name -> its name in messages.

    Raises:
        UserError: A number out of its range, or no such optimizer.
    """
    import optimizers

    numbers = {"learning_rate": learning_rate, "epochs": epochs, "batch_size": batch_size, "seed": seed}
    changes = {key: value for key, value in {**numbers, "validation": validation}.items() if value is not None}
    for key in ("epochs", "batch_size"):
        if changes.get(key, 1) < 1:
            raise UserError(f"{spelled(key)}: expected a whole number of at least 1, got {changes[key]}")
    if not 0 <= changes.get("seed", 0) < 2**32:
        raise UserError(f"{spelled('seed')}: expected a whole number from 0 to {2**32 - 1}, got {changes['seed']}")
    if not 0 < changes.get("learning_rate", 1) < float("inf"):
        raise UserError(f"{spelled('learning_rate')}: expected a number above 0, got {changes['learning_rate']}")
    if optimizer:
        try:
            other = optimizers.get(optimizer)
        except ValueError as error:
            raise UserError(f"{spelled('optimizer')}: {error}") from None
        # Another rule wants another rate and none of the first one's arguments.
        changes = {"learning_rate": float(other.learning_rate), **changes}
        changes |= {"optimizer": optimizer, "optimizer_arguments": {}}
    if recipe.start is not None:
        changes["start"] = dataclasses.replace(recipe.start, **changes)
    return dataclasses.replace(recipe, **changes)

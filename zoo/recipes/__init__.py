"""The recipes: one file a preset, each with a `RECIPE` that `zoo train NAME` follows."""

from __future__ import annotations

import dataclasses
import importlib
import numbers
from collections.abc import Callable, Sequence

from zoo import task_catalog
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


_COUNT = (numbers.Integral, "a whole number of at least 1", lambda value: value >= 1)
_NUMBERS = {
    "learning_rate": (numbers.Real, "a number above 0", lambda value: 0 < value < float("inf")),
    "epochs": _COUNT,
    "batch_size": _COUNT,
    "seed": (numbers.Integral, f"a whole number from 0 to {2**32 - 1}", lambda value: 0 <= value < 2**32),
    "validation": (numbers.Real, "data, or a share between 0 and 1", lambda value: 0 < value < 1),
}


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
    if name not in _NAMES and name not in DEFAULTS:
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
    given = {"learning_rate": learning_rate, "epochs": epochs, "batch_size": batch_size, "seed": seed}
    changes = {key: value for key, value in {**given, "validation": validation}.items() if value is not None}
    for key, value in changes.items():
        kind, expected, fits = _NUMBERS[key]
        if not isinstance(value, kind) or isinstance(value, bool) or not fits(value):
            raise UserError(f"{spelled(key)}: expected {expected}, got {value!r}")
    if optimizer:
        import optimizers

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


def languages(
    recipe: Recipe,
    given: Sequence[str | None] | None,
    own_data: bool,
    init: str | None = None,
    names: str = "languages",
    hint: str = 'languages=("de", "en")',
) -> tuple[str, str] | None:
    """The languages of a training on one's own pairs; None where there are none, or the recipe's are meant.

    Args:
        recipe: What is followed.
        given: The language that is read and the one that is written, as far as they are named.
        own_data: Whether the data are one's own.
        init: A preset to start from, whose languages are meant where none is named.
        names: The arguments that name them, for messages.
        hint: An example of these.

    Raises:
        UserError: Languages where there are no pairs of one's own, or none where they are needed.
    """
    given = tuple(given or (None, None))
    if "languages" not in task_catalog.entry(recipe.task).config_lists or not own_data:
        if given != (None, None):
            raise UserError(f"{names} are languages of your own pairs, as in zoo train translate --data F ...")
        return None
    if len(given) == 2 and None not in given:
        if given[0].lower() == given[1].lower():
            raise UserError(f"{names}: expected two different languages, got {given[0]} twice")
        return given
    if given == (None, None) and init:
        from zoo import preset

        config = preset.read_config(preset.find(init))
        if config["task"] == recipe.task:
            return tuple(config["languages"])
    raise UserError(f"name the languages of your pairs, what is read and what is written: {hint}")

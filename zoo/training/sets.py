"""The examples of a training: what is learned from, what chooses, what is measured once."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from zoo.data import examples as data_examples
from zoo.data import splits
from zoo.inputs.base import encode
from zoo.recipe import Recipe

_SHARE = 0.05  # of the user's own data, held back where the recipe names a split of its own data


class Sets(NamedTuple):
    """The examples of one training.

    Attributes:
        train: Training examples.
        held: Validation examples; None where nothing is validated.
        test: Test examples; None where the data have none.
    """

    train: object
    held: object | None
    test: object | None


def load(
    recipe: Recipe,
    cls: type,
    source: str | None = None,
    columns: Mapping[str, str | None] = MappingProxyType({}),
    validation: str | None = None,
) -> Sets:
    """The examples of a recipe's data, or of a person's own.

    Args:
        recipe: Which data, and how they are divided.
        cls: The task's class.
        source: Own data in place of the recipe's.
        columns: Names of columns of own data; None leaves one to be guessed.
        validation: Own validation data.
    """
    own = {key: value for key, value in columns.items() if value is not None} if source else dict(recipe.columns)
    if source:
        own |= cls.loading(cls.checked_options(recipe.options))
    there = splits(source) if source else ()
    named = isinstance(recipe.validation, str)
    train = cls.load_examples(source or recipe.data, recipe.splits[0], **own)
    if validation is not None:
        split = "validation" if "validation" in splits(validation) else None
        held = cls.load_examples(validation, split, **own).renamed(train.names)
    elif not recipe.validation:
        held = None
    elif "validation" in there:
        held = cls.load_examples(source, "validation", **own).renamed(train.names)
    elif source or not named:
        train, held = train.split(_SHARE if named else recipe.validation, recipe.seed)
    else:
        held = cls.load_examples(recipe.data, recipe.validation, **own).renamed(train.names)
    measured = "test" if "test" in there else None if source else recipe.splits[1]
    test = measured and cls.load_examples(source or recipe.data, measured, **own).renamed(train.names)
    return Sets(train, held, test or None)


def readable(sets: Sets, cls: type) -> tuple[Sets, list[str]]:
    """The same without what cannot be read, and sentences about that; see `zoo.data.examples.readable`."""
    found, notes = [], []
    for examples in sets:
        if examples is not None:
            examples, more = data_examples.readable(examples, functools.partial(encode, cls.inputs))
            notes += more
        found.append(examples)
    return Sets(*found), notes

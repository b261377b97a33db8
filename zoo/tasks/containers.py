"""The containers in which people keep several items: lists, arrays, columns of a data frame, tf.data sets."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf

from zoo.errors import UserError


def several(given: object, axes: int) -> Iterable | None:
    """The items of a container; None where `given` is one item.

    Args:
        given: A list, tuple or iterator; a pandas Series; a NumPy array or tensor of texts, or of numbers with more
            axes than one item; a `tf.data.Dataset`, batched or not, of items or of tuples that begin with one.
        axes: Axes of one item that is an array of numbers: 3 of a picture, 0 of a text.

    Raises:
        UserError: A data frame, of which one column is meant.
    """
    if isinstance(given, tf.data.Dataset):
        return itertools.chain.from_iterable(_of_element(element, axes) for element in given.as_numpy_iterator())
    if tf.is_tensor(given):
        given = given.numpy()
    if isinstance(given, np.ndarray | np.generic):
        one = given.ndim <= axes if given.dtype.kind in "biuf" else given.ndim == 0
        return None if one else list(given)
    if hasattr(given, "columns"):
        raise UserError('expected items, got a data frame: give one of its columns, as in task(frame["text"])')
    if hasattr(given, "to_list"):
        return given.to_list()
    return given if isinstance(given, list | tuple | Iterator) else None


def labelled(given: object, labels: object, axes: int) -> tuple[list, list]:
    """Items and what is right for each.

    Args:
        given: As `several` takes it, or one item; where `labels` is None a `tf.data.Dataset` of (item, label) tuples.
        labels: A label for each item, in a list, array or Series.
        axes: As `several` takes them.

    Raises:
        UserError: There are no labels, or not as many as items.
    """
    if labels is None:
        if not isinstance(given, tf.data.Dataset) or not isinstance(given.element_spec, tuple):
            raise UserError("expected labels beside the items, as in task.evaluate(items, labels)")
        labels = given.map(lambda *parts: parts[1])
    items = several(given, axes)
    items = [given] if items is None else list(items)
    right = several(labels, 0)
    right = [labels] if right is None else list(right)
    if len(items) != len(right):
        raise UserError(f"expected a label for each item, got {len(items):,} items and {len(right):,} labels")
    return items, right


def _of_element(element: object, axes: int) -> Iterable:
    """The items of an element of a data set: of a batch several."""
    if isinstance(element, tuple):
        element = element[0]
    items = several(element, axes)
    return [element] if items is None else items


def kind(value: object) -> str:
    """The type of a value, for messages: "float", "pandas.core.frame.DataFrame"."""
    cls = type(value)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"

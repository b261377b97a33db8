"""The containers in which people keep several items: lists, arrays, columns of a data frame, tf.data sets."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from zoo.errors import UserError

IsItem = Callable[[np.ndarray], bool]  # True of an array that is one item


def is_scalar(array: np.ndarray) -> bool:
    """True of an array without axes: one text, one label."""
    return array.ndim == 0


def plain(value: object) -> object:
    """A tensor as NumPy has it; anything else as it is."""
    tf = sys.modules.get("tensorflow")  # without it there are no tensors
    return value.numpy() if tf is not None and tf.is_tensor(value) else value


def is_dataset(value: object) -> bool:
    """True of a `tf.data.Dataset`."""
    tf = sys.modules.get("tensorflow")
    return tf is not None and isinstance(value, tf.data.Dataset)


def several(given: object, is_item: IsItem) -> Iterable | None:
    """The items of a container; None where `given` is one item.

    Args:
        given: A list, tuple or iterator; a pandas Series; a NumPy array or tensor; a `tf.data.Dataset`, batched or not,
            of items or of tuples that begin with one.
        is_item: Tells one item that is an array of numbers from several.

    Raises:
        UserError: A data frame, of which one column is meant.
    """
    if is_dataset(given):
        elements = (element[0] if isinstance(element, tuple) else element for element in given.as_numpy_iterator())
        return itertools.chain.from_iterable(_listed(element, is_item) for element in elements)
    given = plain(given)
    if isinstance(given, np.ndarray | np.generic):
        one = is_item(given) if given.dtype.kind in "biuf" else given.ndim == 0
        return None if one else list(given)
    if hasattr(given, "columns"):
        raise UserError('expected items, got a data frame: give one of its columns, as in task(frame["text"])')
    if hasattr(given, "to_list"):
        return given.to_list()
    return given if isinstance(given, list | tuple | Iterator) else None


def labelled(given: object, labels: object, is_item: IsItem) -> tuple[list, list]:
    """Items and what is right for each.

    Args:
        given: As `several` takes it, or one item; where `labels` is None a `tf.data.Dataset` of (item, label) tuples,
            which is read once, since it may be in another order the next time.
        labels: A label for each item, in a list, array `[N]` or `[N, 1]`, or Series.
        is_item: As `several` takes it.

    Raises:
        UserError: There are no labels, or not as many as items.
    """
    if labels is None:
        pairs = is_dataset(given) and isinstance(given.element_spec, tuple)
        if not pairs or len(given.element_spec) < 2:
            raise UserError("expected labels beside the items, as in task.evaluate(items, labels)")
        items, right = [], []
        for item, label, *_ in given.as_numpy_iterator():
            items += _listed(item, is_item)
            right += _listed(_column(label), is_scalar)
    else:
        items, right = _listed(given, is_item), _listed(_column(labels), is_scalar)
    if len(items) != len(right):
        raise UserError(f"expected a label for each item, got {len(items):,} and {len(right):,}: items, labels")
    return items, right


def _listed(given: object, is_item: IsItem) -> list:
    items = several(given, is_item)
    return [given] if items is None else list(items)


def _column(labels: object) -> object:
    """Labels `[N, 1]` as `[N]`; anything else as it is."""
    labels = plain(labels)
    if not isinstance(labels, np.ndarray) or labels.ndim < 2:
        return labels
    if labels.ndim == 2 and labels.shape[1] == 1:
        return labels[:, 0]
    shape = "x".join(map(str, labels.shape))
    raise UserError(f"expected one label for each item, got an array of {shape}; of one-hot labels give argmax(-1)")


def kind(value: object) -> str:
    """The type of a value, for messages: "float", "pandas.core.frame.DataFrame"."""
    cls = type(value)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"

"""Input: one named part of what a task is asked about, as a person has it and as a graph takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from zoo.errors import UserError
from zoo.inputs import containers


class Input:
    """Base of the kinds of raw inputs.

    Args:
        name: The argument's name in an export's signature, and the field's in an item of several inputs.

    Attributes:
        kind: "image", "text", "audio" or "number".
        dtype: Of the graph's tensor: "string" for bytes that the graph decodes.
        shape: Of one item in that tensor; None for a free axis.
    """

    kind: str
    dtype = "string"
    shape: tuple[int | None, ...] = ()

    def __init__(self, name: str):
        self.name = name

    def encode(self, value: object) -> bytes | np.ndarray:
        """One value as a person has it -> the element of the graph's tensor.

        Raises:
            UserError: It is none of the accepted forms, or damaged.
            OSError: Its file cannot be read.
        """
        raise NotImplementedError

    def encode_again(self, value: object) -> bytes | np.ndarray:
        """As `encode`, for a value that `encode` has accepted before: without its checks where they cost much."""
        return self.encode(value)

    def is_item(self, array: np.ndarray) -> bool:
        """True of an array of numbers that is one value, and not several."""
        raise NotImplementedError

    def probes(self) -> list:
        """Values for which an export is compared with its task."""
        raise NotImplementedError

    def stacked(self, values: list) -> np.ndarray:
        """Encoded values of the same shape -> one array, the batch as its first axis."""
        if self.dtype == "string":
            array = np.empty(len(values), object)
            array[:] = values
            return array
        return np.stack(values) if values else np.zeros((0, *(side or 0 for side in self.shape)), self.dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


def encode(inputs: Sequence[Input], item: object, checked: bool = False) -> dict[str, bytes | np.ndarray]:
    """One item as a person has it -> its raw inputs by name.

    Args:
        inputs: Of a task.
        item: What the one input takes; of several inputs a mapping of their names to what they take.
        checked: Whether the item has been encoded before, so that costly checks are left out.

    Raises:
        UserError: It is of another kind, lacks an input, or is damaged.
        OSError: A file of it cannot be read.
    """
    if len(inputs) == 1:
        item = {inputs[0].name: item}
    names = [given.name for given in inputs]
    if not isinstance(item, Mapping) or set(item) != set(names):
        got = ", ".join(map(str, item)) if isinstance(item, Mapping) else containers.kind(item)
        raise UserError(f"expected an item with {', '.join(names)}, as a dict; got {got or 'nothing'}")
    return {given.name: (given.encode_again if checked else given.encode)(item[given.name]) for given in inputs}

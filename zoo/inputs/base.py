"""Input: one named part of what a task is asked about, as a person has it and as a graph takes it."""

from __future__ import annotations

import numpy as np


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

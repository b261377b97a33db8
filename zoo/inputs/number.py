"""Numbers: one, or an array of a declared shape, such as a series of T steps and C channels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.errors import UserError
from zoo.inputs import containers
from zoo.inputs.base import Input


class Number(Input):
    """Numbers of a fixed form.

    Args:
        name: As of `Input`.
        shape: Of one item: () is one number, (None, 3) a series of any length with 3 channels.
        dtype: NumPy's name of the type: "float32", "int32".
        low: The least value that is accepted.
        high: The largest.
    """

    kind = "number"

    def __init__(
        self,
        name: str,
        shape: Sequence[int | None] = (),
        dtype: str = "float32",
        low: float = -np.inf,
        high: float = np.inf,
    ):
        super().__init__(name)
        self.shape, self.dtype, self.low, self.high = tuple(shape), dtype, low, high

    def encode(self, value: object) -> np.ndarray:
        """A number, a nested list of them, an array or a tensor -> an array of the declared type and shape.

        Raises:
            UserError: It has another shape, is no number or not finite, or lies outside of the range.
        """
        try:
            array = np.asarray(containers.plain(value))
        except ValueError:
            raise UserError(f"{self.name}: expected {self._expected()}, got rows of different lengths") from None
        if array.dtype.kind not in "biuf":
            raise UserError(f"{self.name}: expected {self._expected()}, got {containers.kind(value)}")
        fits = len(array.shape) == len(self.shape) and all(
            wanted in (None, side) for wanted, side in zip(self.shape, array.shape, strict=True)
        )
        if not fits:
            shape = "x".join(map(str, array.shape)) or "one number"
            raise UserError(f"{self.name}: expected {self._expected()}, got {shape}")
        if not np.isfinite(array).all():
            raise UserError(f"{self.name}: expected finite numbers")
        if array.size and not (self.low <= array.min() and array.max() <= self.high):
            raise UserError(f"{self.name}: expected numbers from {self.low:g} to {self.high:g}")
        if np.dtype(self.dtype).kind in "iu" and (array != np.round(array)).any():
            raise UserError(f"{self.name}: expected whole numbers")
        return array.astype(self.dtype)

    def _expected(self) -> str:
        if not self.shape:
            return "one number"
        return "numbers of the shape " + " x ".join("any" if side is None else str(side) for side in self.shape)

    def is_item(self, array: np.ndarray) -> bool:
        """True of an array with as many axes as are declared."""
        return array.ndim == len(self.shape)

    def probes(self) -> list[np.ndarray]:
        """Arrays of the declared shape from a fixed seed, free axes of 5, within the range where it has ends."""
        rng = np.random.default_rng(0)
        low, high = max(self.low, -1.0 if self.high > -1 else self.high - 1), min(self.high, max(self.low, -1.0) + 2)
        shape = [5 if side is None else side for side in self.shape]
        drawn = [rng.uniform(low, high, shape) for _ in range(4)]
        whole = np.dtype(self.dtype).kind in "iu"
        return [(np.clip(np.round(each), low, high) if whole else each).astype(self.dtype) for each in drawn]

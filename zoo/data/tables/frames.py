"""Data frames of pandas in the place of tables in files."""

from __future__ import annotations

from pathlib import Path


class Frame:
    """A data frame that is read as a table of that name would be.

    Args:
        frame: With `columns`, and for each of them a column that has `to_list`.
    """

    parent = Path()  # where the paths in it begin

    def __init__(self, frame):
        self.frame = frame
        self.names = [str(name) for name in frame.columns]

    def __str__(self) -> str:
        return f"a data frame of {len(self.frame):,} rows"

    def rows(self, places: tuple[int, ...]) -> list[tuple]:
        """The values of some columns, row by row; None where one is missing."""
        names = list(self.frame.columns)
        lists = [[_known(value) for value in self.frame[names[place]].to_list()] for place in places]
        return list(zip(*lists, strict=True))


def is_frame(source: object) -> bool:
    """True of a data frame, wrapped or not."""
    return isinstance(source, Frame) or hasattr(source, "columns") and hasattr(source, "to_dict")


def framed(source: object) -> object:
    """A data frame as a `Frame`; anything else as it is."""
    return Frame(source) if is_frame(source) and not isinstance(source, Frame) else source


def _known(value: object) -> object:
    """None in place of pandas's marks for a missing value, NaN among them."""
    value = value.item() if hasattr(value, "dtype") and hasattr(value, "item") else value  # a scalar of NumPy
    missing = type(value).__name__ in ("NAType", "NaTType") or isinstance(value, float) and value != value
    return None if missing else value

"""Base of all results: one answer for one item.

`Failure` is what an item gets that could not be answered; the items beside it are answered all the same.
"""

from __future__ import annotations

import dataclasses
import html
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import numpy as np


LOW_CONFIDENCE = "low confidence"
_WIDTH = 80  # characters of `repr`
_MOST = 5  # rows in a notebook


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class Result:
    """One answer for one item.

    Attributes:
        error: Why the item could not be answered, in one line; None where it was.
        used_tokens: How many of `total_tokens` the model read; None where the model does not count.
        total_tokens: Length of the item in tokens.
        low_confidence: Whether the item or its answer is unlike what the model was calibrated on, so that the answer
            deserves no trust; see `zoo.tasks.confidence`. False where the preset is not calibrated.
    """

    error: ClassVar[str | None] = None
    unchanged = False  # whether the answer is the item itself, since the model found none
    used_tokens: int | None = None
    total_tokens: int | None = None
    low_confidence: bool = False

    @property
    def shortened(self) -> bool:
        """True if the model read less than the whole item."""
        return self.used_tokens is not None and self.total_tokens is not None and self.used_tokens < self.total_tokens

    def strict(self) -> Result:
        """The same, without its label or text where the confidence is low."""
        return self

    def marks(self) -> dict:
        """The fields of JSON and CSV that stand there only where they say something."""
        marks = {"low_confidence": True} if self.low_confidence else {}
        return marks | ({"used_tokens": self.used_tokens, "total_tokens": self.total_tokens} if self.shortened else {})

    def notes(self) -> list[str]:
        """The same for a person: what is to be said after the answer."""
        notes = [LOW_CONFIDENCE] if self.low_confidence else []
        return [*notes, self.used] if self.shortened else notes

    @property
    def remark(self) -> str:
        """The notes in parentheses; "" where there are none."""
        notes = "; ".join(self.notes())
        return f"({notes})" if notes else ""

    def to_dict(self) -> dict:
        """The fields of the JSON object, as the contract names them."""
        raise NotImplementedError

    def to_row(self) -> dict:
        """The same, flat: the fields of a CSV row."""
        return self.to_dict()

    def rows(self) -> list[dict]:
        """The rows of a CSV file: one, or as many as the answer has parts, such as boxes."""
        return [self.to_row()]

    def files(self) -> dict[str, bytes]:
        """Files that hold the answer: suffix -> content, such as ".png" or ".wav"; none for what fits a line."""
        return {}

    def to_text(self) -> str:
        """The answer as one line for a person."""
        raise NotImplementedError

    @property
    def used(self) -> str:
        """The part of the item that the model read, in words."""
        return f"used {self.used_tokens:,} of {self.total_tokens:,} tokens"

    def __repr__(self) -> str:
        text = one_line(self.to_text())
        return f"<{type(self).__name__}: {text if len(text) <= _WIDTH else text[: _WIDTH - 1] + '…'}>"

    def _repr_html_(self) -> str:
        """The answer in a notebook: a table of what it offers to choose from, and the remark."""
        rows = "".join(
            f"<tr><td style='text-align: left'>{html.escape(text)}</td><td>{html.escape(number)}</td></tr>"
            for text, number in self.choices()[:_MOST]
        )
        remark = f"<p>{html.escape(self.remark)}</p>" if self.remark else ""
        return f"<table>{rows}</table>{remark}" if rows else f"<p>{html.escape(self.to_text())}</p>"

    def _repr_png_(self) -> bytes | None:
        """The picture in a notebook, of an answer that is one."""
        return self.files().get(".png")

    def choices(self) -> list[tuple[str, str]]:
        """The answers that could be chosen, the best first, each with its number; none where there is no answer."""
        return []

    def draw(self, image: np.ndarray | None) -> np.ndarray:
        """The answer drawn with the image it was given for.

        Args:
            image: H x W x 3, uint8, BGR as OpenCV has it; None where the item is no image.

        Returns:
            A new array of the same kind, at least as large.
        """
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, repr=False)
class Failure(Result):
    """An item that could not be answered."""

    error: str

    def to_dict(self) -> dict:
        return {"error": self.error}

    def to_text(self) -> str:
        return f"failed: {self.error}"


def one_line(text: str) -> str:
    """The text without line ends of any kind, so that a line stays a line for whoever reads it.

    Example:
        >>> one_line("one\\r\\ntwo\\n")
        'one two'
    """
    return " ".join(text.splitlines())


def percent(probability: float) -> str:
    """A probability for people: `0.98765` is "98.8 %"; never "100.0 %" for what is not quite certain.

    Example:
        >>> percent(0.5), percent(0.99999)
        ('50.0 %', '>99.9 %')
    """
    return ">99.9 %" if 0.9995 <= probability < 1 else f"{100 * probability:.1f} %"


def rounded(number: float | None) -> float | None:
    """Six significant digits: float32 holds no more, and the rest is noise to read."""
    return None if number is None else float(f"{number:.6g}")

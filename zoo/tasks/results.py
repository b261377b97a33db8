"""Results of tasks: each knows how to be a line of text, JSON, a CSV row and a drawing.

`Failure` is what an item gets that could not be answered; the items beside it are answered all the same.
"""

from __future__ import annotations

import dataclasses
import html
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np


LOW_CONFIDENCE = "low confidence"
_WIDTH = 80  # characters of `repr`
_MOST = 5  # rows in a notebook
UNCHANGED = "unchanged: no shorter summary was found"


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


@dataclasses.dataclass(frozen=True, repr=False)
class Classification(Result):
    """A label and how sure the model is of it.

    An empty text has no label: `Classification(None, None)` is its empty result.

    Attributes:
        label: The best label; None below a threshold (see `limit`), for an empty item, and where `strict` took it away.
        probability: Of the best label, in [0, 1]; kept where a threshold takes the label away.
        scores: (label, probability) pairs, the best first.

    Example:
        >>> Classification("cat", 0.75, (("cat", 0.75), ("dog", 0.25))).to_text()
        'cat 75.0 %'
    """

    label: str | None
    probability: float | None
    scores: tuple[tuple[str, float], ...] = ()

    def limit(self, top: int | None = None, threshold: float = 0.0) -> Classification:
        """A copy with the `top` best scores, and without a label where its probability is below `threshold`."""
        sure = self.probability is not None and self.probability >= threshold
        return dataclasses.replace(self, label=self.label if sure else None, scores=self.scores[:top])

    def strict(self) -> Classification:
        return dataclasses.replace(self, label=None) if self.low_confidence else self

    def to_dict(self) -> dict:
        scores = [{"label": label, "probability": _round(probability)} for label, probability in self.scores]
        return {"label": self.label, "probability": _round(self.probability), "scores": scores} | self.marks()

    def to_row(self) -> dict:
        row = {"label": self.label, "probability": _round(self.probability)}
        for place, (label, probability) in enumerate(self.scores[1:], start=2):
            row |= {f"label_{place}": label, f"probability_{place}": _round(probability)}
        return row | self.marks()

    def to_text(self) -> str:
        if self.probability is None:
            return "(empty)"
        label = "unsure" if self.label is None else self.label
        return f"{label} {percent(self.probability)} {self.remark}".rstrip()

    def choices(self) -> list[tuple[str, str]]:
        unsure = [("unsure", "")] if self.label is None and self.scores else []
        return [*unsure, *((label, percent(probability)) for label, probability in self.scores)]

    def draw(self, image: np.ndarray | None) -> np.ndarray:
        from zoo.tasks import drawing

        rows = self.scores[:3] or (("(empty)", 0.0),)
        if self.label is None and self.scores:
            rows = ((f"unsure: {rows[0][0]}", rows[0][1]), *rows[1:])
        elif self.low_confidence:
            rows = ((f"{rows[0][0]} ({LOW_CONFIDENCE})", rows[0][1]), *rows[1:])
        return drawing.under(image, rows)


@dataclasses.dataclass(frozen=True, repr=False)
class Generation(Result):
    """A text that the model wrote.

    An empty item has an empty answer: `Generation("", None)`.

    Attributes:
        text: The best text; None where `strict` took it away.
        score: Its log-probability over its length, as the search ranks it, at most 0; None for an empty item.
        alternatives: (text, score) pairs of the other texts that were asked for, the best first.
        unchanged: Whether the text is the item itself, since the model found no shorter summary.
        doubts: The numbers of `zoo.tasks.confidence` that calibration looks at.

    Example:
        >>> Generation("A dog runs.", -0.25, (("The dog runs.", -0.5),)).to_row()
        {'text': 'A dog runs.', 'score': -0.25, 'text_2': 'The dog runs.', 'score_2': -0.5}
    """

    text: str | None
    score: float | None
    alternatives: tuple[tuple[str, float], ...] = ()
    unchanged: bool = False
    doubts: Mapping[str, float] | None = dataclasses.field(default=None, compare=False, repr=False)

    def marks(self) -> dict:
        return ({"unchanged": True} if self.unchanged else {}) | super().marks()

    def notes(self) -> list[str]:
        return [UNCHANGED, *super().notes()] if self.unchanged else super().notes()

    def strict(self) -> Generation:
        return dataclasses.replace(self, text=None, alternatives=()) if self.low_confidence else self

    def to_dict(self) -> dict:
        others = [{"text": text, "score": _round(score)} for text, score in self.alternatives]
        return {"text": self.text, "score": _round(self.score), "alternatives": others} | self.marks()

    def to_row(self) -> dict:
        row = {"text": self.text, "score": _round(self.score)}
        for place, (text, score) in enumerate(self.alternatives, start=2):
            row |= {f"text_{place}": text, f"score_{place}": _round(score)}
        return row | self.marks()

    def to_text(self) -> str:
        if not self.text and self.score is None:
            return "(empty)"
        return f"{one_line(self.text or '')} {self.remark}".strip()

    def choices(self) -> list[tuple[str, str]]:
        best = [(self.text, self.score)] if self.text else []
        return [(text, f"{score:.2f}") for text, score in (*best, *self.alternatives)]


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


def _round(number: float | None) -> float | None:
    """Six significant digits: float32 holds no more, and the rest is noise to read."""
    return None if number is None else float(f"{number:.6g}")

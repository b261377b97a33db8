"""Texts that a model wrote."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from zoo.results.base import Result, one_line, rounded

UNCHANGED = "unchanged: no shorter summary was found"


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
        others = [{"text": text, "score": rounded(score)} for text, score in self.alternatives]
        return {"text": self.text, "score": rounded(self.score), "alternatives": others} | self.marks()

    def to_row(self) -> dict:
        row = {"text": self.text, "score": rounded(self.score)}
        for place, (text, score) in enumerate(self.alternatives, start=2):
            row |= {f"text_{place}": text, f"score_{place}": rounded(score)}
        return row | self.marks()

    def to_text(self) -> str:
        if not self.text and self.score is None:
            return "(empty)"
        return f"{one_line(self.text or '')} {self.remark}".strip()

    def choices(self) -> list[tuple[str, str]]:
        best = [(self.text, self.score)] if self.text else []
        return [(text, f"{score:.2f}") for text, score in (*best, *self.alternatives)]

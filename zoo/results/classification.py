"""Labels and their probabilities."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from zoo.results.base import LOW_CONFIDENCE, Result, percent, rounded

if TYPE_CHECKING:
    import numpy as np


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
        scores = [{"label": label, "probability": rounded(probability)} for label, probability in self.scores]
        return {"label": self.label, "probability": rounded(self.probability), "scores": scores} | self.marks()

    def to_row(self) -> dict:
        row = {"label": self.label, "probability": rounded(self.probability)}
        for place, (label, probability) in enumerate(self.scores[1:], start=2):
            row |= {f"label_{place}": label, f"probability_{place}": rounded(probability)}
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
        from zoo.results import drawing

        rows = self.scores[:3] or (("(empty)", 0.0),)
        if self.label is None and self.scores:
            rows = ((f"unsure: {rows[0][0]}", rows[0][1]), *rows[1:])
        elif self.low_confidence:
            rows = ((f"{rows[0][0]} ({LOW_CONFIDENCE})", rows[0][1]), *rows[1:])
        return drawing.under(image, rows)

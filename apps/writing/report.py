"""The report of an evaluation: numbers, a picture to look at first, a table of the worst examples.

Files: metrics.json (the scores, those of each label, the confusion matrix), report.png (see `report_picture`),
worst.csv (of the wrong answers, those whose true label was given the least probability).
Of texts that a model wrote: metrics.json (the scores) and worst.csv (those furthest from their references).
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from apps.writing import fonts, writers
from zoo.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from zoo.data import Examples
    from zoo.data.texts.pairs import Pairs

FILES = ("metrics.json", "report.png", "worst.csv")
WORST = 20  # rows at most
_OF_ONE_TEXT = ("chrf", "rougeL")  # metrics that tell single texts apart; BLEU is 0 for most short ones
_WRITTEN = ("rank", "example", "item", "references", "text")
_LABELLED = ("rank", "example", "item", "label", "label_probability", "predicted", "predicted_probability")


def write(folder: str, measured: Mapping, task, examples: Examples | Pairs, answers) -> Sequence[str]:
    """Writes the report's files, each whole or not at all.

    Args:
        folder: Made where it is missing; other files in it stay.
        measured: The evaluate object.
        task: What answered.
        examples: N, labelled as the task counts, or pairs of texts.
        answers: What the task answered: probabilities [N, K], or N texts.

    Returns:
        The names of the files.

    Raises:
        UserError: The folder cannot be written.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--report {folder}: cannot make this folder: {error.strerror}") from None
    return REPORTS[task.report](Path(folder), measured, task, examples, answers)


def _write_texts(folder: Path, measured: Mapping, task, examples: Pairs, texts: Sequence[str]) -> Sequence[str]:
    """The metrics, and the texts that are furthest from their references, by the metric that suits single ones."""
    metric = next(name for name in _OF_ONE_TEXT if name in measured["metrics"])
    scores = [task.measure(examples.take([place]), [text])[metric] for place, text in enumerate(texts)]
    differing = [place for place, text in enumerate(texts) if text not in examples.targets[place]]
    worst = sorted(differing, key=scores.__getitem__)[:WORST]
    rows = [
        {
            "rank": rank,
            "example": place,
            "item": examples.raw[place],
            "references": "\n".join(examples.targets[place]),
            "text": texts[place],
            metric: round(scores[place], 2),
        }
        for rank, place in enumerate(worst, start=1)
    ]
    _write_tables(folder, dict(measured), (*_WRITTEN, metric), rows)
    return FILES[0], FILES[2]


def _write_tables(folder: Path, metrics: Mapping, columns: Sequence[str], rows: list[dict]) -> None:
    with writers.replacing(folder / FILES[0]) as stream:
        json.dump(metrics, stream, indent=2, ensure_ascii=False)
        stream.write("\n")
    with writers.replacing(folder / FILES[2]) as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _write_labels(
    folder: Path, measured: Mapping, task, examples: Examples, probabilities: np.ndarray
) -> Sequence[str]:
    """Writes the report of a classifier into an existing folder; see `write`."""
    import numpy as np
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    labels = task.labels
    predicted, count = probabilities.argmax(-1), len(labels)
    every = np.arange(count)
    matrix = confusion_matrix(examples.labels, predicted, labels=every)  # true label, predicted label
    scores = precision_recall_fscore_support(examples.labels, predicted, labels=every, zero_division=np.nan)
    by_label = {
        name: {"precision": _defined(p), "recall": _defined(r), "f1": _defined(f), "n": int(n)}
        for name, p, r, f, n in zip(labels, *scores, strict=True)
    }
    likelihood = probabilities[np.arange(len(examples)), examples.labels]
    wrong = np.flatnonzero(predicted != examples.labels)
    worst = wrong[np.argsort(likelihood[wrong], kind="stable")[:WORST]]
    rows = [
        {
            "rank": rank,
            "example": int(place),
            "item": item_name(examples.raw[place]),
            "label": labels[examples.labels[place]],
            "label_probability": round(float(likelihood[place]), 6),
            "predicted": labels[predicted[place]],
            "predicted_probability": round(float(probabilities[place].max()), 6),
        }
        for rank, place in enumerate(worst, start=1)
    ]
    _write_tables(folder, {**measured, "labels": by_label, "confusion": matrix.tolist()}, _LABELLED, rows)
    import matplotlib

    from apps.writing import report_picture

    with matplotlib.rc_context({"font.family": fonts.installed()}):
        mistakes = [examples.raw[place] for place in worst]
        figure = report_picture.draw(measured, labels, matrix, by_label, mistakes, rows)
        with writers.replacing(folder / FILES[1], "wb") as stream:
            figure.savefig(stream, format="png", dpi=110)
    return FILES


REPORTS = {"labels": _write_labels, "texts": _write_texts}  # by `Task.report`


def item_name(raw: object) -> str:
    """An example as a table shows it: a path, a text; nothing for the bytes of an image."""
    return "" if isinstance(raw, bytes) else str(raw)


def _defined(score: float) -> float | None:
    """A score of one label, null in JSON where it divides by no example."""
    return None if math.isnan(score) else float(score)

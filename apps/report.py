"""The report of an evaluation: numbers, a picture to look at first, a table of the worst examples.

It draws what was measured elsewhere. Files: metrics.json (the scores, those of each label, the confusion matrix),
report.png (the matrix, and the examples whose true label seemed least likely), worst.csv (the same as a table).
Of texts that a model wrote: metrics.json (the scores) and worst.csv (those furthest from their references).
"""

from __future__ import annotations

import csv
import json
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from apps import fonts, results
from zoo.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    from zoo.data import Examples
    from zoo.data.pairs import Pairs

FILES = ("metrics.json", "report.png", "worst.csv")
WORST = 20
_OF_ONE_TEXT = ("chrf", "rougeL")  # metrics that tell single texts apart; BLEU is 0 for most short ones
MOST_LABELS = 40  # names and numbers in a larger confusion matrix cannot be read: the most confused are shown


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
    if not task.labels:
        return _write_texts(Path(folder), measured, task, examples, answers)
    _write_labels(Path(folder), measured, task.labels, examples, answers)
    return FILES


def _write_texts(folder: Path, measured: Mapping, task, examples: Pairs, texts: Sequence[str]) -> Sequence[str]:
    """The metrics, and the texts that are furthest from their references, by the metric that suits single ones."""
    metric = next(name for name in _OF_ONE_TEXT if name in measured["metrics"])
    scores = [
        task.score([text], [references])[metric] for text, references in zip(texts, examples.targets, strict=True)
    ]
    worst = sorted(range(len(texts)), key=scores.__getitem__)[:WORST]
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
    _write_tables(folder, dict(measured), rows)
    return FILES[0], FILES[2]


def _write_tables(folder: Path, metrics: Mapping, rows: list[dict]) -> None:
    with results.replacing(folder / FILES[0]) as stream:
        json.dump(metrics, stream, indent=2, ensure_ascii=False)
        stream.write("\n")
    with results.replacing(folder / FILES[2]) as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _write_labels(
    folder: Path, measured: Mapping, labels: Sequence[str], examples: Examples, probabilities: np.ndarray
) -> None:
    """Writes the report of a classifier into an existing folder; see `write`."""
    import numpy as np
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    predicted, count = probabilities.argmax(-1), len(labels)
    every = np.arange(count)
    matrix = confusion_matrix(examples.labels, predicted, labels=every)  # true label, predicted label
    scores = precision_recall_fscore_support(examples.labels, predicted, labels=every, zero_division=0)
    by_label = {
        name: {"precision": float(p), "recall": float(r), "f1": float(f), "n": int(n)}
        for name, p, r, f, n in zip(labels, *scores, strict=True)
    }
    likelihood = probabilities[np.arange(len(examples)), examples.labels]
    worst = np.argsort(likelihood, kind="stable")[:WORST]
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
    _write_tables(folder, {**measured, "labels": by_label, "confusion": matrix.tolist()}, rows)
    import matplotlib

    with matplotlib.rc_context({"font.family": fonts.installed()}):
        figure = draw(measured, labels, matrix, by_label, [examples.raw[place] for place in worst], rows)
        with results.replacing(folder / FILES[1], "wb") as stream:
            figure.savefig(stream, format="png", dpi=110)


def item_name(raw: object) -> str:
    """An example as a table shows it: a path, a text; nothing for the bytes of an image."""
    return "" if isinstance(raw, bytes) else str(raw)


def draw(measured, labels, matrix: np.ndarray, by_label: Mapping, raw: list, rows: list[dict]) -> Figure:
    """The confusion matrix over the worst examples, as one figure."""
    from matplotlib.figure import Figure  # not pyplot: no screen, no state

    pictures = not isinstance(raw[0], str)
    shown = min(len(labels), MOST_LABELS)
    matrix_height = 3.2 + 0.28 * shown
    worst_height = 1.0 + (2.0 * -(-len(raw) // 5) if pictures else 0.8 * len(raw))
    figure = Figure(figsize=(12, matrix_height + worst_height), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=[matrix_height, worst_height])
    values = ", ".join(f"{name} {value:.4f}" for name, value in measured["metrics"].items())
    place = measured["data"] + (f", {measured['split']}" if measured["split"] else "")
    upper.suptitle(fonts.plain(f"{measured['preset']} on {measured['n']:,} examples of {place}: {values}"), fontsize=13)
    _matrix(upper, labels, matrix, by_label)
    title = f"The {len(raw)} examples whose true label seemed least likely"
    if any(fonts.drawable(text) != text for text in map(results.printable, [*labels, *(raw if not pictures else [])])):
        title += f"\n[n characters]: no installed font has them; {FILES[2]} holds the texts"
    lower.suptitle(title, fontsize=12)
    (_worst_pictures if pictures else _worst_texts)(lower, raw, rows)
    return figure


def _matrix(figure, labels, matrix: np.ndarray, by_label: Mapping) -> None:
    import numpy as np

    kept = np.arange(len(labels))
    if len(labels) > MOST_LABELS:
        wrong = matrix.sum(0) + matrix.sum(1) - 2 * np.diag(matrix)
        kept = np.sort(np.argsort(-wrong, kind="stable")[:MOST_LABELS])
    part = matrix[np.ix_(kept, kept)]
    shares = part / np.maximum(matrix[kept].sum(1, keepdims=True), 1)  # of each true label
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    names = [fonts.plain(textwrap.shorten(labels[k], 24, placeholder="…")) for k in kept]
    recalls = [f"{name} ({by_label[labels[k]]['recall']:.1%})" for name, k in zip(names, kept, strict=True)]
    slant = {"rotation": 45, "ha": "right"} if max(map(len, names)) > 4 and len(kept) > 4 else {}
    axes.set_xticks(range(len(kept)), names, **slant)
    axes.set_yticks(range(len(kept)), recalls)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true label (share found)")
    if len(kept) < len(labels):
        axes.set_title(f"the {len(kept)} most confused of {len(labels):,} labels", fontsize=10)
    for row, column in np.ndindex(part.shape):
        if part[row, column]:
            colour = "white" if shares[row, column] > 0.5 else "black"
            size = 9 if len(kept) <= 20 else 6
            axes.text(column, row, f"{part[row, column]:,}", ha="center", va="center", color=colour, fontsize=size)


def _worst_pictures(figure, raw: list, rows: list[dict]) -> None:
    from zoo.data import images

    axes = list(figure.subplots(-(-len(raw) // 5), 5, squeeze=False).flat)
    for axis in axes:
        axis.axis("off")
    for axis, item, row in zip(axes, raw, rows, strict=False):
        data = item if isinstance(item, bytes) else Path(item).read_bytes()
        axis.imshow(images.pixels(data)[..., ::-1], interpolation="nearest" if len(data) < 5000 else "antialiased")
        axis.set_title(f"{row['rank']}. {_told(row)}", fontsize=9, parse_math=False)


def _worst_texts(figure, raw: list, rows: list[dict]) -> None:
    axis = figure.subplots()
    axis.axis("off")
    axis.set_xlim(0, 1)
    axis.set_ylim(len(raw), 0)
    for place, (text, row) in enumerate(zip(raw, rows, strict=True)):
        head = f"{row['rank']}. {_told(row)}, example {row['example']}".replace("\n", ", ")
        axis.text(0, place + 0.05, head, fontsize=9, fontweight="bold", va="top", parse_math=False)
        body = results.printable(" ".join(text.split()))
        body = fonts.drawable(body if len(body) <= 300 else body[:200] + " … " + body[-97:])
        wide = sum(unicodedata.east_asian_width(c) in "WF" for c in body) > len(body) / 4
        axis.text(0.015, place + 0.35, textwrap.fill(body, 85 if wide else 150), fontsize=9, va="top", parse_math=False)


def _told(row: dict) -> str:
    short = {key: fonts.drawable(textwrap.shorten(row[key], 24, placeholder="…")) for key in ("label", "predicted")}
    true = f"{short['label']} ({row['label_probability']:.1%})"
    if row["predicted"] == row["label"]:
        return f"{true}\nrightly found"
    return f"{true}\ntaken for {short['predicted']} ({row['predicted_probability']:.1%})"

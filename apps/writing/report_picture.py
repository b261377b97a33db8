"""A classifier's report as one picture: the confusion matrix above its worst mistakes. It draws what was measured."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure  # not pyplot: no screen, no state
from matplotlib.font_manager import FontProperties

from apps.writing import fonts, writers

MOST_LABELS = 40  # names and numbers in a larger confusion matrix cannot be read: the most confused are shown
LONGEST = 600  # characters that are drawn of a text
WIDTH = 12.0  # inches
_MARGIN, _INDENT = 0.25, 0.2  # inches
_SIZE = 9  # points, of texts
_LINE = _SIZE * 1.25 / 72  # inches


def draw(
    measured: Mapping, labels: Sequence[str], matrix: np.ndarray, by_label: Mapping, raw: list, rows: list[dict]
) -> Figure:
    """The figure.

    Args:
        measured: The evaluate object.
        labels: K names.
        matrix: Counts [K, K], true label by predicted label.
        by_label: Scores of each label, as metrics.json has them.
        raw: The worst mistakes: texts, paths or the bytes of images.
        rows: What worst.csv says of them.
    """
    written = bool(raw) and isinstance(raw[0], str)
    title = _title_of_mistakes(len(raw), measured["n"] - int(np.trace(matrix)))
    if any(fonts.drawable(text) != text for text in map(writers.printable, [*labels, *(raw if written else [])])):
        title += "\n[n characters]: no installed font has them; worst.csv holds the texts"
    heading = 0.3 + 0.2 * (1 + title.count("\n"))  # inches
    bodies = list(_wrapped(raw)) if written else []
    if written:
        below = heading + _LINE * sum(len(lines) + 2 for lines in bodies)
    else:
        below = heading + 2.1 * -(-len(raw) // 5)
    shown = min(len(labels), MOST_LABELS)
    names = 0.08 * max(len(_short(label)) for label in labels)
    side = min(float(np.clip(0.5 * shown, 1.6, 9)), WIDTH - names - 4.6)  # beside the names and three columns of scores
    above = 1.6 + 0.7 * names + side
    figure = Figure(figsize=(WIDTH, above + below), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=[above, below])
    values = ", ".join(f"{name} {value:.4f}" for name, value in measured["metrics"].items())
    place = measured["data"] + (f", {measured['split']}" if measured["split"] else "")
    counts = f"{int(np.trace(matrix)):,} of {measured['n']:,} examples correct"
    upper.suptitle(fonts.plain(f"{measured['preset']} on {place}: {counts}\n{values}"), fontsize=13)
    _matrix(upper, labels, matrix, by_label)
    lower.suptitle(title, fontsize=12)
    if written:
        _texts(lower, heading, below, bodies, rows)
    elif raw:
        _pictures(lower, raw, rows)
    return figure


def _title_of_mistakes(shown: int, wrong: int) -> str:
    if not wrong:
        return "No example is wrong"
    if shown == wrong:
        return "The only wrong example" if wrong == 1 else f"All {wrong} wrong examples, the worst first"
    return f"The worst {shown} of {wrong:,} wrong examples: their true label was given the least probability"


def _matrix(figure, labels: Sequence[str], matrix: np.ndarray, by_label: Mapping) -> None:
    """A square of counts, darker for a larger share of the true label, with the scores of each label."""
    kept = np.arange(len(labels))
    if len(labels) > MOST_LABELS:
        wrong = matrix.sum(0) + matrix.sum(1) - 2 * np.diag(matrix)
        kept = np.sort(np.argsort(-wrong, kind="stable")[:MOST_LABELS])
    part = matrix[np.ix_(kept, kept)]
    shares = part / np.maximum(matrix[kept].sum(1, keepdims=True), 1)  # of each true label
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="equal")
    names = [fonts.plain(_short(labels[k])) for k in kept]
    correct = [_score(by_label[labels[k]]["recall"]) for k in kept]
    slant = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if max(map(len, names)) > 4 else {}
    axes.set_xticks(range(len(kept)), names, **slant)
    axes.set_yticks(range(len(kept)), [f"{name} ({share})" for name, share in zip(names, correct, strict=True)])
    axes.set_xlabel("predicted label")
    axes.set_ylabel("true label (share correct)")
    for lines in (axes.set_xticks, axes.set_yticks):
        lines(np.arange(1, len(kept)) - 0.5, minor=True)
    axes.grid(which="minor", color="0.8", linewidth=0.6)
    axes.tick_params(which="minor", length=0)
    _scores(axes, [by_label[labels[k]] for k in kept])
    if len(kept) < len(labels):
        axes.set_title(f"the {len(kept)} most confused of {len(labels):,} labels", fontsize=10)
    for row, column in np.ndindex(part.shape):
        if part[row, column]:
            colour = "white" if shares[row, column] > 0.5 else "black"
            size = 9 if len(kept) <= 20 else 6
            axes.text(column, row, f"{part[row, column]:,}", ha="center", va="center", color=colour, fontsize=size)


def _scores(axes, scores: Sequence[Mapping]) -> None:
    """Writes the other scores of each true label behind its row."""
    for column, name in enumerate(("precision", "F1", "examples"), start=1):
        told = [_score(each["n"] if name == "examples" else each[name.lower()]) for each in scores]
        for row, text in enumerate([name, *told]):
            place = (1, (row - 1 if row else -0.5 - 0.01 * len(scores)))
            axes.annotate(
                text,
                place,
                (62 * column, 0),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                ha="right",
                va="center" if row else "bottom",
            )


def _score(value: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:,}" if isinstance(value, int) else f"{value:.1%}"


def _pictures(figure, raw: list, rows: list[dict]) -> None:
    from zoo.inputs import image_files

    axes = list(figure.subplots(-(-len(raw) // 5), 5, squeeze=False).flat)
    for axis in axes:
        axis.axis("off")
    for axis, item, row in zip(axes, raw, rows, strict=False):
        data = item if isinstance(item, bytes) else Path(item).read_bytes()
        axis.imshow(image_files.pixels(data)[..., ::-1], interpolation="nearest" if len(data) < 5000 else "antialiased")
        title = _told(row, between="\n", longest=16)  # as wide as the picture
        axis.set_title(f"{row['rank']}. {title}", fontsize=9, parse_math=False)


def _texts(figure, heading: float, height: float, bodies: Sequence[Sequence[str]], rows: list[dict]) -> None:
    """Writes one text below the other, on a page that is as high as all of them."""
    axis = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(height, 0))  # inches
    axis.axis("off")
    look = {"fontsize": _SIZE, "va": "top", "parse_math": False}
    top = heading
    for lines, row in zip(bodies, rows, strict=True):
        head = f"{row['rank']}. {_told(row, between=', ', longest=48)}, example {row['example']}"
        axis.text(_MARGIN, top, head, fontweight="bold", **look)
        for place, line in enumerate(lines, start=1):
            axis.text(_MARGIN + _INDENT, top + place * _LINE, line, **look)
        top += (len(lines) + 2) * _LINE


def _wrapped(texts: Sequence[str]) -> Iterator[list[str]]:
    """The lines of each text; they fill the page's width, whatever the letters."""
    canvas, font = FigureCanvasAgg(Figure()), FontProperties(size=_SIZE)
    renderer = canvas.get_renderer()

    def inked(text: str) -> float:
        return renderer.get_text_width_height_descent(text, font, False)[0] / canvas.figure.dpi

    @functools.cache
    def width(word: str) -> float:  # with the room on both sides of it, which its ink does not show
        return inked(f"x{word}x") - inked("xx")

    for text in texts:
        body = writers.printable(" ".join(text.split()))
        if len(body) > LONGEST:
            begin, end = body[: LONGEST * 2 // 3], body[-LONGEST // 3 :]
            body = f"{begin.rpartition(' ')[0] or begin} … {end.partition(' ')[2] or end}"
        yield wrap(fonts.drawable(body), width, WIDTH - 2 * _MARGIN - _INDENT)


def wrap(text: str, width: Callable[[str], float], most: float) -> list[str]:
    """Breaks a text at blanks into lines of at most a width, and within a word that is wider than a line.

    Example:
        >>> wrap("one two threefour", len, 7)
        ['one two', 'threefo', 'ur']
    """
    lines, line, used = [], "", 0.0
    for word in text.split():
        if line and used + width(" ") + width(word) <= most:
            line, used = f"{line} {word}", used + width(" ") + width(word)
            continue
        if line:
            lines.append(line)
        while width(word) > most and len(word) > 1:
            ends = list(itertools.accumulate(map(width, word)))
            cut = max(1, sum(end <= most for end in ends))
            lines.append(word[:cut])
            word = word[cut:]
        line, used = word, width(word)
    return [*lines, line] if line else lines


def _told(row: dict, between: str, longest: int) -> str:
    short = {key: fonts.drawable(_short(row[key], longest)) for key in ("label", "predicted")}
    return (
        f"label {short['label']} ({row['label_probability']:.1%}){between}"
        f"predicted {short['predicted']} ({row['predicted_probability']:.1%})"
    )


def _short(label: str, longest: int = 24) -> str:
    """Both ends of a long name, either of which may tell it from another."""
    label = " ".join(label.split())
    begin = (longest - 1) // 2
    return label if len(label) <= longest else f"{label[:begin]}…{label[begin + 1 - longest :]}"

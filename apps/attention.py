"""Where a translation looked: a heat map of the source's pieces against those of what was written."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from apps import fonts, results
from apps.inputs import Item
from apps.texts import shortened
from zoo.errors import UserError
from zoo.tasks.results import Result

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

CELL = 0.27  # inches; a line of the labels' type fits
MOST = 200  # pieces that are drawn of either side: a larger picture opens nowhere
LONGEST = 24  # letters of a piece


class Maps:
    """A writer beside another: the first item's map goes to `file`, that of item N to the same name with -N.

    Args:
        file: A name that ends in .png.
        task: Offers `attention(item, text) -> (source pieces, target pieces, weights [T, S])`.

    Attributes:
        whole: False where a map could not be made; the person has been told.
    """

    def __init__(self, file: str, task):
        self.file, self.task, self.whole = file, task, True

    def write(self, index: int, item: Item, result: Result) -> None:
        """Draws one answer; a failed or empty item has no map."""
        if result.error is not None or not result.text:
            return
        root, suffix = os.path.splitext(self.file)
        path = self.file if index == 0 else f"{root}-{index + 1}{suffix}"
        try:
            found = self.task.attention(item.payload, result.text)
        except UserError as error:
            self.whole = False
            print(f"zoo: --attention: item {index + 1}, {shortened(item)}: {error}", file=sys.stderr)
            return
        with results.replacing(path, "wb") as stream:
            stream.write(png(*found))

    def flush(self) -> None:
        """Nothing waits."""


def check(file: str) -> None:
    """Tells before anything heavy is loaded whether maps can be written.

    Raises:
        UserError: The name is no picture's, or its folder is not there.
    """
    if not file.lower().endswith(".png"):
        raise UserError(f"--attention {file}: expected a file that ends in .png")
    if os.path.isdir(file) or not os.path.isdir(os.path.dirname(file) or "."):
        what = "is a folder" if os.path.isdir(file) else "its folder does not exist"
        raise UserError(f"--attention {file}: {what}; expected a file to write")


def png(source: Sequence[str], target: Sequence[str], weights: np.ndarray) -> bytes:
    """The heat map of `draw` as the bytes of a PNG file, in letters that are installed here."""
    import io

    import matplotlib

    with matplotlib.rc_context({"font.family": fonts.installed()}):
        stream = io.BytesIO()
        draw(source, target, weights).savefig(stream, format="png", dpi=110)
    return stream.getvalue()


def draw(source: Sequence[str], target: Sequence[str], weights: np.ndarray) -> Figure:
    """The heat map: the source from left to right, what was written from top to bottom.

    Args:
        source: S pieces.
        target: T pieces.
        weights: T x S; each row sums to 1.
    """
    from matplotlib.figure import Figure  # not pyplot: no screen, no state

    columns, rows = ([_label(piece) for piece in pieces[:MOST]] for pieces in (source, target))
    # A letter of the labels is about 0.08 inches wide; the rest is for the axes' names and the bar of colours.
    width = max(4.5, CELL * len(columns) + 0.08 * max(map(len, rows)) + 1.6)
    height = max(3.0, CELL * len(rows) + 0.08 * max(map(len, columns)) + 0.6)
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    picture = axes.imshow(weights[:MOST, :MOST], cmap="Blues", vmin=0, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=90, fontsize=9)
    axes.set_yticks(range(len(rows)), rows, fontsize=9)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel(_name("source", source))
    axes.set_ylabel(_name("translation", target))
    axes.set_xticks([place - 0.5 for place in range(1, len(columns))], minor=True)
    axes.set_yticks([place - 0.5 for place in range(1, len(rows))], minor=True)
    axes.grid(which="minor", color="0.9", linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    figure.colorbar(picture, label="share of the attention", fraction=0.4 / width, pad=0.1 / width)
    return figure


def _label(piece: str) -> str:
    shown = results.printable(piece)
    return fonts.plain(shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…")


def _name(name: str, pieces: Sequence[str]) -> str:
    return name if len(pieces) <= MOST else f"{name}, the first {MOST} of {len(pieces):,} pieces"

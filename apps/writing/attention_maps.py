"""Heat maps of a translation's attention: the source's words against those of what was written."""

from __future__ import annotations

import itertools
import os
import sys
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from apps.answering.texts import shortened
from apps.reading.command_line import Item
from apps.writing import fonts, writers
from zoo.errors import UserError
from zoo.results.base import Result

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

CELL = 0.27  # inches; a line of the labels' type fits
MOST = 200  # words that are drawn of either side: a larger picture opens nowhere
LONGEST = 24  # letters of a word
_BEGINS = ("▁", "Ġ")  # how SentencePiece and byte pairs mark the first piece of a word
_ENDS = ("</s>", "[END]")


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
        with writers.replacing(path, "wb") as stream:
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


def by_words(
    source: Sequence[str], target: Sequence[str], weights: np.ndarray
) -> tuple[list[str], list[str], np.ndarray]:
    """The weights of words instead of pieces, without the token that ends a text.

    A word of the source has the sum of its pieces' weights, a word of the target the mean of its pieces' rows. What the
    end of the source has of the attention is left out, so that a row may sum to less than 1.

    Args:
        source: S tokens, as `attention` of a task gives them.
        target: T tokens.
        weights: T x S.
    """
    import numpy as np

    weights = np.asarray(weights)
    marked = any(piece.startswith(_BEGINS) for piece in (*source, *target))  # else each token is a word
    columns, rows = _starts(source, marked), _starts(target, marked)
    if not (columns[-1] and rows[-1]):  # no words: the ends are all that there is
        return list(source), list(target), weights
    inside = weights[: rows[-1], : columns[-1]]
    summed = np.add.reduceat(inside, columns[:-1], axis=1)
    means = np.add.reduceat(summed, rows[:-1], axis=0) / np.diff(rows)[:, None]
    return _joined(source, columns), _joined(target, rows), means


def _starts(pieces: Sequence[str], marked: bool) -> list[int]:
    """The places at which words begin, then the end of the last one. Punctuation that closes a word stands alone."""
    end = len(pieces) - (pieces[-1:] != [] and pieces[-1] in _ENDS)
    if not marked:
        return list(range(end + 1))
    starts, closing = [end], True  # from the last piece to the first; closing: nothing but punctuation follows
    for place in range(end - 1, -1, -1):
        piece = pieces[place]
        if piece in _BEGINS and starts[-1] == place + 1 < end:  # its word begins with the next piece
            starts.pop()
        alone = closing and not any(map(str.isalnum, piece))
        if place == 0 or alone or piece.startswith(_BEGINS) or unicodedata.east_asian_width(piece[:1] or " ") in "WF":
            starts.append(place)
        closing = alone or piece.startswith(_BEGINS)
    return starts[::-1]


def _joined(pieces: Sequence[str], starts: Sequence[int]) -> list[str]:
    return ["".join(pieces[start:end]).lstrip("".join(_BEGINS)) for start, end in itertools.pairwise(starts)]


def png(source: Sequence[str], target: Sequence[str], weights: np.ndarray) -> bytes:
    """The heat map by words, of what a task's `attention` gives, as a PNG file in letters that are installed here."""
    import io

    import matplotlib

    with matplotlib.rc_context({"font.family": fonts.installed()}):
        stream = io.BytesIO()
        draw(*by_words(source, target, weights)).savefig(stream, format="png", dpi=110)
    return stream.getvalue()


def draw(source: Sequence[str], target: Sequence[str], weights: np.ndarray) -> Figure:
    """The heat map: the source from left to right, what was written from top to bottom.

    Args:
        source: S words.
        target: T words.
        weights: T x S; a row sums to at most 1.
    """
    from matplotlib.figure import Figure  # not pyplot: no screen, no state

    columns, rows = ([_label(word) for word in words[:MOST]] for words in (source, target))
    # A letter of the labels is about 0.08 inches wide; the rest is for the axes' names and the bar of colours.
    width = max(4.5, CELL * len(columns) + 0.08 * max(map(len, rows)) + 1.8)
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
    figure.colorbar(
        picture, label="share of the attention\n(rest: end of the text)", fraction=0.4 / width, pad=0.1 / width
    )
    return figure


def _label(word: str) -> str:
    shown = writers.printable(word)
    return fonts.plain(shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…")


def _name(name: str, words: Sequence[str]) -> str:
    return name if len(words) <= MOST else f"{name}, the first {MOST} of {len(words):,} words"

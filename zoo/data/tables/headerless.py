"""Tables without a header: whether the first row is an example, and which columns hold what."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.data.tables import languages
from zoo.data.tables.reader import Headerless
from zoo.errors import UserError

# Names that columns have where they are not called as we ask; no text and no label is called so.
NAMES = frozenset(
    """
    abstract annotation answer article author body caption category class class_name comment content context
    description dialogue document emotion feedback file filename gold highlights id image index input intent kommentar
    label labels lang language message name original output path polarity post question rating reference response
    review score sentence sentence1 sentence2 sentiment source source_text split src stars subject summary tag target
    target_text text texts tgt title topic translation tweet type utterance value x y
    """.split()
)
REPEATS = 4  # rows from which labels are sure to repeat themselves
SENTENCE = 3  # words from which a text is none of a header's names
NEIGHBOURS = 3  # rows beside which the first one is looked at
LONGER = 1.5  # times as long as its summary a document is


def labelled(rows: list[list[str]]) -> Headerless | None:
    """The columns of texts and labels of a file of two columns: the labels repeat themselves more often.

    Args:
        rows: The fields of all rows, none of which is empty.

    Returns:
        None where the first row is a header with other names, or has another number of columns.
    """
    if len(rows[0]) != 2 or _names(rows[0]):
        return None
    columns = list(zip(*(row for row in rows if len(row) == 2), strict=True))
    text, label = (1, 0) if len(set(columns[0])) < len(set(columns[1])) else (0, 1)
    name, *labels = columns[label]
    if name not in labels and labels:
        several = len(labels) >= REPEATS and len(labels) >= 2 * len(set(labels))
        numbers = not _number(name) and all(map(_number, labels))
        counted = all(map(_number, rows[0])) and not any(map(_number, columns[text][1:]))  # columns 0 and 1
        if several or numbers or counted or _shorter(columns[text]):
            return None
    return Headerless(
        (text, label),
        "has no column 'text' in its first line, which is taken for an example: "
        f"the text stands in column {text + 1}, the label in column {label + 1}.",
    )


def paired(rows: list[list[str]], pair: tuple[str, str] | None) -> Headerless | None:
    """The columns of sources and targets of a file of pairs of texts, the first two.

    Args:
        rows: The fields of all rows, none of which is empty.
        pair: The languages of sources and targets; None where a text is summed up in its own language.

    Returns:
        None where the first row is a header with other names, or has one column.

    Raises:
        UserError: Nothing tells which of the columns is the source.
    """
    if len(rows[0]) < 2 or _names(rows[0]):
        return None
    columns = list(zip(*(row[:2] for row in rows if len(row) > 1), strict=True))
    if _shorter(columns[0]) and _shorter(columns[1]):
        return None
    straight, why = _in_order(columns, pair)
    names = pair or ("source", "target")
    if straight is None:
        raise UserError(
            f"the first line names no columns, and it cannot be told which of the two holds the {names[0]!r} texts; "
            f"put a line with the names {names[0]!r} and {names[1]!r} before it, or give the columns' numbers: "
            "--source-column 1 --target-column 2"
        )
    source, target = (0, 1) if straight else (1, 0)
    return Headerless(
        (source, target),
        f"has no column {names[0]!r} in its first line, which is taken for an example: "
        f"the source stands in column {source + 1}, the target in column {target + 1}, to judge by {why}.",
    )


def _in_order(columns: Sequence[Sequence[str]], pair: tuple[str, str] | None) -> tuple[bool | None, str]:
    """True if the source comes first, and what tells it; None where nothing does."""
    if pair is not None:
        return languages.in_order(columns[0], columns[1], pair), "their words"
    first, second = (sum(map(len, column)) for column in columns)
    if max(first, second) < LONGER * min(first, second):
        return None, ""
    return first > second, "their lengths"


def _names(cells: Sequence[str]) -> bool:
    """True if all that stands in a row are usual names of columns, or names of languages."""
    there = [cell.strip().casefold() for cell in cells if cell.strip()]
    return all(cell.replace(" ", "_") in NAMES or cell in languages.NAMES for cell in there)


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _shorter(texts: Sequence[str]) -> bool:
    """True if the first text is a word or two without a full stop, and those below it are sentences."""
    first, *others = (text.strip() for text in texts[: NEIGHBOURS + 1])
    short = len(first.split()) < SENTENCE and first[-1:].isalnum()
    return short and bool(others) and all(len(text.split()) >= SENTENCE for text in others)

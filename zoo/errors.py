"""The one exception that is meant for a person."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST = 60  # names that a person reads


class UserError(Exception):
    """Bad input: one line that says what was expected, what came and what to do.

    The command line prints it without a traceback and exits with status 2; in a batch it is reported for its item
    and the rest goes on.
    """


class NoSplitError(UserError):
    """A data set has no split of that name."""


def named(lines: Iterable, name: str, unknown: str):
    """The line of a table that has the name.

    Args:
        lines: Objects with a `name`.
        name: What was asked for.
        unknown: The beginning of the message: "unknown task".

    Raises:
        UserError: There is none; the nearest names are given.
    """
    lines = {line.name: line for line in lines}
    if name in lines:
        return lines[name]
    raise UserError(f"{unknown} {name!r}{nearest(name, lines)}")


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint for a wrong name.

    Args:
        name: What was asked for.
        names: The names there are.

    Returns:
        `"; did you mean 'a' or 'b'?"` with up to three near names, or `"; there are: ..."` where none is near, and how
        many there are where nobody would read them all.

    Example:
        >>> nearest("resnet8", ["resnet18", "lenet5"])
        "; did you mean 'resnet18'?"
    """
    names = sorted(names)
    close = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.5)
    if close:
        return "; did you mean " + " or ".join(repr(n) for n in close) + "?"
    if len(names) > _MOST:
        return f"; none of the {len(names):,} names that there are is near."
    return "; there are: " + (", ".join(names) if names else "none") + "."

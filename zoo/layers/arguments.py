"""Checks of the builders' arguments: each names the argument, what it has to be and what came."""

from __future__ import annotations

from collections.abc import Iterable


def whole(**values: int) -> None:
    """Raises ValueError unless each value is a whole number of at least 1."""
    for name, value in values.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"Expected {name} to be a positive whole number. Received: {name}={value!r}")


def share(**values: float) -> None:
    """Raises ValueError unless each value is in [0, 1)."""
    for name, value in values.items():
        if not 0 <= value < 1:
            raise ValueError(f"Expected {name} to be in [0, 1). Received: {name}={value}")


def one_of(choices: Iterable[str], **values: str) -> None:
    """Raises ValueError unless each value is one of the choices."""
    choices = list(choices)
    for name, value in values.items():
        if value not in choices:
            raise ValueError(f"Expected {name} to be {' or '.join(map(repr, choices))}. Received: {name}={value!r}")

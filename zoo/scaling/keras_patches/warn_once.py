"""Warnings that are given once a process."""

import warnings

_said: set[str] = set()


def once(message: str) -> None:
    """Warns of it, the first time."""
    if message not in _said:
        _said.add(message)
        warnings.warn(message, stacklevel=4)

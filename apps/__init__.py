"""The applications: one file for each, behind the command `zoo`."""

from __future__ import annotations

import sys


def command(*words: str) -> list[str]:
    """`zoo` with these words as a process of its own; a folder `apps/` or `zoo/` where it runs does not stand for ours.

    Args:
        *words: The command line after `zoo`.
    """
    return [sys.executable, "-P", "-m", "apps.cli", *words]

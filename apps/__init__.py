"""The applications: one file for each, behind the command `zoo`."""

from __future__ import annotations

import sys
from pathlib import Path

# This very code, whatever else is installed; a folder `apps/` or `zoo/` where the process runs does not stand for it.
_ROOT = str(Path(__file__).parents[1])
_RUN = f"import sys; sys.path.insert(0, {_ROOT!r}); from apps.cli import main; sys.exit(main())"


def command(*words: str) -> list[str]:
    """The command that runs `zoo` with these words as a process of its own.

    Args:
        *words: The command line after `zoo`.
    """
    return [sys.executable, "-P", "-c", _RUN, *words]

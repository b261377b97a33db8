"""Memory that this process may use."""

from __future__ import annotations

import os
from pathlib import Path

KEEP = 0.25  # share of the memory that the rows of a data set may take
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def available() -> int:
    """Bytes: those of the machine, or fewer where a container bounds them."""
    most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in map(Path, _LIMITS):
        try:
            most = min(most, int(path.read_text()))
        except (OSError, ValueError):  # no such bound
            continue
    return most

"""State of an interrupted training on disk: files only, no TensorFlow."""

from __future__ import annotations

import os
from pathlib import Path

STATE = Path("training") / "state.h5"


def resumable(out: str | os.PathLike) -> bool:
    """True if the state of an interrupted training stands in the folder."""
    return (Path(out) / STATE).is_file()


def ended(out: str | os.PathLike) -> bool:
    """True if a training has come to its end in the folder, and left a preset."""
    return (Path(out) / "config.json").is_file() and not resumable(out)


def beside(out: str | os.PathLike) -> Path:
    """The folder in which is trained what the recipe of `out` starts from."""
    return Path(out).with_name(f"{Path(out).name}-start")


def kept(out: str | os.PathLike) -> Path | None:
    """The folder from which an interrupted training goes on: `out`, or that of what it starts from; None: neither."""
    for folder in (Path(out), beside(out)):
        if resumable(folder):
            return folder
    return beside(out) if ended(beside(out)) else None

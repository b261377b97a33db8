"""The plan of a launch: all that a launcher needs to know of the command line."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import apps
from zoo.training import run_state


@dataclasses.dataclass(frozen=True)
class Plan:
    """Workers that train together, and for how long to have patience with them.

    Attributes:
        words: What every worker runs: `train RECIPE ...`, or a program of the person's own and its arguments.
        out: Of `train`, the folder that it writes; None for another program, which goes on by itself from what it kept.
        workers: Processes on this machine, or on each of the nodes.
        nodes: Of several machines each one's host and the port of its first worker; empty where there is only this one.
        node: Which of the nodes this machine is, from 0.
        restarts: How often all are started again after one has died.
        timeout: Seconds without a sign of progress, joining included, after which all are ended.
        logs: Folder for what the workers say that are not the first; None throws it away at the end.
        debug: Whether tracebacks, and what TensorFlow logs, are wanted.
    """

    words: tuple[str, ...]
    out: Path | None
    workers: int
    nodes: tuple[tuple[str, int], ...] = ()
    node: int = 0
    restarts: int = 5
    timeout: float = 600.0
    logs: Path | None = None
    debug: bool = False

    @property
    def zoo(self) -> bool:
        """True if the words are those of `zoo train`."""
        return self.words[0] == "train"

    def arguments(self) -> list[str]:
        """The words as they are to be run now: `train` goes on where it has kept something to go on from."""
        words = list(self.words)
        if self.out is not None and run_state.kept(self.out) and "--resume" not in words:
            words.insert(1, "--resume")
        return words

    def command(self) -> list[str]:
        """The command of a worker's process."""
        if not self.zoo:
            return list(self.words)
        return apps.command(*(["--debug"] if self.debug else []), *self.arguments())

    def ended(self) -> bool:
        """True if `train` has written its preset, so that nothing is left to be done."""
        return self.out is not None and run_state.ended(self.out)

"""Signs of life from a worker to what launched it, one byte each through a pipe; without a launcher none are given."""

from __future__ import annotations

import contextlib
import os
import time

PIPE = "ZOO_HEARTBEAT"  # the variable that names the pipe's descriptor

JOINED = b"j"  # the workers have met; how long the rest takes is not known, until the first PROGRESS
PROGRESS = b"p"  # a batch, or another piece of work of which there are many; the next one is awaited
SAVED = b"s"  # what the training goes on from
UNWATCHED = b"u"  # something of unknown length begins
REFUSED = b"r"  # a UserError: another try would end the same

_last = {"progress": float("-inf")}


def beat(sign: bytes) -> None:
    """Gives a sign; PROGRESS once a second at most, so that it costs nothing to give one for each batch."""
    if PIPE not in os.environ:
        return
    if sign == PROGRESS:
        now = time.monotonic()
        if now - _last["progress"] < 1:
            return
        _last["progress"] = now
    else:
        _last["progress"] = float("-inf")
    with contextlib.suppress(OSError):  # whoever has launched may be gone, or busy for so long that the pipe is full
        os.write(int(os.environ[PIPE]), sign)

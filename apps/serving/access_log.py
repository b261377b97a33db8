"""Access log of the server: one line an event, JSON for a program and words for a terminal.

Lines are written by a thread of their own, those of a moment together: to wake it for each would delay each answer.
Where nobody reads them, they are dropped and counted: a full pipe must not stop the answers.
"""

from __future__ import annotations

import collections
import contextlib
import json
import sys
import threading
import traceback
from datetime import UTC, datetime

_WAITING = 10_000  # lines
_MOMENT = 0.02  # seconds


class AccessLog:
    """The server's lines on standard output.

    Args:
        words: Whether a person reads along; else each line is a JSON object.
    """

    def __init__(self, words: bool):
        self._words = words
        self._lines: collections.deque[tuple] = collections.deque()
        self._some = threading.Event()  # lines wait, or the end has come
        self._end = threading.Event()
        self._writer = threading.Thread(target=self._write, name="journal", daemon=True)
        self._writer.start()
        self.dropped = 0

    def tell(self, event: str, **fields) -> None:
        """Takes a line; returns at once.

        Args:
            event: "ready", "request", "loaded", "failed", "unloaded", "error" or "stopped".
            fields: What JSON can hold.
        """
        if len(self._lines) >= _WAITING:
            self.dropped += 1
            return
        self._lines.append((datetime.now(UTC), event, fields))
        if not self._some.is_set():
            self._some.set()

    def crash(self, error: Exception) -> None:
        """Notes an error of ours, and where it came from."""
        frames = traceback.extract_tb(error.__traceback__)[-5:]
        where = [f"{frame.filename}:{frame.lineno}" for frame in frames]
        self.tell("error", error=f"{type(error).__name__}: {error}"[:500], where=where)

    def close(self) -> None:
        """Writes what is left, unless nobody takes it."""
        self._end.set()
        self._some.set()
        self._writer.join(timeout=5)

    def _write(self) -> None:
        ending = False
        while not ending:
            self._some.wait()
            self._end.wait(_MOMENT)
            self._some.clear()
            ending = self._end.is_set()
            with contextlib.suppress(OSError, ValueError):  # closed: the answers go on without a journal
                while self._lines:
                    print(self._line(*self._lines.popleft()), file=sys.stdout)
                sys.stdout.flush()

    def _line(self, time: datetime, event: str, fields: dict) -> str:
        if not self._words:
            return json.dumps({"time": time.isoformat(timespec="milliseconds"), "event": event, **fields})
        told = " ".join(f"{name}={value}" for name, value in fields.items() if value is not None)
        return f"{time.astimezone():%H:%M:%S} {event} {told}"

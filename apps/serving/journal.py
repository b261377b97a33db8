"""What the server says: one line an event, JSON for a program and words for a terminal.

Lines are written by a thread of their own. Where nobody reads them, they are dropped and counted: a full pipe must not
stop the answers.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import traceback
from datetime import UTC, datetime

_WAITING = 10_000  # lines


class Journal:
    """The server's lines on standard output.

    Args:
        words: Whether a person reads along; else each line is a JSON object.
    """

    def __init__(self, words: bool):
        self._words = words
        self._lines: queue.Queue[tuple | None] = queue.Queue(_WAITING)
        self._writer = threading.Thread(target=self._write, name="journal", daemon=True)
        self._writer.start()
        self.dropped = 0

    def tell(self, event: str, **fields) -> None:
        """Takes a line; returns at once.

        Args:
            event: "ready", "request", "loaded", "failed", "unloaded", "error" or "stopped".
            fields: What JSON can hold.
        """
        try:
            self._lines.put_nowait((datetime.now(UTC), event, fields))
        except queue.Full:
            self.dropped += 1

    def crash(self, error: Exception) -> None:
        """Notes an error of ours, and where it came from."""
        frames = traceback.extract_tb(error.__traceback__)[-5:]
        where = [f"{frame.filename}:{frame.lineno}" for frame in frames]
        self.tell("error", error=f"{type(error).__name__}: {error}"[:500], where=where)

    def close(self) -> None:
        """Writes what is left, unless nobody takes it."""
        try:
            self._lines.put(None, timeout=1)
        except queue.Full:
            return
        self._writer.join(timeout=5)

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                print(self._line(*line), file=sys.stdout, flush=True)
            except (OSError, ValueError):  # closed: the answers go on without a journal
                continue

    def _line(self, time: datetime, event: str, fields: dict) -> str:
        if not self._words:
            return json.dumps({"time": time.isoformat(timespec="milliseconds"), "event": event, **fields})
        told = " ".join(f"{name}={value}" for name, value in fields.items() if value is not None)
        return f"{time.astimezone():%H:%M:%S} {event} {told}"

"""Sockets and signals of every server here: a port of its own, and signals that end it."""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
from collections.abc import Iterator

import uvicorn

from zoo.errors import UserError


class Server(uvicorn.Server):
    """Ends on SIGTERM and Ctrl-C, and remembers which; uvicorn's own would raise the signal once more at the end."""

    received: int | None = None

    @property
    def status(self) -> int:
        """The exit status: 0 after SIGTERM, 130 after Ctrl-C."""
        return 130 if self.received == signal.SIGINT else 0

    @contextlib.contextmanager
    def capture_signals(self):
        before = {number: signal.signal(number, self._end) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self, number: int, frame) -> None:
        self.force_exit = self.should_exit and number == signal.SIGINT  # a second Ctrl-C does not wait
        self.should_exit = True
        self.received = number


def bound(host: str, port: int, option: str) -> socket.socket:
    """A bound socket that does not listen yet.

    Args:
        host: A name or an address.
        port: 0 takes a free one.
        option: What the person named the port by.

    Raises:
        UserError: There is no such address, or the port is in use or cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UserError(f"--host {host}: no such address ({error.strerror or error})") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise UserError(f"{option} {port}: cannot listen on {host}: {error.strerror}; choose another") from error
    return listener


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Within the block, in which a server starts, SIGTERM ends the process in order."""
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

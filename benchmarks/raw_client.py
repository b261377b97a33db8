"""A client of the least cost, the same for every server: requests made beforehand, plain sockets, one thread.

Each connection is kept alive and sends its next request when its answer is whole. Bodies of answers are kept once each,
to be read when the time is over.
"""

from __future__ import annotations

import dataclasses
import re
import select
import socket
import time
from collections.abc import Sequence

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.I)


@dataclasses.dataclass
class Load:
    """Result of a load.

    Attributes:
        seconds: Of each answer, from the first byte sent to the last received.
        elapsed: Seconds from the first request to the last answer.
        bodies: For each request, the different bodies that answered it.
    """

    seconds: list[float]
    elapsed: float
    bodies: list[set[bytes]]


def request(path: str, body: bytes) -> bytes:
    """A POST as it goes over the wire."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


def load(port: int, requests: Sequence[bytes], clients: int, seconds: float) -> Load:
    """Sends the requests in turn over so many connections for so long; waits for the last answers.

    Raises:
        RuntimeError: An answer is no 200, or there is none.
    """
    connections = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(clients)]
    try:
        return _load(connections, requests, seconds)
    finally:
        for connection in connections:
            connection.close()


def _load(connections: list[socket.socket], requests: Sequence[bytes], seconds: float) -> Load:
    poll, by_number = select.epoll(), {connection.fileno(): connection for connection in connections}
    asked, begun, parts = {}, {}, dict.fromkeys(by_number, b"")
    times, bodies, turn = [], [set() for _ in requests], 0
    started = time.perf_counter()

    def send(number: int) -> None:
        nonlocal turn
        asked[number] = turn % len(requests)
        turn += 1
        begun[number] = time.perf_counter()
        by_number[number].sendall(requests[asked[number]])

    with poll:
        for number, connection in by_number.items():
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            poll.register(number, select.EPOLLIN)
            send(number)
        waiting = len(connections)
        while waiting:
            ready = poll.poll(60)
            if not ready:
                raise RuntimeError("no answer within 60 s")
            for number, _ in ready:
                part = by_number[number].recv(262_144)
                if not part:
                    raise RuntimeError(f"the server closed the connection after {parts[number][:300]!r}")
                parts[number] += part
                body = _body(parts[number])
                if body is None:
                    continue
                now = time.perf_counter()
                times.append(now - begun[number])
                bodies[asked[number]].add(body)
                parts[number] = b""
                if now - started < seconds:
                    send(number)
                else:
                    waiting -= 1
    return Load(times, time.perf_counter() - started, bodies)


def _body(answer: bytes) -> bytes | None:
    """The body of a whole answer; None while it is not whole."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return None
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"expected 200, got {answer[:300]!r}")
    length = int(_LENGTH.search(answer, 0, end + 2)[1])
    return answer[end + 4 :] if len(answer) == end + 4 + length else None

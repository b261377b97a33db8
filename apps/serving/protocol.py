"""uvicorn's HTTP protocol with the bounds it lacks: on the head of a request, in bytes and in seconds."""

from __future__ import annotations

import http

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from apps.serving import to_json

LONGEST_HEAD = 65_536  # bytes
PATIENCE = 30  # seconds for a head


class Protocol(HttpToolsProtocol):
    """One connection. What is no HTTP is answered by TF Serving's kind of error too."""

    _head_bytes = 0
    _in_head = True  # or between two requests
    _timer = None

    def connection_made(self, transport) -> None:
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self._await_head()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        self._in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > LONGEST_HEAD:
                self._refuse(431, f"The head of the request is larger than {LONGEST_HEAD} bytes")
        elif self.cycle.response_complete and not self.pipeline and self.timeout_keep_alive_task is None:
            # The rest of a body that was refused has come, and with it the timer went off that ends idle connections.
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, msg)

    def _await_head(self) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(
            PATIENCE, self._refuse, 408, f"The head of the request was not whole within {PATIENCE} s"
        )

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: int, message: str) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self._write(status, message)
        self.transport.close()  # half an answer is under way: another in the middle of it would be worse than none

    def _write(self, status: int, message: str) -> None:
        body = to_json.encode({"error": message})
        self.transport.write(
            b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (status, http.HTTPStatus(status).phrase.encode(), len(body), body)
        )

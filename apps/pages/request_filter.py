"""Filter of the page's requests: only the addresses that it needs, a bound on bodies, no way out of the browser."""

from __future__ import annotations

import re

from starlette.responses import PlainTextResponse

MOST_TEXT = 2**20  # bytes of a request that uploads no file
_UPLOAD = "/gradio_api/upload"
# What the page in the browser asks for. Gradio has more: documentation, a proxy, recordings, an editor of its own.
_NEEDED = {
    "GET": re.compile(
        r"/|/(config|theme\.css|favicon\.ico|manifest\.json|robots\.txt)|/(assets|static|card)/.+|"
        r"/gradio_api/(info|app_id|startup-events|queue/data|upload_progress|heartbeat/\w+|file=.+)"
    ),
    "POST": re.compile(rf"{_UPLOAD}|/gradio_api/(queue/join|run/predict|cancel|reset)"),
}
# The page's own scripts and styles, and pictures that they make; nothing from another address.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'"
)
_HEADERS = [(b"content-security-policy", _POLICY.encode()), (b"referrer-policy", b"no-referrer")]


class _TooLarge(Exception):
    """More came than was allowed."""


class RequestFilter:
    """An ASGI application around another.

    Args:
        application: The page.
        most: Bytes of an uploaded file.
    """

    def __init__(self, application, most: int):
        self._application = application
        self._most = most

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        path, method = scope["path"], scope["method"].replace("HEAD", "GET")
        if method not in _NEEDED or not _NEEDED[method].fullmatch(path):
            await PlainTextResponse("not found\n", 404)(scope, receive, send)
            return
        # A form around the file takes a little more than the file.
        most = self._most + MOST_TEXT if path == _UPLOAD else MOST_TEXT
        begun, came = False, 0

        async def bounded():
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > most:
                raise _TooLarge
            return message

        async def guarded(message):
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message = {**message, "headers": [*message.get("headers", []), *_HEADERS]}
            await send(message)

        announced = dict(scope["headers"]).get(b"content-length", b"0")
        try:
            if announced.isdigit() and (len(announced) > 18 or int(announced) > most):
                raise _TooLarge
            await self._application(scope, bounded, guarded)
        except _TooLarge:
            if not begun:
                told = f"the request is larger than {most:,} bytes\n"
                await PlainTextResponse(told, 413, {"connection": "close"})(scope, receive, send)

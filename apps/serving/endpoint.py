"""Base of every address: the token, errors as JSON, the access log and the counts."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from apps.serving import encodings, to_json
from apps.serving.errors import Refusal
from apps.serving.server_context import ServerContext
from apps.serving.tokens import Token


class Gone(Exception):
    """The client went away before its request was whole."""


class Endpoint:
    """An ASGI application around one coroutine.

    Args:
        answer: Takes the request and a dict of what is known of it ("model", "version", "method", "bytes"), which it
            completes; gives the response.
        method: What is counted until `answer` knows better.
        token: What a client has to know.
        shared: Counts and log of each request.
    """

    def __init__(
        self,
        answer: Callable[[Request, dict], Awaitable[Response]],
        method: str,
        token: Token,
        shared: ServerContext,
    ):
        self._answer = answer
        self._method = method
        self._token = token
        self._shared = shared

    async def __call__(self, scope, receive, send) -> None:
        started = time.perf_counter()
        request = Request(scope, receive)
        about = {"model": "", "version": None, "method": self._method, "bytes": 0}
        code = "OK"
        try:
            self._token.check(request.headers.get("authorization"))
            response = await self._answer(request, about)
        except Refusal as refusal:
            code, response = refusal.code, refused(refusal)
        except Gone:
            code, response = "CANCELLED", refused(Refusal("CANCELLED", "The client closed the connection"))
        except Exception as error:  # noqa: BLE001 - the last stop: a client never sees a traceback
            self._shared.journal.crash(error)
            code, response = "INTERNAL", refused(Refusal("INTERNAL", "Internal error"))
        seconds = time.perf_counter() - started
        self._shared.counts.count(about["model"], "rest", about["method"], code, seconds)
        self._shared.journal.tell(
            "request",
            client=request.client.host if request.client else None,
            protocol="rest",
            verb=request.method,
            path=path_of(request)[:200],
            model=about["model"][:200],
            version=about["version"],
            status=response.status_code,
            code=code,
            bytes_in=about["bytes"],
            bytes_out=len(response.body),
            milliseconds=round(seconds * 1000, 3),
        )
        await response(scope, receive, send)


def refused(refusal: Refusal) -> Response:
    """A refusal as TF Serving writes it."""
    response = json_response(to_json.encode({"error": refusal.message}), refusal.status)
    if refusal.code == "UNAUTHENTICATED":
        response.headers["www-authenticate"] = "Bearer"
    if refusal.status == 415:
        response.headers["accept-encoding"] = ", ".join(encodings.READ)
    if refusal.status == 408:  # what is still to come would be read for nothing
        response.headers["connection"] = "close"
    return response


def json_response(body: bytes, status: int = 200) -> Response:
    """A response whose body is JSON."""
    return Response(body, status, headers={"content-type": "application/json"})


def path_of(request: Request) -> str:
    """The path as it was sent: what is escaped in it stays so until it has been taken apart."""
    return request.scope["raw_path"].decode("latin-1")

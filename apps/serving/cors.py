"""Cross-origin requests (CORS): which pages may ask this server from a browser, by Starlette's middleware."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.middleware.cors import CORSMiddleware

from zoo.errors import UserError

_KEPT = 600  # seconds for which a browser remembers what it may ask


def origins(given: Sequence[str]) -> list[str]:
    """The origins as browsers send them: scheme, host and perhaps a port, in lower case; "*" is all.

    Raises:
        UserError: One is no origin.
    """
    return [origin if origin in ("*", "null") else _origin(origin) for origin in given]


def allowing(application, allowed: Sequence[str]):
    """The application, which pages of the allowed origins may ask; as it is where there is none.

    A browser asks by OPTIONS first, without a token: the middleware answers that, and the request itself needs the
    token as ever.
    """
    if not allowed:
        return application
    return CORSMiddleware(
        application, allow_origins=allowed, allow_methods=["GET", "POST"], allow_headers=["*"], max_age=_KEPT
    )


def _origin(text: str) -> str:
    expected = f"--cors-origin {text}: expected an origin such as https://shop.example or http://localhost:3000, or *"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UserError(expected) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise UserError(expected)
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise UserError(f"{expected}: without what follows the host")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]  # which browsers leave out
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, usual) else "")

"""Request bodies that come compressed: Content-Encoding gzip or deflate, taken apart as they arrive.

A few bytes can unfold to gigabytes, so that never more comes out than a body may have.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from apps.serving.errors import Refusal, invalid

READ = ("gzip", "deflate")
_GZIP, _ZLIB, _BARE = 31, 15, -15  # zlib's `wbits`; "deflate" is zlib's format, and some clients send the bare stream
_PIECE = 2**20  # bytes that come out at a time


def decoder(header: str | None) -> Decoder:
    """The decoder of a body that has this Content-Encoding.

    Raises:
        Refusal: It is one that is not read here; status 415.
    """
    names = [name for part in (header or "").split(",") if (name := part.strip().lower()) not in ("", "identity")]
    names = [name.removeprefix("x-") for name in names]
    if not names:
        return Decoder()
    if len(names) > 1 or names[0] not in READ:
        told = f"Content-Encoding {', '.join(names)[:100]} is not read here; expected {' or '.join(READ)}, or none"
        raise Refusal("INVALID_ARGUMENT", told, status=415)
    return Compressed(names[0])


class Decoder:
    """A body that comes as it is."""

    def take(self, part: bytes) -> Iterator[bytes]:
        """The next bytes of the body -> what is in them."""
        yield part

    def end(self) -> None:
        """The body is whole; raises Refusal where something is missing."""


class Compressed(Decoder):
    """A body of gzip, of one member or several, or of deflate.

    Args:
        name: One of `READ`.
    """

    def __init__(self, name: str):
        self._name = name
        self._stream = None
        self._held = b""  # the first bytes, which tell zlib's format from the bare stream

    def take(self, part: bytes) -> Iterator[bytes]:
        rest = self._held + part
        self._held = b""
        while rest:
            if self._stream is None or self._stream.eof:
                if self._stream is not None and self._name == "deflate":
                    raise invalid("The body is no valid deflate: more follows after its end")
                if len(rest) < 2:
                    self._held = rest
                    return
                self._stream = zlib.decompressobj(self._format(rest))
            try:
                yield self._stream.decompress(rest, _PIECE)
            except zlib.error as error:
                raise invalid(f"The body is no valid {self._name}: {_reason(error)}") from None
            rest = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail

    def end(self) -> None:
        if self._held or self._stream is None or not self._stream.eof:
            raise invalid(f"The body is no valid {self._name}: it is cut short, or empty")

    def _format(self, first: bytes) -> int:
        if self._name == "gzip":
            return _GZIP
        return _ZLIB if first[0] & 15 == 8 and int.from_bytes(first[:2], "big") % 31 == 0 else _BARE


def _reason(error: zlib.error) -> str:
    """zlib's reason alone: "Error -3 while decompressing data: incorrect header check" -> the words at its end."""
    return str(error).rpartition(": ")[2]

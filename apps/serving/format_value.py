"""JSON values as error texts show them."""

from __future__ import annotations

import json

_SHOWN = 256  # characters of a value in an error's text


def format_value(value: object) -> str:
    """A JSON value as error texts show it, cut after 256 characters."""
    pieces, length = [], 0
    for piece in _pieces(value, 1):
        pieces.append(piece[:_SHOWN])
        length += len(pieces[-1])
        if length >= _SHOWN:
            break
    return "".join(pieces)[:_SHOWN]


def _pieces(value: object, depth: int):
    if isinstance(value, list):
        yield "["
        for place, each in enumerate(value):
            yield ", " if place else ""
            yield from _pieces(each, depth)
        yield "]"
    elif isinstance(value, dict) and value:
        yield "{\n"
        for place, (name, each) in enumerate(value.items()):
            yield ",\n" if place else ""
            yield " " * 4 * min(depth, 20) + json.dumps(name, ensure_ascii=False) + ": "
            yield from _pieces(each, depth + 1)
        yield "\n" + " " * 4 * min(depth - 1, 20) + "}"
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**300:
        yield "a number of hundreds of digits"
    else:
        yield json.dumps(value if not isinstance(value, str) else value[:_SHOWN], ensure_ascii=False)

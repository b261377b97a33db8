"""What every task of texts does first."""

from __future__ import annotations

from zoo.errors import UserError


def raw(item: str | bytes) -> bytes:
    """One text as UTF-8; raises UserError where bytes are not valid UTF-8."""
    try:
        if isinstance(item, str):
            return item.encode()
        item.decode()
    except UnicodeError as error:
        raise UserError(f"not valid UTF-8 at position {error.start}") from None
    return item

"""The word that a client has to know, where the server asks for one."""

from __future__ import annotations

import hmac
from pathlib import Path

from apps.serving.errors import Refusal
from zoo.errors import UserError


class Token:
    """A bearer token, or none.

    Args:
        secret: None lets everybody in.
    """

    def __init__(self, secret: str | None = None):
        self._expected = None if secret is None else f"Bearer {secret}".encode()

    @classmethod
    def read(cls, file: str | None) -> Token:
        """The token in a file; a command line would show it to all users of the machine.

        Raises:
            UserError: The file cannot be read, or holds no token.
        """
        if file is None:
            return cls()
        try:
            secret = Path(file).read_text(encoding="ascii").strip()
        except OSError as error:
            raise UserError(f"--token-file {file}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError:
            raise UserError(f"--token-file {file}: expected a token in ASCII") from None
        if not secret or any(character.isspace() for character in secret):
            raise UserError(f"--token-file {file}: expected one token without spaces")
        return cls(secret)

    def check(self, given: str | None) -> None:
        """Compares what a client sent as its authorization.

        Raises:
            Refusal: It is not the token.
        """
        if self._expected is None:
            return
        if not hmac.compare_digest((given or "").encode("utf-8", "replace"), self._expected):
            raise Refusal("UNAUTHENTICATED", "This server needs a bearer token")

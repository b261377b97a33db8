"""A request that is not answered: TF Serving's code and text, as both protocols give them."""

from __future__ import annotations

import re

# Name of the canonical code -> its number, which is gRPC's, and the HTTP status that TF Serving gives for it.
CODES = {
    "OK": (0, 200),
    "CANCELLED": (1, 499),
    "UNKNOWN": (2, 500),
    "INVALID_ARGUMENT": (3, 400),
    "DEADLINE_EXCEEDED": (4, 504),
    "NOT_FOUND": (5, 404),
    "ALREADY_EXISTS": (6, 409),
    "PERMISSION_DENIED": (7, 403),
    "RESOURCE_EXHAUSTED": (8, 429),
    "FAILED_PRECONDITION": (9, 400),
    "ABORTED": (10, 409),
    "OUT_OF_RANGE": (11, 400),
    "UNIMPLEMENTED": (12, 501),
    "INTERNAL": (13, 500),
    "UNAVAILABLE": (14, 503),
    "DATA_LOSS": (15, 500),
    "UNAUTHENTICATED": (16, 401),
}
_NAMES = {number: name for name, (number, _) in CODES.items()}
_AROUND = ("Graph execution error:", "Detected at node ", "<stack traces unavailable>", "  ")
LONGEST = 1024  # characters of a message; TF Serving cuts there too


class Refusal(Exception):
    """A request that is answered by an error.

    Args:
        code: A name of `CODES`.
        message: What the client reads.
        status: The HTTP status, where it is not the code's: 408 or 413.
    """

    def __init__(self, code: str, message: str, status: int | None = None):
        super().__init__(message)
        self.code = code
        self.number, usual = CODES[code]
        self.status = status or usual
        self.message = message if len(message) <= LONGEST else message[:LONGEST] + "...TRUNCATED"


def invalid(message: str) -> Refusal:
    """The client's mistake, which is most of them."""
    return Refusal("INVALID_ARGUMENT", message)


def from_tensorflow(error: Exception) -> Refusal:
    """An error that the graph raised: `tf.errors.OpError`, whose codes are the canonical ones.

    Python's TensorFlow puts words around what the kernel said, which TF Serving does not have.
    """
    lines = str(error.message).splitlines()
    while len(lines) > 1 and (not lines[0] or lines[0].startswith(_AROUND)):
        del lines[0]
    told = re.sub(r" \[Op:\w+\]$", "", "\n".join(lines))
    return Refusal(_NAMES.get(error.error_code, "UNKNOWN"), told)

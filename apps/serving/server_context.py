"""Dependencies shared by REST and gRPC."""

from __future__ import annotations

import dataclasses

from apps.serving.access_log import AccessLog
from apps.serving.models import Models
from apps.serving.prometheus import Metrics
from apps.serving.thread_pool import Workers
from apps.serving.tokens import Token


@dataclasses.dataclass(frozen=True)
class ServerContext:
    """Dependencies of `Rest` and `Services`.

    Attributes:
        models: The models that are served.
        workers: The threads that answer.
        counts: Counts of requests, for `/metrics`.
        journal: Access log.
        token: The token that a client has to know.
        max_body: Bytes of a request, and of the tensors in it.
    """

    models: Models
    workers: Workers
    counts: Metrics
    journal: AccessLog
    token: Token
    max_body: int

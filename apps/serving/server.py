"""The process: sockets, both protocols, signals, and an end that finishes what was accepted."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import ssl
from concurrent import futures
from pathlib import Path

import grpc
import uvicorn

from apps.serving import sockets
from apps.serving.access_log import AccessLog
from apps.serving.protocol import Protocol
from zoo.errors import UserError

_KEEP_ALIVE = 75  # seconds that an idle connection stays open


@dataclasses.dataclass(frozen=True)
class Addresses:
    """Addresses of the server, and its certificate.

    Attributes:
        host: A name or an address.
        port: For REST; 0 takes a free one.
        grpc_port: For gRPC; 0 takes a free one.
        key: A file with the private key in PEM, or None for no TLS.
        certificate: A file with the chain of certificates in PEM.
    """

    host: str
    port: int
    grpc_port: int
    key: str | None = None
    certificate: str | None = None


class Listeners:
    """Both ports, taken before anything slow is begun.

    Args:
        addresses: Where.
        threads: How many gRPC requests are held at a time.
        max_body: Bytes of a gRPC request.

    Raises:
        UserError: A port is in use or cannot be had, or the certificate cannot be read.
    """

    def __init__(self, addresses: Addresses, threads: int, max_body: int):
        self.addresses = addresses
        _check_tls(addresses)
        self.rest = sockets.bound(addresses.host, addresses.port, "--port")
        self.port = self.rest.getsockname()[1]
        self.grpc = grpc.server(
            futures.ThreadPoolExecutor(threads, thread_name_prefix="grpc"),
            maximum_concurrent_rpcs=threads,
            options=[
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", max_body),
                ("grpc.max_send_message_length", -1),
            ],
        )
        # grpc tells all failures alike; an ordinary socket says what is wrong.
        sockets.bound(addresses.host, addresses.grpc_port, "--grpc-port").close()
        host = f"[{addresses.host}]" if ":" in addresses.host else addresses.host
        place = f"{host}:{addresses.grpc_port}"
        try:
            if addresses.key is None:
                self.grpc_port = self.grpc.add_insecure_port(place)
            else:
                pair = Path(addresses.key).read_bytes(), Path(addresses.certificate).read_bytes()
                self.grpc_port = self.grpc.add_secure_port(place, grpc.ssl_server_credentials([pair]))
        except RuntimeError as error:
            raise UserError(f"--grpc-port {addresses.grpc_port}: cannot listen on {addresses.host}") from error

    def close(self) -> None:
        """Gives both ports back."""
        self.rest.close()
        self.grpc.stop(None)


def run(application, listeners: Listeners, timeout: float, journal: AccessLog, ready: dict) -> int:
    """Serves until a signal ends it.

    Args:
        application: The ASGI application.
        listeners: The ports; the gRPC services are registered already.
        timeout: Seconds for a request's body, and for its answer: the end takes twice as long at most.
        journal: Hears when the server is ready.
        ready: What it hears.

    Returns:
        The exit status: 0 after SIGTERM, 130 after Ctrl-C.
    """
    for name in ("asyncio", "grpc", "uvicorn.error"):  # their tracebacks are not for the person who serves
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    addresses = listeners.addresses
    config = uvicorn.Config(
        application,
        http=Protocol,
        loop="uvloop",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=2 * int(timeout + 1),  # for the body, and for the answer
        ssl_keyfile=addresses.key,
        ssl_certfile=addresses.certificate,
    )
    server = sockets.Server(config)

    async def serve() -> None:
        async def attend() -> None:
            while not server.started:
                await asyncio.sleep(0.01)
            journal.tell("ready", **ready)
            while not server.should_exit:
                await asyncio.sleep(0.1)
            listeners.grpc.stop(2 * timeout + 1)  # takes no more requests from here on

        attendant = asyncio.create_task(attend())
        await server.serve(sockets=[listeners.rest])
        attendant.cancel()

    listeners.grpc.start()
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        try:
            runner.run(serve())
        except OSError as error:  # another took the port while models were being loaded
            raise UserError(f"--port {listeners.port}: cannot listen on {addresses.host}: {error.strerror}") from error
    listeners.grpc.stop(2 * timeout + 1).wait()
    return server.status


def _check_tls(addresses: Addresses) -> None:
    if addresses.key is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            addresses.certificate, addresses.key, password=lambda: ""
        )
    except OSError as error:  # of which ssl.SSLError is one
        told = error.strerror or error
        raise UserError(f"--ssl-certfile {addresses.certificate}, --ssl-keyfile {addresses.key}: {told}") from error

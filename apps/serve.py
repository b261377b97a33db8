"""`zoo serve`: models behind an address, by TF Serving's REST API and gRPC."""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib.util
import os
import sys

from zoo.errors import UserError

EXAMPLES = """\
examples:
  zoo serve sentiment-imdb
  curl -d '{"instances": ["A great film."]}' \\
      http://127.0.0.1:8501/v1/models/sentiment-imdb:predict
  zoo serve served/sentiment-imdb clothes=runs/mine --port 9000
  zoo serve served/mine --label mine:stable=3 --host 0.0.0.0 \\
      --token-file token --ssl-keyfile key.pem --ssl-certfile chain.pem

Served are the newest version and those with a label; new version folders are
picked up. An export can do what TensorFlow can: serve only those you trust.
/healthz tells that the server is up, /metrics is for Prometheus.
"""
_MODULES = ("starlette", "uvicorn", "uvloop", "httptools", "prometheus_client", "grpc", "tensorflow_serving")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `zoo serve` takes."""
    parser.description = (
        "Serve presets and exports by TensorFlow Serving's REST API and its gRPC services, so that its clients work\n"
        "unchanged. The log is one line a request on standard output: JSON, or words on a terminal."
    )
    parser.epilog = EXAMPLES
    parser.add_argument(
        "models", metavar="[NAME=]PRESET_OR_EXPORT", nargs="+", help="a preset, or a folder that zoo export wrote"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine)")
    parser.add_argument("--port", metavar="N", type=int, default=8501, help="REST port; 0: any (default: 8501)")
    parser.add_argument("--grpc-port", metavar="N", type=int, default=8500, help="gRPC port; 0: any (default: 8500)")
    parser.add_argument(
        "--label", metavar="MODEL:LABEL=N", action="append", default=[], help="another name for a version; repeatable"
    )
    parser.add_argument(
        "--workers", metavar="N", type=int, help="requests answered at a time (default: 2 a core; more with --batch)"
    )
    parser.add_argument(
        "--threads",
        metavar="N",
        type=int,
        default=1,
        help="threads for one answer (default: 1, best for all but large models that few clients ask)",
    )
    parser.add_argument(
        "--batch",
        metavar="ROWS",
        type=int,
        default=1,
        help="answer requests that wait for one model by one run of up to so many rows; nobody waits for company, and "
        "the last digits may differ (default: 1, each alone)",
    )
    parser.add_argument(
        "--queue", metavar="N", type=int, default=100, help="requests that may wait; more get 429 (default: 100)"
    )
    parser.add_argument(
        "--max-body",
        metavar="MB",
        type=float,
        default=32,
        help="largest request, decompressed; more gets 413 (default: 32)",
    )
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=float, default=30, help="time for a request; later: 504 (default: 30)"
    )
    parser.add_argument(
        "--cors-origin",
        metavar="ORIGIN",
        action="append",
        default=[],
        help="pages of this origin may ask from a browser, such as https://shop.example; * for all; repeatable",
    )
    parser.add_argument("--token-file", metavar="F", help="file with the bearer token that clients must send")
    parser.add_argument("--ssl-keyfile", metavar="F", help="private key for TLS, PEM")
    parser.add_argument("--ssl-certfile", metavar="F", help="certificate for TLS, PEM")


def run(arguments: argparse.Namespace) -> int:
    """Serves until SIGTERM (exit status 0) or Ctrl-C (130)."""
    _check(arguments)
    from apps.serving import model_folders

    found = model_folders.sources(arguments.models)
    labels = model_folders.labels(arguments.label, found)
    for source in found:
        if source.kind == "preset" and labels[source.name]:
            raise UserError(f"--label: {source.name} is a preset, which has no versions; export it first (zoo export)")
    # While one run is on, those who will share the next one wait in threads of their own.
    workers = arguments.workers or 2 * (os.cpu_count() or 1) + (arguments.batch if arguments.batch > 1 else 0)
    max_body = int(arguments.max_body * 2**20)

    from apps.serving import cors, server, sockets, tokens
    from apps.serving.access_log import AccessLog
    from apps.writing import writers

    origins = cors.origins(arguments.cors_origin)
    token = tokens.Token.read(arguments.token_file)
    addresses = server.Addresses(
        arguments.host, arguments.port, arguments.grpc_port, arguments.ssl_keyfile, arguments.ssl_certfile
    )
    with contextlib.ExitStack() as stack:
        listeners = server.Listeners(addresses, workers + arguments.queue, max_body)
        stack.callback(listeners.close)
        journal = AccessLog(words=writers.is_terminal(sys.stdout))
        stack.callback(journal.close)
        with sockets.terminable():
            found = [_exported(source, k, len(found), stack, arguments.quiet) for k, source in enumerate(found, 1)]

        from apps.serving.models import Model, Models
        from apps.serving.prometheus import Metrics
        from apps.serving.rest import Rest
        from apps.serving.rpc import Services
        from apps.serving.server_context import ServerContext
        from apps.serving.signatures import Version
        from apps.serving.thread_pool import Workers

        load = functools.partial(Version, batch=arguments.batch, threads=arguments.threads)
        models = Models(
            Model(source.name, source.folder, source.kind == "version", labels[source.name], journal.tell, load)
            for source in found
        )
        pool = Workers(workers, arguments.queue, arguments.timeout)
        stack.callback(pool.stop)
        shared = ServerContext(models, pool, Metrics(models, pool), journal, token, max_body)
        Services(shared).register(listeners.grpc)
        models.watch()
        stack.callback(models.stop)
        scheme = "http" if addresses.key is None else "https"
        host = f"[{addresses.host}]" if ":" in addresses.host else addresses.host
        ready = {
            "rest": f"{scheme}://{host}:{listeners.port}",
            "grpc": f"{host}:{listeners.grpc_port}",
            "models": {model.name: model.get().number for model in models},
        }
        status = server.run(cors.allowing(Rest(shared), origins), listeners, arguments.timeout, journal, ready)
        journal.tell("stopped")
        return status


def _check(arguments: argparse.Namespace) -> None:
    """Refuses wrong arguments before anything is loaded."""
    for option in ("port", "grpc_port"):
        if not 0 <= getattr(arguments, option) <= 65535:
            told = option.replace("_", "-")
            raise UserError(f"--{told}: expected a port from 0 to 65535, got {getattr(arguments, option)}")
    if arguments.port == arguments.grpc_port != 0:
        raise UserError(f"--port and --grpc-port: expected two ports, got {arguments.port} twice")
    if arguments.workers is not None and not 1 <= arguments.workers <= 1024:
        raise UserError(f"--workers: expected a whole number from 1 to 1024, got {arguments.workers}")
    if not 1 <= arguments.threads <= 1024:
        raise UserError(f"--threads: expected a whole number from 1 to 1024, got {arguments.threads}")
    if not 1 <= arguments.batch <= 1024:
        raise UserError(f"--batch: expected a whole number from 1 to 1024, got {arguments.batch}")
    if not 0 <= arguments.queue <= 10_000:
        raise UserError(f"--queue: expected a whole number from 0 to 10000, got {arguments.queue}")
    if not 0.001 <= arguments.max_body <= 2047:
        raise UserError(f"--max-body: expected megabytes from 0.001 to 2047, got {arguments.max_body:g}")
    if not 0.001 <= arguments.timeout <= 86_400:
        raise UserError(f"--timeout: expected seconds from 0.001 to 86400, got {arguments.timeout:g}")
    if (arguments.ssl_keyfile is None) != (arguments.ssl_certfile is None):
        raise UserError("--ssl-keyfile and --ssl-certfile: TLS needs both")
    missing = [name for name in _MODULES if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(f'not installed: {", ".join(missing)}; install with: pip install "keras-menagerie[serve]"')


def _exported(source, place: int, count: int, stack: contextlib.ExitStack, quiet: bool):
    """The source as an export; a preset is exported unless an earlier start has kept its export."""
    if source.kind != "preset":
        return source
    import dataclasses

    from apps.serving import exports

    def say(sentence: str) -> None:
        if not quiet:
            print(f"zoo: {f'[{place}/{count}] ' if count > 1 else ''}{sentence}", file=sys.stderr, flush=True)

    return dataclasses.replace(source, folder=exports.exported(source.name, source.folder, stack, say), kind="version")


if __name__ == "__main__":
    from apps import cli

    sys.exit(cli.main(["serve", *sys.argv[1:]]))

"""`zoo web`: a page with a tab for each application."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo.errors import UserError

EXAMPLES = """\
examples:
  zoo web
  zoo web --open --port 8000
  zoo web sentiment-imdb translate-de-en runs/mine

Whoever reaches the address can ask the presets; uploaded pictures are deleted
after ten minutes, and all of them when the server ends.
"""
_MODULES = ("gradio", "fastapi", "markdown_it", "starlette", "uvicorn")
# Read when Gradio and huggingface_hub are imported: neither asks or tells anyone anything.
_ALONE = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `zoo web` takes."""
    parser.description = "Open a page with a tab for each application. It works offline."
    parser.epilog = EXAMPLES
    parser.add_argument(
        "presets", metavar="PRESET|FOLDER", nargs="*", help="the presets to offer (default: all that are shipped)"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine)")
    parser.add_argument("--port", metavar="N", type=int, default=7860, help="port; 0: any (default: 7860)")
    parser.add_argument("--open", action="store_true", help="open the page in the browser once it is there")


def run(arguments: argparse.Namespace) -> int:
    """Serves the page until SIGTERM (exit status 0) or Ctrl-C (130)."""
    if not 0 <= arguments.port <= 65535:
        raise UserError(f"--port: expected a port from 0 to 65535, got {arguments.port}")
    missing = [name for name in _MODULES if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(f'not installed: {", ".join(missing)}; install with: pip install "keras-menagerie[web]"')
    found = _presets(arguments.presets)
    from apps.serving import sockets

    with contextlib.ExitStack() as stack:
        stack.enter_context(sockets.terminable())
        listener = stack.enter_context(sockets.bound(arguments.host, arguments.port, "--port"))
        # Of its own, for whatever anyone uploads: nothing of it is there when the server has ended.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zoo-web-")))
        os.environ.update(_ALONE, GRADIO_TEMP_DIR=str(folder))
        from apps.pages import page, page_server
        from apps.pages.loaded_tasks import Models

        models = Models({name: path for name, (path, _) in found.items()})
        desks = _desks(models, {name: config for name, (_, config) in found.items()}, folder)
        blocks = page.build(desks, sys.stderr, arguments.debug)
        stack.callback(models.stop)

        def ready() -> None:
            host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
            address = f"http://{host}:{listener.getsockname()[1]}"
            print(f"{address} ({', '.join(desk.name for desk in desks)}); Ctrl-C ends it", flush=True)
            models.load_ahead([desk.begin for desk in desks])
            if arguments.open:
                import webbrowser

                webbrowser.open(address)

        streams = sys.stdout, sys.stderr
        if not arguments.debug:  # Gradio prints a traceback for each request that makes no sense
            stack.enter_context(contextlib.redirect_stderr(stack.enter_context(open(os.devnull, "w"))))

        def ended(status: int) -> None:
            """Leaves at once: a thread may compute for long still, or import TensorFlow, and nothing waits for it."""
            shutil.rmtree(folder, ignore_errors=True)
            for stream in filter(None, streams):
                stream.flush()
            os._exit(status)

        page_server.run(blocks, listener, {name: path for name, (path, _) in found.items()}, ready, ended)
    return 0


def _presets(wanted: Sequence[str]) -> dict[str, tuple[Path, dict]]:
    """The presets to offer: as they are called on the page -> folder and configuration."""
    from zoo import preset

    found = {}
    for name in wanted or preset.names():
        folder = preset.find(name)
        found[str(name).rstrip("/")] = folder, preset.read_config(folder)
    return found


def _desks(models, configs: Mapping[str, dict], folder: Path) -> list:
    """A desk for each application that declares a tab and has a preset among these."""
    from apps import cli
    from apps.pages.tab_session import TabSession

    modules = ((name, importlib.import_module(module)) for name, (module, _) in cli.COMMANDS.items())
    desks, used = [], set()
    for name, module in modules:
        if (tab := getattr(module, "TAB", None)) is None:
            continue
        # Presets that were written before they named their application go by their task.
        fitting = {
            preset: config
            for preset, config in configs.items()
            if config["task"] == tab.task and config.get("app", name) == name
        }
        if fitting:
            desks.append(TabSession(name, module, models, fitting, folder))
            used |= set(fitting)
    if rest := [preset for preset in configs if preset not in used]:
        raise UserError(f"{rest[0]} is a preset for {configs[rest[0]]['task']}, for which the page has no tab")
    return desks


if __name__ == "__main__":
    from apps import cli

    sys.exit(cli.main(["web", *sys.argv[1:]]))

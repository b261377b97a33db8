"""The page behind its address, until a signal ends it."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import fastapi
import gradio as gr
import uvicorn

from apps.pages import cards, theme
from apps.pages.request_filter import RequestFilter
from apps.serving import sockets

MOST_FILE = 64 * 2**20  # bytes of a picture; a photo of 100 megapixels has about 40 MB
_PATIENCE = 0.3  # seconds for what is on its way at the end; an open page would wait for ever


def run(
    blocks: gr.Blocks,
    listener: socket.socket,
    folders: Mapping[str, Path],
    ready: Callable[[], None],
    ended: Callable[[int], None],
) -> None:
    """Serves the page.

    Args:
        blocks: What `apps.pages.page.build` made.
        listener: Bound.
        folders: Of the presets whose cards are shown, by name.
        ready: Called once the page answers.
        ended: Ends the process with the exit status, 0 after SIGTERM and 130 after Ctrl-C; called from any thread, and
            not later than `_PATIENCE` after the signal, whatever is still computed.
    """
    for name in ("asyncio", "uvicorn.error"):  # their tracebacks are not for the person who serves
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    host, port = listener.getsockname()[:2]
    bare = {"docs_url": None, "redoc_url": None, "openapi_url": None}
    application = fastapi.FastAPI(**bare)
    cards.add(application, folders)
    application = gr.mount_gradio_app(
        application,
        blocks,
        path="/",
        app_kwargs=bare,
        server_name=host,
        server_port=port,
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=MOST_FILE,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=theme.theme(),
        css=theme.CSS,
    )
    blocks.has_launched = True  # from here on Gradio checks which files are read, which mounting alone does not begin
    server = _Server(
        uvicorn.Config(
            RequestFilter(application, MOST_FILE),
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
        ),
        ended,
    )

    async def serve() -> None:
        async def attend() -> None:
            while not server.started:
                await asyncio.sleep(0.01)
            ready()

        attendant = asyncio.create_task(attend())
        await server.serve(sockets=[listener])
        attendant.cancel()
        ended(server.status)

    asyncio.run(serve())


class _Server(sockets.Server):
    """Ends in time whatever keeps the loop from it: an open page, an answer that is computed, an import."""

    def __init__(self, config: uvicorn.Config, ended: Callable[[int], None]):
        super().__init__(config)
        self._ended = ended

    def _end(self, number: int, frame) -> None:
        super()._end(number, frame)
        timer = threading.Timer(_PATIENCE, self._ended, [self.status])
        timer.daemon = True
        timer.start()

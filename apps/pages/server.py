"""The page behind its address, until a signal ends it."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

import fastapi
import gradio as gr
import uvicorn

from apps import listening
from apps.pages import look
from apps.pages.guard import Guard

MOST_FILE = 64 * 2**20  # bytes of a picture; a photo of 100 megapixels has about 40 MB
_PATIENCE = 2  # seconds for answers that are on their way at the end; an open page would wait for ever


def run(blocks: gr.Blocks, listener: socket.socket, ready: Callable[[], None]) -> int:
    """Serves the page.

    Args:
        blocks: What `apps.pages.page.build` made.
        listener: Bound.
        ready: Called once the page answers.

    Returns:
        The exit status: 0 after SIGTERM, 130 after Ctrl-C.
    """
    for name in ("asyncio", "uvicorn.error"):  # their tracebacks are not for the person who serves
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    host, port = listener.getsockname()[:2]
    bare = {"docs_url": None, "redoc_url": None, "openapi_url": None}
    application = gr.mount_gradio_app(
        fastapi.FastAPI(**bare),
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
        theme=look.theme(),
        css=look.CSS,
    )
    blocks.has_launched = True  # from here on Gradio checks which files are read, which mounting alone does not begin
    server = listening.Server(
        uvicorn.Config(
            Guard(application, MOST_FILE),
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_PATIENCE,
        )
    )

    async def serve() -> None:
        async def attend() -> None:
            while not server.started:
                await asyncio.sleep(0.01)
            ready()

        attendant = asyncio.create_task(attend())
        await server.serve(sockets=[listener])
        attendant.cancel()

    asyncio.run(serve())
    return server.status

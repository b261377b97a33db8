"""The presets that the page offers: loaded when they are first needed, or before that by a thread, and kept."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import zoo


class Models:
    """Tasks by the preset's name. Each answers one item at a time; different ones answer beside one another.

    Args:
        folders: Name -> the preset's folder. No more than these are ever loaded.
    """

    def __init__(self, folders: Mapping[str, Path]):
        self._folders = dict(folders)
        self._tasks: dict = {}
        self._locks = {name: threading.Lock() for name in folders}
        self._loading = threading.Lock()  # the first one imports TensorFlow, which two threads must not do at once
        self._stopped = threading.Event()

    @contextlib.contextmanager
    def using(self, name: str) -> Iterator:
        """The task of that preset, for this thread alone within the block; the first time, it is loaded.

        Raises:
            UserError: The preset is not whole.
        """
        with self._locks[name]:
            if name not in self._tasks:
                with self._loading:
                    self._tasks[name] = zoo.load(self._folders[name])
            yield self._tasks[name]

    def load_ahead(self, steps: Iterable[Callable[[], None]]) -> None:
        """Takes these steps, which use models, one after the other in a thread; what fails is told to whoever asks."""

        def load():
            for step in steps:
                if self._stopped.is_set():
                    return
                with contextlib.suppress(Exception):
                    step()

        threading.Thread(target=load, name="load-ahead", daemon=True).start()

    def stop(self) -> None:
        """Takes no further step."""
        self._stopped.set()

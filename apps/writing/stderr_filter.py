"""Holds back what TensorFlow and the image libraries write to standard error behind Python's back.

Their C and C++ code logs to file descriptor 2: at start-up, about devices, about every damaged image. None of that is
for the person who asked for an answer, and programs take a silent stderr for success. `--debug` lets all of it through.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Within the block, descriptor 2 leads to a file that is thrown away; `sys.stderr` writes where it always did."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # also for processes that are started from here
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
        for name in ("tensorflow", "absl"):  # Python's side of TensorFlow: advice about retracing, deprecations
            stack.callback(logging.getLogger(name).setLevel, logging.getLogger(name).level)
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            real = os.dup(2)
        except OSError:  # closed: there is nothing to hold back
            yield
            return
        stack.callback(os.close, real)
        stack.callback(os.dup2, real, 2)
        os.dup2(stack.enter_context(_nowhere()).fileno(), 2)
        if sys.stderr is not None and _descriptor(sys.stderr) == 2:
            ours = stack.enter_context(
                open(real, "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace", closefd=False)
            )
            stack.enter_context(contextlib.redirect_stderr(ours))
        if not faulthandler.is_enabled():  # a crash in C++ would otherwise leave no word at all
            faulthandler.enable(real)
            stack.callback(faulthandler.disable)
        yield


def _descriptor(stream) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError):  # a stream in memory
        return None


def _nowhere():
    """A file rather than /dev/null, so that a debugger can still read what was said: /proc/PID/fd/2."""
    try:
        return tempfile.TemporaryFile()
    except OSError:  # no temporary folder, or it is full
        return open(os.devnull, "wb")

"""Starting `zoo` as a process."""

import contextlib
import signal


@contextlib.contextmanager
def interruptible():
    """What starts within the block takes Ctrl-C, which a test run in the background (`pytest &`) ignores and hands on.

    Not by `preexec_fn`: a child of a process in which gRPC has run may abort before it becomes another program.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

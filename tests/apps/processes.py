"""Starting `zoo` as a process."""

import contextlib
import signal


@contextlib.contextmanager
def interruptible():
    """Lets processes that start within the block take Ctrl-C, which a test run in the background (`pytest &`) ignores.

    Not by `preexec_fn`: a child of a process in which gRPC has run may abort before it becomes another program.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

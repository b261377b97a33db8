"""Becomes a worker's program, which ends with the process that launched it, however that one ends.

python worker.py LAUNCHER COMMAND ...: LAUNCHER is the number of the launching process. Linux alone can promise it.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>; it outlasts exec


def main():
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):  # gone before it could be asked for
        sys.exit(1)
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()

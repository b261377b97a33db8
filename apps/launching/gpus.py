"""The GPUs of a machine, dealt out to its workers."""

from __future__ import annotations

import os
import subprocess

from zoo.errors import UserError

VISIBLE = "CUDA_VISIBLE_DEVICES"


def dealt(workers: int) -> list[str | None]:
    """CUDA_VISIBLE_DEVICES for each worker; None leaves it as it is, where there is no GPU, or one worker.

    Raises:
        UserError: The workers cannot have as many each.
    """
    if workers == 1 or not (found := _found()):
        return [None] * workers
    if len(found) % workers:
        raise UserError(
            f"--workers {workers}: {len(found)} GPU{'s' if len(found) != 1 else ''} cannot be dealt out evenly; "
            f"choose others by {VISIBLE}, or none: {VISIBLE}="
        )
    each = len(found) // workers
    return [",".join(found[start : start + each]) for start in range(0, len(found), each)]


def _found() -> list[str]:
    if VISIBLE in os.environ:
        named = [name.strip() for name in os.environ[VISIBLE].split(",")]
        return named[: named.index("-1")] if "-1" in named else [name for name in named if name]
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError):  # no NVIDIA driver
        return []
    return [str(number) for number in range(sum(line.startswith("GPU ") for line in listed.stdout.splitlines()))]

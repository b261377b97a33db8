"""Libraries in processes of their own that live through a run and are asked in turn; the benchmarks share it."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path


class Child:
    """The parent's end of a child: a process that runs a script with arguments that make it `serve`."""

    def __init__(self, script: str, arguments: Sequence[str], threads: int):
        self.label = " ".join(arguments)
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": str(threads)}
        environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [sys.executable, script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env={**environment, "KERAS_BACKEND": "tensorflow"},
        )

    def ask(self, *request):
        """Calls the child's method of that name with these arguments, and returns its answer."""
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            self.errors.seek(0)
            raise RuntimeError(f"{self.label} ended at {request[:3]}:\n{self.errors.read()[-3000:]}")
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def serve(make) -> None:
    """The child's end: makes an object, and answers one line of JSON for each line of JSON, until there are no more."""
    answers, sys.stdout = sys.stdout, sys.stderr
    child = make()
    for line in sys.stdin:
        method, *arguments = json.loads(line)
        print(json.dumps(getattr(child, method)(*arguments)), file=answers, flush=True)


def median_seconds(step: Callable[[], object], steps: int) -> float:
    """The median time of some calls, after one that is not counted."""
    times = []
    for _ in range(steps + 1):
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def processor() -> str:
    """The processor's name."""
    information = Path("/proc/cpuinfo")
    names = information.read_text().splitlines() if information.is_file() else []
    return next((line.split(":")[1].strip() for line in names if line.startswith("model name")), platform.machine())


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Package -> the version that is installed."""
    from importlib.metadata import version

    return {package: version(package) for package in packages}

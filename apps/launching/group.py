"""The workers of this machine from one start to their end: processes, each with a pipe for its signs of life."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from apps.launching import gpus
from apps.launching.plan import Plan
from zoo.scaling import heartbeat

_POLL = 0.1  # seconds
_GRACE = 10.0  # seconds for a worker to end by itself: to say a last word, to leave what it has kept
_BECOMES_A_WORKER = str(Path(__file__).with_name("worker.py"))


@dataclasses.dataclass(frozen=True)
class Failure:
    """The reason why not all workers came to their end.

    Attributes:
        sentence: Which worker, and how it ended.
        last: Its last line.
        refused: Whether it was told that it cannot be, so that another try would end the same.
        spoken: Whether a worker has said so that is heard.
        alone: Whether the other workers did not come.
    """

    sentence: str
    last: str = ""
    refused: bool = False
    spoken: bool = False
    alone: bool = False


class Group:
    """Workers that start on entering and are gone on leaving, whatever happens within.

    Args:
        plan: What they run.
        visible: Each one's GPUs, see `gpus.dealt`.
        logs: Folder for what is said by those that are not heard.
    """

    def __init__(self, plan: Plan, visible: Sequence[str | None], logs: Path):
        self.plan, self.visible, self.logs = plan, visible, logs
        self.workers: list[Worker] = []

    def __enter__(self):
        addresses = _addresses(self.plan)
        command = self.plan.command()
        first = self.plan.node * self.plan.workers
        try:
            for number in range(self.plan.workers):
                task = {"type": "worker", "index": first + number}
                environment = {"TF_CONFIG": json.dumps({"cluster": {"worker": addresses}, "task": task})}
                if self.visible[number] is not None:
                    environment[gpus.VISIBLE] = self.visible[number]
                log = None if first + number == 0 else self.logs / f"worker-{first + number}.log"
                self.workers.append(Worker(f"worker {first + number}", command, environment, log))
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(self, kind, error, trace):
        try:
            if kind is not None and issubclass(kind, KeyboardInterrupt | SystemExit):
                for worker in self.workers:
                    worker.send(signal.SIGINT)
                self._wait(_GRACE)
        finally:
            self._kill()

    @property
    def saved(self) -> bool:
        """True if something was saved to go on from."""
        return any(worker.saved for worker in self.workers)

    def watched(self) -> Failure | None:
        """Waits until all workers have ended well, or one otherwise."""
        while True:
            time.sleep(_POLL)
            for worker in self.workers:
                worker.listen()
            ended = [worker for worker in self.workers if worker.status is not None]
            if len(ended) == len(self.workers) and not any(worker.status for worker in ended):
                return None
            if bad := [worker for worker in ended if worker.status]:
                return self._failed(min(bad, key=lambda worker: worker.status))  # who was killed, not who missed it
            for worker in self.workers:
                if worker.status is None and (failure := worker.overdue(self.plan.timeout)):
                    return failure

    def _failed(self, worker: Worker) -> Failure:
        # A program of one's own that ends so before it trains has been called wrongly.
        refused = worker.refused or not self.plan.zoo and worker.status == 2 and not worker.joined
        if refused:
            self._wait(_GRACE)  # the others are told the same, and the first one is heard
        spoken = any(each.log is None and each.status for each in self.workers)
        last = "" if worker.status == -signal.SIGKILL else worker.last_line()
        sentence = f"{worker.name} {ended(worker.status)}" + (f" ({last})" if last else "")
        return Failure(sentence, last, refused, spoken)

    def _wait(self, seconds: float) -> None:
        """Gives the workers time to end by themselves."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and any(worker.status is None for worker in self.workers):
            time.sleep(_POLL)
            for worker in self.workers:
                worker.listen()

    def _kill(self) -> None:
        for worker in self.workers:
            worker.send(signal.SIGKILL)
        for worker in self.workers:
            worker.close()


class Worker:
    """A process that is listened to.

    Args:
        name: For sentences.
        command: What it runs.
        environment: Variables of its own.
        log: Where its output goes; None: to ours.
    """

    def __init__(self, name: str, command: list[str], environment: dict, log: Path | None):
        self.name, self.log = name, log
        self.joined = self.saved = self.refused = False
        self.heard: float | None = time.monotonic()  # None: its next sign is not awaited
        self.pipe, theirs = os.pipe()
        os.set_blocking(self.pipe, False)
        os.set_blocking(theirs, False)
        output = contextlib.nullcontext() if log is None else open(log, "ab")
        try:
            with output as file:
                self.process = subprocess.Popen(
                    [sys.executable, "-SE", _BECOMES_A_WORKER, str(os.getpid()), *command],
                    env={**os.environ, **environment, heartbeat.PIPE: str(theirs)},
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file or sys.stderr,
                    pass_fds=[theirs],
                    start_new_session=True,  # Ctrl-C comes to it from here, and its own children end with it
                )
        except BaseException:
            os.close(self.pipe)
            raise
        finally:
            os.close(theirs)

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self.process.poll()

    def listen(self) -> None:
        """Takes up the signs that it has given."""
        try:
            signs = os.read(self.pipe, 2**16)
        except BlockingIOError:
            return
        for sign in (signs[place : place + 1] for place in range(len(signs))):
            watched = sign not in (heartbeat.JOINED, heartbeat.UNWATCHED)
            self.heard = time.monotonic() if watched else None
            self.joined = True
            self.saved |= sign == heartbeat.SAVED
            self.refused |= sign == heartbeat.REFUSED

    def overdue(self, timeout: float) -> Failure | None:
        """The failure of a worker that has given no sign for too long; None otherwise."""
        if self.heard is None or time.monotonic() - self.heard < timeout:
            return None
        if self.joined:
            return Failure(f"{self.name} made no progress for {timeout:g} seconds (--timeout)")
        return Failure(f"{self.name} waited for the others for {timeout:g} seconds (--timeout)", alone=True)

    def last_line(self) -> str:
        """The last line of its log."""
        if self.log is None:
            return ""
        lines = self.log.read_bytes()[-4096:].decode("utf-8", "replace").split("\n")
        return next((" ".join(line.split())[:300] for line in reversed(lines) if line.strip()), "")

    def send(self, number: int) -> None:
        """Sends a signal to it and what it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def close(self) -> None:
        """Waits for its end; to be called once it is near."""
        self.process.wait()
        os.close(self.pipe)


def ended(status: int) -> str:
    """The end of a process, in words."""
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def _addresses(plan: Plan) -> list[str]:
    """Of all workers, in their order."""
    if plan.nodes:
        return [f"{host}:{port + number}" for host, port in plan.nodes for number in range(plan.workers)]
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(plan.workers)]
    ports = [each.getsockname()[1] for each in taken]
    for each in taken:
        each.close()
    return [f"127.0.0.1:{port}" for port in ports]

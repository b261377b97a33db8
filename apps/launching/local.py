"""Workers as processes of this machine; of several machines each sees to its own."""

from __future__ import annotations

import contextlib
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from apps.launching import gpus
from apps.launching.group import Failure, Group
from apps.launching.plan import Plan
from zoo.errors import UserError

_IN_VAIN = 2  # times that workers die in a row with nothing saved in between, until no more is tried
_SETTLE = 15.0  # seconds in which the workers of other machines notice that one has died, and end


def run(plan: Plan) -> int:
    """Runs the workers to their end, starting all of them again where one dies; answers the exit status.

    Raises:
        UserError: It is given up.
    """
    visible = gpus.dealt(plan.workers)
    with contextlib.ExitStack() as stack:
        logs = plan.logs or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zoo-launch-")))
        try:
            logs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"--logs {logs}: {error.strerror or error}") from error
        stack.enter_context(_terminable())
        restarts = in_vain = 0
        while True:
            with Group(plan, visible, logs) as group:
                failure = group.watched()
                if failure is None or _over(plan, failure):
                    return 0
                in_vain = 0 if group.saved else in_vain + 1
            if failure.refused:
                return _refused(failure)
            if reason := _hopeless(plan, failure, restarts, in_vain):
                raise UserError(f"{failure.sentence}; {reason}")
            restarts += 1
            _say(f"{failure.sentence}; all start again ({restarts} of {plan.restarts}){_whence(plan)}")
            if len(plan.nodes) > 1:
                time.sleep(_SETTLE)


def _over(plan: Plan, failure: Failure) -> bool:
    """True if nothing was left to be done when the worker died."""
    if failure.refused or not plan.ended():
        return False
    _say(f"{failure.sentence}, after {plan.out} had been written")
    return True


def _refused(failure: Failure) -> int:
    """Says what the first worker has not said itself; returns the exit status."""
    if not failure.spoken:
        _say(failure.last.removeprefix("zoo: ") or failure.sentence)
    return 2


def _hopeless(plan: Plan, failure: Failure, restarts: int, in_vain: int) -> str:
    """The reason not to try again; empty where one may."""
    if failure.alone:
        return "nothing to go on with"
    if restarts == plan.restarts:
        return f"given up after {restarts} restart{'s' if restarts != 1 else ''} (--restarts)"
    if in_vain == _IN_VAIN:
        return f"given up: {_IN_VAIN} times in a row nothing had been saved in between"
    return ""


def _whence(plan: Plan) -> str:
    if not plan.zoo:
        return ""
    return " from what was saved" if "--resume" in plan.arguments() else " from the beginning"


def _say(sentence: str) -> None:
    print(f"zoo: {sentence}.", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Within the block SIGTERM ends the workers too, and then this process as it ends any other."""

    def terminate(number, frame):
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

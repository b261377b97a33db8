"""Workers that Ray Train places, on this machine or on its cluster, and starts again where one dies."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from apps.launching.group import Worker, ended
from apps.launching.plan import Plan
from zoo.errors import UserError

_POLL = 0.1  # seconds
_LOG = "worker-{}.log"
_HANDED_ON = ("ZOO_DATA_DIR", "PYTHONPATH")  # variables that a Ray that runs already does not have from us


def run(plan: Plan) -> int:
    """Has Ray run the workers to their end, all of them again from what was kept where one dies.

    Ray is the one that RAY_ADDRESS names, or begins here and ends with the training.

    Returns:
        The exit status.

    Raises:
        UserError: Ray is not there, cannot be reached, has no room for so many workers, or has given up.
    """
    if importlib.util.find_spec("ray") is None:
        raise UserError('--on ray: Ray is not installed (pip install "keras-menagerie[ray]")')
    if plan.nodes:
        raise UserError("--on ray knows its machines itself: leave --nodes out, and name all workers by --workers")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # telemetry

    import ray

    beside = (plan.out or Path("ray")).absolute()
    missing = [folder for folder in beside.parents if not folder.exists()]
    try:
        _start(ray, plan.workers)
        beside.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{beside.name}-ray-", dir=beside.parent) as shared:
            return _run(plan, Path(shared))
    except OSError as error:
        raise UserError(f"{beside.parent}: {error.strerror or error}") from error
    finally:
        ray.shutdown()
        for folder in missing:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def _start(ray, workers: int) -> None:
    address = os.environ.get("RAY_ADDRESS")
    local = {} if address else {"address": "local", "include_dashboard": False}
    try:
        ray.init(**local, logging_level="ERROR", log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UserError(f"--on ray: {address or 'Ray'} cannot be reached ({_line(error)})") from error
    if (there := int(ray.cluster_resources().get("CPU", 0))) < workers:
        raise UserError(f"--workers {workers}: Ray has {there} CPU{'s' if there != 1 else ''}, one for each worker")


def _run(plan: Plan, shared: Path) -> int:
    import ray
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.tensorflow import TensorflowTrainer
    from ray.train.v2.api.exceptions import TrainingFailedError

    logs = (plan.logs or shared / "logs").absolute()
    try:
        logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--logs {logs}: {error.strerror or error}") from error
    variables = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
    refused = shared / "refused"
    trainer = TensorflowTrainer(
        functools.partial(_work, plan, os.getcwd(), variables, logs, refused),
        scaling_config=ScalingConfig(
            num_workers=plan.workers, use_gpu=ray.cluster_resources().get("GPU", 0) >= plan.workers
        ),
        run_config=RunConfig(
            name="zoo", storage_path=str(shared), failure_config=FailureConfig(max_failures=plan.restarts)
        ),
    )
    try:
        with _heard(logs / _LOG.format(0)):
            trainer.fit()
    except TrainingFailedError as error:
        failures = list(getattr(error, "worker_failures", {}).values())
        times = f"{plan.restarts} restart{'s' if plan.restarts != 1 else ''}"
        raise UserError(f"{_line(failures[0] if failures else error)}; given up after {times} (--restarts)") from error
    if not refused.exists():
        return 0
    print(f"zoo: {refused.read_text(encoding='utf-8').removeprefix('zoo: ')}", file=sys.stderr)
    return 2


@contextlib.contextmanager
def _heard(log: Path) -> Iterator[None]:
    """Within the block what the first worker says is said here, but the line that it ends with where it is refused."""
    done = threading.Event()

    def follow():
        place = 0
        while True:
            last = done.wait(_POLL)
            text = log.read_bytes()[place:] if log.exists() else b""
            whole = text[: text.rfind(b"\n") + 1]
            place += len(whole)
            for line in whole.decode("utf-8", "replace").splitlines():
                if not line.startswith("zoo: "):
                    print(line, flush=True)
            if last:
                return

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _work(plan: Plan, folder: str, variables: dict, logs: Path, refused: Path) -> None:
    """Runs a worker on Ray: a process, as `zoo launch` has it without Ray, for which Ray has set TF_CONFIG.

    A process of its own, since devices are chosen before TensorFlow is imported, which Ray may have done.
    """
    from ray import train

    if refused.exists() or plan.ended():  # another try would end the same, or is not needed
        return
    os.chdir(folder)
    os.environ.pop("TF_USE_LEGACY_KERAS", None)  # Ray sets it; it would give Keras 2 to whoever asks for tf.keras
    os.environ.update(variables)
    number = train.get_context().get_world_rank()
    worker = Worker(f"worker {number}", plan.command(), {}, logs / _LOG.format(number))
    try:
        while worker.status is None:
            time.sleep(_POLL)
            worker.listen()
            if failure := worker.overdue(plan.timeout):
                raise RuntimeError(failure.sentence)
        worker.listen()
        if worker.refused:
            refused.write_text(worker.last_line(), encoding="utf-8")
        elif worker.status:
            last = worker.last_line()
            raise RuntimeError(f"{worker.name} {ended(worker.status)}" + (f" ({last})" if last else ""))
    finally:
        worker.send(signal.SIGKILL)
        worker.close()


def _line(error: Exception) -> str:
    """The last line of what an error says, which in Ray's is the cause's own."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].removeprefix("RuntimeError: ")[:300] if lines else type(error).__name__

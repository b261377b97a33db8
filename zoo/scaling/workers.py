"""Several machines, or several processes: who they are, and what the first of them does for all."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import tensorflow as tf

from zoo.errors import UserError
from zoo.scaling import heartbeat, keras_patches


def cluster() -> dict | None:
    """{"cluster": {job: addresses}, "task": {"type", "index"}} of two workers or more, as TF_CONFIG spells it; or None.

    TF_CONFIG says so, or the variables of a SLURM step (`srun python ...`); TF_CONFIG wins.

    Raises:
        UserError: TF_CONFIG cannot be read, or says that this process is no worker.
    """
    if os.environ.get("TF_CONFIG", "").strip():
        told = _from_tf_config(os.environ["TF_CONFIG"])
    elif os.environ.get("SLURM_STEP_NUM_TASKS", "1") != "1":
        told = _from_slurm()
    else:
        return None
    return told if sum(map(len, told["cluster"].values())) > 1 else None


def _from_tf_config(text: str) -> dict:
    try:
        told = json.loads(text)
        jobs, task = dict(told["cluster"]), told["task"]
        kind, index = task["type"], task["index"]
        jobs = {job: list(addresses) for job, addresses in jobs.items() if job in ("chief", "worker")}
        if kind not in jobs or not (isinstance(index, int) and 0 <= index < len(jobs[kind])):
            raise UserError(f"TF_CONFIG: the task {kind} {index} is no chief or worker of its cluster")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        form = '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'
        raise UserError(f"TF_CONFIG: expected {form} ({type(error).__name__}: {error})") from error
    return {"cluster": jobs, "task": {"type": kind, "index": index}}


def _from_slurm() -> dict:
    try:
        # It would deal out GPUs by nvidia-smi; SLURM has done so already (CUDA_VISIBLE_DEVICES), and only addresses
        # are wanted here: as many "GPUs" as there are tasks makes it list all of them.
        count = int(os.environ["SLURM_STEP_NUM_TASKS"])
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
            gpus_per_node=count, gpus_per_task=1, auto_set_gpu=False
        )
        jobs = resolver.cluster_spec().as_dict()
        kind, index = resolver.get_task_info()
    except (RuntimeError, ValueError) as error:
        raise UserError(f"the SLURM step's variables cannot be read: {error}") from error
    return {"cluster": jobs, "task": {"type": kind, "index": int(index)}}


def joined(told: Mapping, names: list[str]) -> tuple[tf.distribute.Strategy, str]:
    """Waits for all workers; returns the strategy that they share, and a sentence.

    Args:
        told: What `cluster` gave.
        names: This worker's devices.
    """
    task = told["task"]
    count = sum(map(len, told["cluster"].values()))
    gpus = sum(name.startswith("GPU") for name in names)
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec(told["cluster"]),
        task_type=task["type"],
        task_id=task["index"],
        num_accelerators={"GPU": gpus},
        rpc_layer="grpc",
    )
    try:
        with keras_patches.local_cpus(0 if gpus else len(names)):
            made = tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    except RuntimeError as error:
        if "program startup" not in str(error):
            raise
        raise UserError("several workers: choose before anything has run on TensorFlow") from error
    told = (
        f"{count} workers by MultiWorkerMirroredStrategy, this is {task['type']} {task['index']} on {', '.join(names)}."
    )
    return made, told


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """True if this process writes for all: the chief, or the first worker; without workers always."""
    resolver = strategy.cluster_resolver
    if not resolver or not resolver.task_type:
        return True
    chiefs = "chief" in resolver.cluster_spec().as_dict()
    return resolver.task_type == "chief" or not chiefs and resolver.task_id == 0


@contextlib.contextmanager
def chief_first(strategy: tf.distribute.Strategy) -> Iterator[bool]:
    """Within the block the chief does what is done once for all; the others wait at its end, so that none leaves early.

    Yields:
        Whether this process is the chief.
    """
    try:
        yield is_chief(strategy)
    finally:
        met(strategy)


def met(strategy: tf.distribute.Strategy) -> None:
    """Waits until all workers have come here."""
    _sum(strategy, 0)


def of_chief(strategy: tf.distribute.Strategy, number: int) -> int:
    """The whole number that the chief came with, for all workers."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return number
    return _sum(strategy, number if is_chief(strategy) else 0) // len(strategy.extended.worker_devices)


def distribute(
    strategy: tf.distribute.Strategy, make: Callable[[int], list[np.ndarray]], count: int
) -> list[list[np.ndarray]]:
    """Computes lists of arrays, each by one of the workers, and gives all of them to each: what is costly is done once.

    Args:
        strategy: Whose workers take turns; where it has none, all arrays are made here.
        make: The number of a list -> the list, of the same length for all.
        count: How many lists; numbers go from 0.
    """
    found = []
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        for number in range(count):
            heartbeat.beat(heartbeat.PROGRESS)
            found.append(make(number))
        return found
    here = len(strategy.extended.worker_devices)
    for first in range(0, count, strategy.num_replicas_in_sync // here):

        def packed(context: tf.distribute.InputContext, first=first) -> tf.Tensor:
            worker, replica = divmod(context.replica_id_in_sync_group, here)
            mine = first + worker
            return tf.constant(_packed(make(mine)) if mine < count and replica == 0 else [], tf.int64)

        heartbeat.beat(heartbeat.PROGRESS)
        found += _unpacked(strategy.gather(strategy.experimental_distribute_values_from_function(packed), 0).numpy())
    return found


def _packed(arrays: list[np.ndarray]) -> np.ndarray:
    """Arrays of any kind as int64, which every collective takes: how many bytes their .npz file has, and these."""
    file = io.BytesIO()
    np.savez(file, *arrays)
    content = file.getvalue()
    return np.concatenate([[len(content)], np.frombuffer(content + bytes(-len(content) % 8), np.int64)])


def _unpacked(packets: np.ndarray) -> list[list[np.ndarray]]:
    """Lists of `_packed`, one after the other, as they were."""
    found = []
    while len(packets):
        end = 1 + -(-packets[0] // 8)
        with np.load(io.BytesIO(packets[1:end].tobytes()[: packets[0]]), allow_pickle=False) as file:
            found.append([file[name] for name in file.files])
        packets = packets[end:]
    return found


def agreed(strategy: tf.distribute.Strategy, number: int) -> bool:
    """True if all workers came with the same whole number, of at most 2^30."""
    workers = _sum(strategy, 1)
    return _sum(strategy, number) == number * workers and _sum(strategy, number**2) == number**2 * workers


def _sum(strategy: tf.distribute.Strategy, number: int) -> int:
    """The sum of what the workers' replicas came with."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return number
    value = strategy.run(lambda: tf.constant(number, tf.int64))
    return int(strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None))

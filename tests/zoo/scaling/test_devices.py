"""Devices by a person's words, workers by the environment, and messages on what cannot be."""

import json

import pytest

from zoo.errors import UserError
from zoo.scaling import devices, global_batch, workers


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("all", ("all", None)),
        ("1", ("count", 1)),
        ("cpu:2", ("cpu", 2)),
        ("GPU:0,3", ("gpu", (0, 3))),
    ],
)
def test_device_strings(text, chosen):
    assert devices.parsed(text) == chosen


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "two", "cpu", "cpu:0", "cpu:2,3", "gpu:", "gpu:0,", "tpu:1", "1.5", "²"]
)
def test_other_strings_are_refused_in_one_line(text):
    with pytest.raises(UserError, match="^--devices .*: expected all, a number, cpu:2 or gpu:0,1$"):
        devices.parsed(text)


def test_a_gpu_named_twice():
    with pytest.raises(UserError, match="names a GPU twice"):
        devices.parsed("gpu:1,1")


@pytest.mark.parametrize(
    ("size", "replicas", "near"), [(33, 2, "32 or 34"), (100, 8, "96 or 104"), (3, 4, "4"), (5, 4, "4 or 8")]
)
def test_a_batch_that_cannot_be_shared_names_the_nearest_sizes(size, replicas, near):
    with pytest.raises(UserError, match=rf"{replicas} replicas: take {near} \(--batch-size\)"):
        global_batch.check_batch(size, replicas)
    global_batch.check_batch(size * replicas, replicas)


@pytest.fixture
def environment(monkeypatch):
    for name in ("TF_CONFIG", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_workers_of_tf_config(environment):
    assert workers.cluster() is None
    told = {"cluster": {"worker": ["a:1", "b:1"], "ps": ["c:1"]}, "task": {"type": "worker", "index": 1}}
    environment.setenv("TF_CONFIG", json.dumps(told))
    assert workers.cluster() == {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}
    environment.setenv(
        "TF_CONFIG", json.dumps({"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}})
    )
    assert workers.cluster() is None


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "3", '{"cluster": {}}', '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}'],
)
def test_a_tf_config_that_cannot_be_read(text, environment):
    environment.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match="^TF_CONFIG: "):
        workers.cluster()


def test_workers_of_a_slurm_step(environment):
    """Three tasks on two nodes, of which this is the third."""
    for name, value in {
        "STEP_NUM_TASKS": "3",
        "PROCID": "2",
        "STEP_NODELIST": "node[07-08]",
        "STEP_TASKS_PER_NODE": "2,1",
    }.items():
        environment.setenv(f"SLURM_{name}", value)
    assert workers.cluster() == {
        "cluster": {"worker": ["node07:8888", "node07:8889", "node08:8888"]},
        "task": {"type": "worker", "index": 2},
    }

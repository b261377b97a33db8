"""The table on Keras's other backends: the same tests, run by a pytest of its own."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(__file__)
# Each optimizer's formula and checkpoint; accumulation is the base class's, and so tried there.
EACH = "(follows and not float32) or checkpoint or accumulating_k"


def passes(backend, chosen, names=("test_table.py", "test_base.py")):
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_ENABLE_X64": "1"}
    files = [os.path.join(HERE, name) for name in names]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *files, "-k", chosen],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:]


def test_adam_and_accumulation_on_jax():
    passes("jax", "(adam and follows and not adamw) or (accumulating and clip1 and graph)")


@pytest.mark.matrix
def test_every_optimizer_on_jax():
    passes("jax", EACH)


@pytest.mark.matrix
def test_every_optimizer_drops_in_on_jax():
    # Only tests whose result could depend on JAX: compiling all of them for each optimizer takes minutes.
    passes("jax", "bcoo or empty_variables or (zero_gradient and bfloat16) or deepcopy", ["test_drop_in.py"])


@pytest.mark.matrix
def test_every_optimizer_on_two_devices_of_jax():
    run = subprocess.run(
        [sys.executable, "-m", "tests.optimizers.jax_replicas", "plain"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-4000:]
    cases = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    assert len(cases) == 110
    assert [case for case in cases if case["devices"] != 2 or not case["difference"] < 2e-5] == []


@pytest.mark.matrix
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed: the extra [backends]")
def test_every_optimizer_on_torch():
    passes("torch", EACH)


@pytest.mark.matrix
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed: the extra [backends]")
def test_every_optimizer_drops_in_on_torch():
    passes("torch", "test", ["test_drop_in.py"])

"""Two replicas do what one device does with the same global batch, whatever is asked of the optimizer."""

import json
import subprocess
import sys

import pytest

from tests.optimizers.table import TABLE

# One element in a hundred thousand of a sign may fall the other way; these problems are too small for that one.
ALLOWED = 1e-6


def differences(*arguments, program="replicas") -> dict:
    run = subprocess.run(
        [sys.executable, "-m", f"tests.optimizers.{program}", *arguments], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-3000:]
    cases = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    return {(case["row"], case["case"]): case["difference"] for case in cases}


def test_adam_with_each_clip_and_with_everything_at_once():
    found = differences("adam", "clipnorm", "clipvalue", "all")
    assert len(found) == 3
    assert {case: difference for case, difference in found.items() if not difference <= ALLOWED} == {}


@pytest.mark.matrix
def test_weights_for_evaluation_sam_and_skipped_steps_in_fit():
    found = differences(program="replicas_fit")
    assert len(found) == 8
    assert {case: difference for case, difference in found.items() if not difference <= ALLOWED} == {}


@pytest.mark.matrix
def test_every_optimizer_in_every_case():
    found = differences()
    assert {row for row, _ in found} == {row.name for row in TABLE}
    assert {case: difference for case, difference in found.items() if not difference <= ALLOWED} == {}


@pytest.mark.matrix
def test_sparse_gradients():
    found = differences(program="replicas_sparse")
    assert len(found) == 18
    assert {case: difference for case, difference in found.items() if not difference <= ALLOWED} == {}

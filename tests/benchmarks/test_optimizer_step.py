"""The benchmark of the optimizers' steps runs to its end and prints what it promises."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "optimizer_step.py"


@pytest.mark.matrix
def test_a_quick_run_prints_both_tables_and_writes_nothing():
    results = {path: path.read_bytes() for path in (SCRIPT.parent / "results").iterdir()}
    run = subprocess.run(
        [sys.executable, SCRIPT, "--quick", "--optimizers", "adam,lion"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-3000:]
    lines = [line.split("|")[1:-1] for line in run.stdout.splitlines() if line.startswith(("| adam", "| lion"))]
    names = [cells[0].strip() for cells in lines]
    assert names in (["adam", "lion", "adam"], ["adam", "lion"])  # the second table is torch's
    for cells in lines[:2]:
        keras, ours = float(cells[1]), float(cells[2])
        ours_ops, keras_ops = cells[6].split("/")
        assert keras > 0 and ours > 0 and 0 < int(ours_ops) < int(keras_ops)
    assert results == {path: path.read_bytes() for path in (SCRIPT.parent / "results").iterdir()}


def test_a_wrong_name_gets_the_right_ones():
    run = subprocess.run([sys.executable, SCRIPT, "--optimizers", "adm"], capture_output=True, text=True, check=False)
    assert run.returncode == 2 and "there is no 'adm'; there are adam, sgd-momentum" in run.stderr

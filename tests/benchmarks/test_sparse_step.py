"""The benchmark of steps with sparse gradients runs to its end and prints what it promises."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "sparse_step.py"


@pytest.mark.matrix
def test_a_quick_run_prints_its_table_and_writes_nothing():
    results = {path: path.read_bytes() for path in (SCRIPT.parent / "results").iterdir()}
    run = subprocess.run(
        [sys.executable, SCRIPT, "--quick", "--optimizers", "sgd,adam"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-3000:]
    lines = [line.split("|")[1:-1] for line in run.stdout.splitlines() if line.startswith(("| sgd", "| adam"))]
    assert [cells[0].strip() for cells in lines] == ["sgd", "adam"]
    for cells in lines:
        keras, ours, lazy = (float(cell) for cell in cells[1:4])
        assert min(keras, ours, lazy) > 0
        # The table has two decimals of the milliseconds.
        assert float(cells[4].split()[0]) == pytest.approx(ours / keras, rel=0.1)
        assert float(cells[6]) == pytest.approx(lazy / keras, rel=0.1)
    assert results == {path: path.read_bytes() for path in (SCRIPT.parent / "results").iterdir()}


def test_a_wrong_name_gets_the_right_ones():
    run = subprocess.run([sys.executable, SCRIPT, "--optimizers", "adm"], capture_output=True, text=True, check=False)
    assert run.returncode == 2 and "there is no 'adm'; there are sgd, sgd-momentum" in run.stderr

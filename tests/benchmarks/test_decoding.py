"""The benchmark of decoding runs to its end and prints what it promises."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "decoding.py"


@pytest.mark.matrix
def test_a_quick_run_prints_its_tables_and_writes_nothing():
    results = {path: path.read_bytes() for path in (SCRIPT.parent / "results").iterdir()}
    run = subprocess.run([sys.executable, SCRIPT, "--quick"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    lines = run.stdout.splitlines()
    for case in ("greedy, batch 1", "greedy, batch 32", "beam 4, batch 1", "beam 4, batch 32"):
        steady, first = ([cell.strip() for cell in line.split("|")] for line in lines if line.startswith(f"| {case} |"))
        assert int(steady[2].replace(",", "")) > 0 and float(first[2].split()[0]) > 0
    if importlib.util.find_spec("transformers"):
        assert "1 of 1 (greedy, batch 1), 32 of 32 (greedy, batch 32), 1 of 1 (beam 4, batch 1), 32 of 32" in run.stdout
    assert "| a step |" in run.stdout
    assert results == {path: path.read_bytes() for path in (SCRIPT.parent / "results").iterdir()}

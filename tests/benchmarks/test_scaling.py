"""The benchmark of workers runs to its end, and what it projects is what a hand reckons."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "scaling.py"


def _projection():
    spec = importlib.util.spec_from_file_location("projection", SCRIPT.with_name("projection.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


projection = _projection()
LINK = projection.Link("slow", 1e6, 1e-3)  # a megabyte and a thousand messages per second


@pytest.mark.parametrize(
    "workers, sent, seconds",  # of 4 MB: 2 (n - 1) / n of them, and 2 (n - 1) milliseconds
    [(1, 0, 0.0), (2, 4e6, 4.002), (4, 6e6, 6.006), (8, 7e6, 7.014), (1024, 7992187.5, 10.0381875)],
)
def test_ring_all_reduce(workers, sent, seconds):
    assert projection.ring_bytes(4e6, workers) == pytest.approx(sent, rel=1e-12)
    assert projection.all_reduce(4e6, workers, LINK) == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize(
    "compute, overlap, efficiency, speed",  # 8 workers, 7.014 s of communication; a batch of 8
    [
        (7.014, False, 0.5, 7.014 / (7.014 / 8 + 7.014)),
        (7.014, True, 1.0, 1.0),
        (63.126, False, 0.9, 63.126 / 14.90475),
        (63.126, True, 1.0, 8.0),
        (0.7014, True, 0.1, 0.1),
    ],
)
def test_weak_and_strong_scaling(compute, overlap, efficiency, speed):
    assert projection.weak(compute, 4e6, 8, LINK, overlap) == pytest.approx(efficiency, rel=1e-12)
    assert projection.strong(compute, 4e6, 8, 8, LINK, overlap) == pytest.approx(speed, rel=1e-12)
    assert projection.strong(compute, 4e6, 7, 8, LINK, overlap) is None


def test_the_page_says_what_is_reckoned():
    """1 s of compute and 5 MB, over 10 Gb/s: 8 workers need 0.7 ms of latency and 8.75 MB / 1.25 GB/s = 7 ms."""
    models = {"small": {"compute_seconds": 1.0, "gradient_bytes": 5_000_000, "batch": 64}}
    page = projection.page({"date": "today", "processor": "a processor", "models": models})
    assert "milliseconds: 8 workers 7.70, " in page
    measured, fast = (line for line in page.splitlines() if line.startswith("| 10 Gb/s |"))
    # Weak 1 / 1.0077; strong 1 / (1 / 8 + 0.0077); 64 rows are too few for 1,024 workers.
    assert measured.startswith("| 10 Gb/s | 99.2 % to 100.0 % |") and "| 7.5 to 8.0 |" in measured
    assert measured.endswith("| - |") and fast.startswith("| 10 Gb/s | 56.5 % to 100.0 % |")


@pytest.mark.matrix
def test_a_quick_run_prints_its_tables_and_writes_nothing():
    results = {path: path.read_bytes() for path in (SCRIPT.parent / "results").iterdir()}
    run = subprocess.run([sys.executable, SCRIPT, "--quick"], capture_output=True, text=True, check=False, timeout=900)
    assert run.returncode == 0, run.stderr[-3000:]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in run.stdout.splitlines() if line[:4] == "| 2 "]
    assert [row[0] for row in rows] == ["2 workers, a core each, the same batch"] * 3
    # Gradients of a few kilobytes: what TensorFlow says besides is more, what it sends is no less.
    assert all(float(row[2]) > 0 and float(row[-2]) >= float(row[-1]) for row in rows)
    assert run.stdout.count("| measured core: ") == 3
    assert results == {path: path.read_bytes() for path in (SCRIPT.parent / "results").iterdir()}

"""`zoo launch --on ray`: workers on Ray Train that end with one process's weights, one of them killed on the way."""

import importlib.util

import numpy as np
import pytest

from tests.zoo.scaling.test_launched import ALLOWED, BACKED_UP, alone, difference, ended, launch

there = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason='needs Ray: pip install -e ".[ray]"')


@there
@pytest.mark.matrix
def test_own_fit_of_two_workers_of_which_one_is_killed(tmp_path):
    launcher = launch(tmp_path, *BACKED_UP, tmp_path, "1:SIGKILL:2", on="ray", workers=2)
    status, out, err = ended(launcher, tmp_path)
    assert (status, err) == (0, "") and "epochs: [2, 3]" in out
    assert difference(np.load(tmp_path / "weights.npz"), alone(tmp_path / "alone")) <= ALLOWED
    assert sorted(path.name for path in tmp_path.iterdir() if "ray" in path.name) == []


@there
@pytest.mark.matrix
def test_train_on_two_workers(tmp_path):
    words = ["train", "quickstart", "--epochs", "1", "--out", tmp_path / "made"]
    status, out, err = ended(launch(tmp_path, *words, on="ray", workers=2), tmp_path)
    assert (status, err) == (0, "") and (tmp_path / "made" / "scores.json").is_file()
    assert "2 workers by MultiWorkerMirroredStrategy" in out and f"Written: {tmp_path / 'made'}" in out


@there
@pytest.mark.matrix
def test_what_is_refused_is_not_tried_again(tmp_path):
    words = ["train", "quickstart", "--batch-size", "33", "--out", tmp_path / "made"]
    status, _, err = ended(launch(tmp_path, *words, on="ray", workers=2), tmp_path)
    assert (status, err) == (
        2,
        "zoo: a batch of 33 cannot be shared evenly by 2 replicas: take 32 or 34 (--batch-size)\n",
    )
    assert not (tmp_path / "made").exists()

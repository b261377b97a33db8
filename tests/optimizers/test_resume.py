"""A training that is saved as `.keras` and goes on in a fresh process ends, to the bit, where it would have."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from tests.optimizers import resume
from tests.optimizers.running import schedule
from tests.optimizers.table import TABLE

OPTIONS = {
    "plain": {},
    "everything": {
        "weight_decay": 0.1,
        "exclude_from_weight_decay": ["bias", "last/"],
        "groups": [{"match": "first/", "multiplier": 0.5}, {"match": "last/bias", "frozen": True}],
        "global_clipnorm": 0.5,
        "use_ema": True,
        "ema_overwrite_frequency": 2,
        "gradient_accumulation_steps": 2,
    },
}


def trainings(names):
    return {
        f"{row.name}-{options}": (row, OPTIONS[options])
        for row in TABLE
        for options in OPTIONS
        if row.name in names and not (row.name.startswith("batch") and options == "everything")
    }


def goes_on(names, folder):
    expected = {}
    for name, (row, options) in trainings(names).items():
        keras.utils.set_random_seed(5)
        model = resume.model(row.make(schedule(row.rate), **options))
        resume.train(model)
        model.save(folder / f"{name}.keras")
        resume.train(model)
        expected[name] = model.get_weights()
    subprocess.run([sys.executable, "-m", "tests.optimizers.resume", str(folder)], check=True, capture_output=True)
    for name, weights in expected.items():
        with np.load(folder / f"{name}.npz") as reached:
            for key, weight in zip(reached.files, weights, strict=True):
                np.testing.assert_array_equal(reached[key], weight, err_msg=name)


def test_adam_goes_on(tmp_path):
    goes_on(["adam"], tmp_path)


@pytest.mark.matrix
def test_every_optimizer_goes_on(tmp_path):
    goes_on([row.name for row in TABLE], tmp_path)

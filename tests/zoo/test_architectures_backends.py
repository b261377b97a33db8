"""Builders are pure Keras: on another backend the same weights give the same logits.

That the other process finds every variable by its path also says that paths do not depend on what was built before.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zoo
from tests.zoo.small_models import inputs_for, small

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> Path:
    """Weights, inputs and outputs of every small model, as TensorFlow has them."""
    arrays = {}
    for name in zoo.models():
        model = small(name)
        inputs = inputs_for(model)
        arrays |= {f"{name} outputs": model(inputs)}
        inputs = inputs if isinstance(inputs, dict) else {"": inputs}
        arrays |= {f"{name} inputs {part}": array for part, array in inputs.items()}
        arrays |= {f"{name} weight {variable.path}": variable for variable in model.weights}
    path = tmp_path_factory.mktemp("backends") / "stored.npz"
    np.savez(path, **{name: np.asarray(array) for name, array in arrays.items()})
    return path


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_every_model_gives_the_same_logits(stored, backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"needs {backend}, which is not installed")
    run = subprocess.run(
        [sys.executable, Path(__file__).with_name("run_on_backend.py"), stored],
        env={**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    errors = json.loads(run.stdout.splitlines()[-1])
    assert errors.pop("backend") == backend
    assert sorted(errors) == zoo.models()
    # Kernels of another library round differently, about 1e-5 after fifty layers; another padding is off by 1e-1.
    assert {name: error for name, error in errors.items() if error > 1e-4} == {}

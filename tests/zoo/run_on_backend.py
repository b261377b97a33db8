"""Builds small models under the backend that KERAS_BACKEND names and compares them with stored outputs.

python run_on_backend.py STORED.npz: prints a JSON object, name -> largest difference over the largest output.
"""

import json
import sys

import keras
import numpy as np

import zoo
from tests.zoo.small_models import SMALL

# Every weight is stored: zeros will do until it is read. JAX would compile a random generator for each shape.
for kind in ("VarianceScaling", "RandomNormal", "RandomUniform", "Orthogonal"):
    getattr(keras.initializers, kind).__call__ = keras.initializers.Zeros.__call__


def main(path: str) -> None:
    with np.load(path) as file:
        stored = dict(file)
    errors = {"backend": keras.backend.backend()}
    for name in zoo.models():
        model = zoo.build(name, **SMALL.get(name, {}))
        weights, inputs = (named(stored, f"{name} {kind} ") for kind in ("weight", "inputs"))
        paths = [variable.path for variable in model.weights]
        assert sorted(paths) == sorted(weights), f"{name}: other paths than in the other process"
        for variable in model.weights:
            variable.assign(weights[variable.path])
        outputs = model.predict(inputs.get("", inputs), verbose=0)  # in one compilation
        expected = stored[f"{name} outputs"]
        errors[name] = float(np.abs(outputs - expected).max() / np.abs(expected).max())
    print(json.dumps(errors))


def named(stored: dict, start: str) -> dict:
    """The arrays whose names start so, under the rest of their names."""
    return {name.removeprefix(start): array for name, array in stored.items() if name.startswith(start)}


if __name__ == "__main__":
    main(sys.argv[1])

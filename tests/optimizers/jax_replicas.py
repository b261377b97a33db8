"""Training on two JAX devices against one; a program of its own, since the devices of a process are chosen once.

    python -m tests.optimizers.jax_replicas plain|low-rank [NAME ...]

prints one line of JSON for each optimizer and wrapper and each way: {"name", "way", "devices", "difference", "share"},
the largest difference of a weight after `fit`, and that as a fraction of the largest movement. In the problem low-rank
a batch has fewer examples than a layer has inputs or outputs.
"""

import json
import os
import sys

os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

import keras
import numpy as np

from tests.optimizers import test_drop_in


def plain(name):
    """A model, its examples, and the arguments of `fit`."""
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(4, activation="tanh", name="first"), keras.layers.Dense(2, name="last")]
    )
    model.compile(test_drop_in.made(name, clipnorm=1.0), "mse")
    random = np.random.RandomState(4)
    examples = random.normal(size=(16, 6)).astype("float32"), random.normal(size=(16, 2)).astype("float32")
    return model, examples, {"batch_size": 8, "epochs": 2}


def low_rank(name):
    """As `plain`."""
    model = keras.Sequential([keras.Input((12,)), keras.layers.Dense(10, "tanh"), keras.layers.Dense(6)])
    model.compile(test_drop_in.made(name), "mse")
    random = np.random.RandomState(2)
    inputs, targets = random.normal(size=(4, 12)), random.normal(size=(4, 6))
    inputs[:, 3] = 0
    return model, (inputs, targets), {"batch_size": 4, "epochs": 24}


PROBLEMS = {"plain": (plain, 3), "low-rank": (low_rank, 0)}  # with the seed of the weights


def trained(problem, name, distribution=None) -> tuple[list, list]:
    """The weights before and after."""
    make, seed = PROBLEMS[problem]
    keras.distribution.set_distribution(distribution)
    keras.utils.set_random_seed(seed)
    model, examples, options = make(name)
    before = model.get_weights()
    model.fit(*examples, **options, shuffle=False, verbose=0)
    keras.distribution.set_distribution(None)
    return before, model.get_weights()


def ways():
    """Name -> distribution: each batch shared, and each matrix shared."""
    devices = keras.distribution.list_devices()
    layout = keras.distribution.LayoutMap(keras.distribution.DeviceMesh((1, 2), ("batch", "model"), devices))
    layout[".*kernel"] = (None, "model")
    return {
        "data": keras.distribution.DataParallel(devices=devices),
        "model": keras.distribution.ModelParallel(layout_map=layout, batch_dim_name="batch"),
    }


def main(problem, names):
    for name in names or test_drop_in.ALL:
        before, one = trained(problem, name)
        moved = max(np.abs(end - start).max() for end, start in zip(one, before, strict=True))
        for way, distribution in ways().items():
            _, two = trained(problem, name, distribution)
            difference = float(max(np.abs(a - b).max() for a, b in zip(one, two, strict=True)))
            devices = len(distribution.device_mesh.devices.flatten())
            case = {"name": name, "way": way, "devices": devices, "difference": difference}
            print(json.dumps({**case, "share": difference / float(moved)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

"""Data parallelism on JAX against one device; a program of its own, since the devices of a process are chosen once.

XLA_FLAGS=--xla_force_host_platform_device_count=2 KERAS_BACKEND=jax python -m tests.optimizers.jax_replicas CLASS ...
prints one line of JSON a class: {"name", "devices", "difference"}, the largest difference of a weight after 24 steps of
`fit` as a fraction of the largest movement. A batch has fewer examples than a layer has inputs or outputs.
"""

import json
import sys

import keras
import numpy as np

import optimizers


def trained(name) -> tuple[list, list]:
    """The weights before and after."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((12,)), keras.layers.Dense(10, "tanh"), keras.layers.Dense(6)])
    model.compile(getattr(optimizers, name)(), "mse")
    before = model.get_weights()
    random = np.random.RandomState(2)
    inputs, targets = random.normal(size=(4, 12)), random.normal(size=(4, 6))
    inputs[:, 3] = 0
    model.fit(inputs, targets, batch_size=4, epochs=24, shuffle=False, verbose=0)
    return before, model.get_weights()


def main(names):
    for name in names:
        before, one = trained(name)
        distribution = keras.distribution.DataParallel()
        keras.distribution.set_distribution(distribution)
        _, two = trained(name)
        keras.distribution.set_distribution(None)
        moved = max(np.abs(end - start).max() for end, start in zip(one, before, strict=True))
        difference = max(np.abs(a - b).max() for a, b in zip(one, two, strict=True)) / moved
        devices = len(distribution.device_mesh.devices.flatten())
        print(json.dumps({"name": name, "devices": devices, "difference": float(difference)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

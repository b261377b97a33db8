"""Every optimizer and wrapper on two JAX devices as on one: `python -m tests.optimizers.distributed_jax`.

`keras.distribution.DataParallel` shares each batch, `ModelParallel` each matrix. Prints a line for each that ends
elsewhere, with how far, and the number of those that were tried.
"""

import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

import keras
import numpy as np

from tests.optimizers import test_drop_in

NEAR = 2e-5


def trained(name, distribution):
    keras.distribution.set_distribution(distribution)
    try:
        keras.utils.set_random_seed(3)
        model = keras.Sequential(
            [
                keras.Input((6,)),
                keras.layers.Dense(4, activation="tanh", name="first"),
                keras.layers.Dense(2, name="last"),
            ]
        )
        model.compile(test_drop_in.made(name, clipnorm=1.0), "mse")
        random = np.random.RandomState(4)
        x, y = random.normal(size=(16, 6)).astype("float32"), random.normal(size=(16, 2)).astype("float32")
        model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
        return [np.asarray(weight) for weight in model.get_weights()]
    finally:
        keras.distribution.set_distribution(None)


def main():
    devices = keras.distribution.list_devices()
    mesh = keras.distribution.DeviceMesh((1, 2), ("batch", "model"), devices)
    layout = keras.distribution.LayoutMap(mesh)
    layout[".*kernel"] = (None, "model")
    ways = {
        "data parallel": keras.distribution.DataParallel(devices=devices),
        "model parallel": keras.distribution.ModelParallel(layout_map=layout, batch_dim_name="batch"),
    }
    tried = 0
    for name in test_drop_in.ALL:
        expected = trained(name, None)
        for way, distribution in ways.items():
            reached = trained(name, distribution)
            away = max(np.abs(a - b).max() for a, b in zip(reached, expected, strict=True))
            tried += 1
            if not away < NEAR:
                print(f"{name}, {way}: {away:.1e}")
    print(f"{tried} tried on {len(devices)} devices")


if __name__ == "__main__":
    main()

"""Goes on with the trainings that it finds in a folder: `python -m tests.optimizers.resume FOLDER`, a fresh process.

For each NAME.keras there: loads it, trains on, and writes NAME.npz, the weights.
"""

import sys
from pathlib import Path

import keras
import numpy as np

import optimizers  # noqa: F401  (registers the classes)
from tests.optimizers import running  # noqa: F401  (registers the schedule)


def model(optimizer) -> keras.Model:
    made = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(5, activation="tanh", name="first"), keras.layers.Dense(2, name="last")]
    )
    made.compile(optimizer, "mse", jit_compile=False)
    return made


def train(made: keras.Model):
    random = np.random.RandomState(4)
    features, targets = random.normal(size=(40, 6)).astype("float32"), random.normal(size=(40, 2)).astype("float32")
    # Five batches: with two accumulated, the training stops in the middle of an update.
    made.fit(features, targets, batch_size=8, shuffle=False, verbose=0)


if __name__ == "__main__":
    for path in sorted(Path(sys.argv[1]).glob("*.keras")):
        loaded = keras.models.load_model(path)
        train(loaded)
        np.savez(path.with_suffix(".npz"), *loaded.get_weights())

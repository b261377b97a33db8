"""A person's own `model.fit` with `Backup`, that is interrupted: a program for `zoo launch`, or run alone.

python -m tests.zoo.scaling.backed_up FOLDER [WORKER:SIGNAL:EPOCH ...]: in the midst of such an epoch, once, the worker
of that number sends itself the signal. The first worker writes weights.npz.
"""

import os
import signal
import sys
from pathlib import Path

from zoo import scaling

FOLDER, FATES = Path(sys.argv[1]), [fate.split(":") for fate in sys.argv[2:]]
STRATEGY = scaling.strategy("cpu:1", say=lambda sentence: None)

import keras  # noqa: E402
import numpy as np  # noqa: E402

import optimizers  # noqa: E402
from zoo.scaling import workers  # noqa: E402


class Fate(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        cluster = workers.cluster()
        number = cluster["task"]["index"] if cluster else 0
        for worker, name, epoch in FATES:
            met = FOLDER / f"{worker}-{name}-{epoch}"
            if (number, self.epoch, batch) == (int(worker), int(epoch), 3) and not met.exists():
                met.touch()
                os.kill(os.getpid(), signal.Signals[name])


def main():
    random = np.random.default_rng(0)
    x, y = (random.normal(size=(64, width)).astype("float32") for width in (6, 2))
    keras.utils.set_random_seed(3)
    with STRATEGY.scope():
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(2)])
        model.compile(optimizers.Adam(0.01), "mse", metrics=["mae"], jit_compile=False)
    backup = scaling.Backup(FOLDER / "backup" / "state.h5")
    told = model.fit(x, y, batch_size=8, epochs=4, shuffle=False, verbose=0, callbacks=[backup, Fate()])
    if workers.is_chief(STRATEGY):
        assert not backup.path.exists()
        print(f"epochs: {told.epoch}", flush=True)
        np.savez(FOLDER / "weights.npz", *model.get_weights(), loss=told.history["loss"][-1])


if __name__ == "__main__":
    main()

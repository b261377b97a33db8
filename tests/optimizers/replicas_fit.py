"""`model.fit` on two replicas against one device, for what stands around an optimizer: a program, as `replicas`.

python -m tests.optimizers.replicas_fit prints lines of JSON: {"row", "case", "difference"}.
"""

import json

import keras
import numpy as np
import tensorflow as tf

import optimizers
from tests.optimizers import resume

AVERAGING = {
    "schedule-free": lambda: optimizers.ScheduleFreeAdamW(0.05),
    "swa": lambda: optimizers.SWA(optimizers.SGD(0.1), start=2, period=2),
    "average": lambda: optimizers.Adam(0.05, use_ema=True, ema_momentum=0.8, gradient_accumulation_steps=2),
}


def data():
    random = np.random.RandomState(4)
    return random.normal(size=(40, 6)).astype("float32"), random.normal(size=(40, 2)).astype("float32")


def fitted(make, spoilt=False, sharp=False) -> list[list[np.ndarray]]:
    """The weights after a fit, and where they can be swapped, those that train."""
    features, targets = data()
    if spoilt:  # in the second half of the second batch: one replica's
        features[15, 2] = np.nan
    keras.utils.set_random_seed(5)
    model = resume.model(make())
    callbacks = [optimizers.EvaluationWeights()] if model.optimizer._averaging() else []
    if sharp:
        model = optimizers.SAM(model, rho=0.3)
        model.compile(make(), "mse", jit_compile=False)
    model.fit(
        features,
        targets,
        batch_size=8,
        epochs=2,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
        validation_data=(features[:8], targets[:8]),
    )
    ends = [model.get_weights()]
    if callbacks:
        assert model.optimizer.at_evaluation_weights
        model.optimizer.swap_evaluation_weights()
        ends.append(model.get_weights())
    if spoilt:
        counts = [model.optimizer.skipped, model.optimizer.iterations]
        assert [int(keras.ops.convert_to_numpy(count)) for count in counts] == [2, 8]
    return ends


def main():
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    cases = [(name, make, {}) for name, make in AVERAGING.items()]
    cases.append(("sam", lambda: optimizers.SGD(0.1), {"sharp": True}))
    cases.append(("skip", lambda: optimizers.SkipNonFinite(optimizers.Adam(0.05)), {"spoilt": True}))
    for name, make, options in cases:
        one = fitted(make, **options)
        with strategy.scope():
            two = fitted(make, **options)
        for case, a, b in zip(("after fit", "that train"), one, two, strict=False):
            difference = max(float(np.abs(x - y).max()) for x, y in zip(a, b, strict=True))
            print(json.dumps({"row": name, "case": case, "difference": difference}), flush=True)


if __name__ == "__main__":
    main()

"""A person's own `model.fit` under `zoo.scaling.strategy` against one device: a program, as `zoo_train`.

python -m tests.zoo.scaling.user_fit FOLDER DEVICES CASE ... prints lines of JSON: {"case", "weights", "history",
"predictions"}, the greatest differences; the case "refusals" prints {"case", "said"}.
"""

import json
import sys
import warnings

from zoo import scaling

STRATEGY = scaling.strategy(sys.argv[2], say=lambda sentence: None)  # before `import keras`

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

import optimizers  # noqa: E402

RATE = 0.01
OPTIMIZERS = {
    "batch-gradient-descent": lambda: optimizers.BatchGradientDescent(RATE, steps_per_epoch=25),
    "sgd": lambda: optimizers.SGD(RATE),
    "momentum": lambda: optimizers.SGD(RATE, momentum=0.9),
    "nesterov": lambda: optimizers.SGD(RATE, momentum=0.9, nesterov=True),
    "adagrad": lambda: optimizers.AdaGrad(RATE),
    "rmsprop": lambda: optimizers.RMSProp(RATE),
    "adam": lambda: optimizers.Adam(RATE),
    "adamw": lambda: optimizers.AdamW(RATE, weight_decay=0.1),
    "lamb": lambda: optimizers.LAMB(RATE),
    "lion": lambda: optimizers.Lion(RATE / 10),
    "lookahead": lambda: optimizers.Lookahead(optimizers.Adam(RATE)),
    "clipnorm": lambda: optimizers.Adam(RATE, clipnorm=0.05),
    "clipvalue": lambda: optimizers.Adam(RATE, clipvalue=0.02),
    "global-clipnorm": lambda: optimizers.Adam(RATE, global_clipnorm=0.1),
    "accumulation": lambda: optimizers.Adam(RATE, gradient_accumulation_steps=2),
    "average": lambda: optimizers.Adam(RATE, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=3),
    "all-at-once": lambda: optimizers.AdamW(
        RATE, global_clipnorm=0.1, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.8
    ),
    "normalized": lambda: optimizers.SGD(RATE, momentum=0.9),
    "half": lambda: keras.optimizers.LossScaleOptimizer(optimizers.Adam(RATE)),
    "data-set": lambda: optimizers.Adam(RATE),
}
RANDOM = np.random.default_rng(0)
X, Y = (RANDOM.normal(size=(400, width)).astype("float32") for width in (6, 2))


def fitted(case):
    """50 steps: 2 epochs of 25."""
    keras.utils.set_random_seed(3)
    normal = keras.layers.BatchNormalization(synchronized=True)
    hidden = keras.layers.Dense(8, use_bias=False, dtype="mixed_float16" if case == "half" else None)
    middle = [hidden, normal] if case == "normalized" else [hidden]
    model = keras.Sequential([keras.Input((6,)), *middle, keras.layers.Activation("tanh"), keras.layers.Dense(2)])
    model.compile(OPTIMIZERS[case](), "mse", metrics=["mae"], jit_compile=False)
    data = {"x": X, "y": Y, "batch_size": 16}
    if case == "data-set":
        data = {
            "x": tf.data.Dataset.from_tensor_slices((X, Y))
            .shuffle(400, seed=1, reshuffle_each_iteration=False)
            .batch(16)
        }
    told = model.fit(**data, epochs=2, verbose=0, shuffle="x" not in data, validation_data=(X[:37], Y[:37]))
    return model, told.history, model.predict(X[:37], batch_size=16, verbose=0)


def differences(case):
    one, one_history, one_answers = fitted(case)
    with STRATEGY.scope():
        several, history, answers = fitted(case)
    weights = zip(one.get_weights(), several.get_weights(), strict=True)
    return {
        "case": case,
        "weights": max(float(np.abs(a - b).max()) for a, b in weights),
        "history": max(float(np.abs(np.subtract(history[key], value)).max()) for key, value in one_history.items()),
        "predictions": float(np.abs(answers - one_answers).max()),
    }


def refusals():
    """What is said, in order, where something cannot be right."""
    said = []

    def told(action):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                action()
            except Exception as error:  # noqa: BLE001 - its kind is what is tested
                said.append(f"{type(error).__name__}: {error}")
        said.extend(f"warning: {warning.message}" for warning in caught if warning.category is UserWarning)

    with STRATEGY.scope():
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2)])
        told(lambda: [model.compile("sgd", "mse", steps_per_execution=4) for _ in range(2)])
        assert model.steps_per_execution == 1
        strings = keras.Sequential([keras.Input((), dtype="string"), keras.layers.StringLookup(vocabulary=["a"])])
        strings.compile("sgd", "mse")
    told(lambda: [model.fit(X[:39], Y[:39], batch_size=16, verbose=0) for _ in range(2)])
    batches = tf.data.Dataset.from_tensor_slices((X[:37], Y[:37])).batch(16)
    told(lambda: [model.fit(batches.prefetch(1), shuffle=False, verbose=0) for _ in range(2)])
    told(lambda: model.fit(batches.take(2).prefetch(1), shuffle=False, verbose=0))
    told(lambda: model.evaluate(X[:39], Y[:39], batch_size=16, verbose=0))
    told(lambda: model.fit(X[:30], Y[:30], batch_size=15, verbose=0))
    told(lambda: strings.predict(tf.constant(["a", "b"]), verbose=0))
    return {"case": "refusals", "said": said}


def main():
    for case in sys.argv[3:] or [*OPTIMIZERS, "refusals"]:
        print(json.dumps(refusals() if case == "refusals" else differences(case)), flush=True)


if __name__ == "__main__":
    main()

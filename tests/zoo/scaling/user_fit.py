"""A person's own `model.fit` under `zoo.scaling.strategy` against one device: a program, as `zoo_train`.

python -m tests.zoo.scaling.user_fit FOLDER DEVICES CASE ... prints lines of JSON: {"case", "weights", "history",
"predictions"}, the greatest differences, and for how many devices XLA has compiled something ("compiled"); "refusals"
prints {"case", "said"}. In a case whose name begins with "jit", it is the replicas' passes that XLA compiles.
"""

import gc
import json
import sys
import warnings
from pathlib import Path

from zoo import scaling

STRATEGY = scaling.strategy(sys.argv[2], say=lambda sentence: None)  # before `import keras`

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

import optimizers  # noqa: E402
from zoo.scaling import workers  # noqa: E402

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
    "generator": lambda: optimizers.Adam(RATE),
    "masked": lambda: optimizers.SGD(RATE),
    "scalar-loss": lambda: optimizers.SGD(RATE),
    "mean-of-weights": lambda: optimizers.SGD(RATE),
    "jit-subclass": lambda: optimizers.Adam(RATE),
    "jit-outputs": lambda: optimizers.AdamW(
        RATE, global_clipnorm=0.1, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.8
    ),
    "jit-half": lambda: keras.optimizers.LossScaleOptimizer(optimizers.Adam(RATE)),
    "jit-state": lambda: optimizers.SGD(RATE, momentum=0.9),
    "jit-masked": lambda: optimizers.SGD(RATE),
}
RANDOM = np.random.default_rng(0)
X, Y = (RANDOM.normal(size=(400, width)).astype("float32") for width in (6, 2))
WEIGHTS = RANDOM.uniform(0.5, 2, size=400).astype("float32")
# 0 is masked: replicas have unlike many of the others.
TEXTS, TAGS = RANDOM.integers(0, 9, size=(400, 5)), RANDOM.integers(0, 3, size=(400, 5))


class Subclass(keras.Model):
    """With a regularizer, and a loss that its call adds."""

    def __init__(self):
        super().__init__()
        self.first, self.last = keras.layers.Dense(8, kernel_regularizer="l2"), keras.layers.Dense(2)

    def call(self, inputs):
        hidden = keras.ops.tanh(self.first(inputs))
        self.add_loss(keras.ops.mean(hidden**2))
        return self.last(hidden)


class OwnStep(Subclass):
    def train_step(self, data):
        return super().train_step(data)


def sequential(*middle):
    return keras.Sequential([keras.Input((6,)), *middle, keras.layers.Activation("tanh"), keras.layers.Dense(2)])


def tagger():
    embedding = keras.layers.Embedding(9, 4, mask_zero=True)
    read = keras.layers.LSTM(6, return_sequences=True)
    return keras.Sequential([keras.Input((5,), dtype="int32"), embedding, read, keras.layers.Dense(3)])


def made(case):
    """A model, and what it is compiled with."""
    if case.endswith("masked"):
        # A sum asks no other replica what counts: XLA can compile it.
        reduction, weight = ("sum", 1 / 80) if case == "jit-masked" else ("sum_over_batch_size", 1.0)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=reduction)
        return tagger(), {"loss": loss, "loss_weights": [weight], "weighted_metrics": ["accuracy"]}
    if case == "jit-subclass":
        return Subclass(), {"loss": "mse", "metrics": ["mae"]}
    if case == "jit-outputs":
        inputs = keras.Input((6,))
        hidden = keras.layers.Dense(8, activation="tanh")(inputs)
        outputs = [keras.layers.Dense(2, name=name)(hidden) for name in ("one", "other")]
        return keras.Model(inputs, outputs), {
            "loss": ["mse", "mae"],
            "loss_weights": [1.0, 0.3],
            "weighted_metrics": [["mae"], ["mae"]],
        }
    hidden = keras.layers.Dense(8, use_bias=False, dtype="mixed_float16" if case.endswith("half") else None)
    # A dropout that drops nothing: its seed moves on all the same.
    middle = {
        "normalized": [keras.layers.BatchNormalization(synchronized=True)],
        "jit-state": [keras.layers.BatchNormalization(), keras.layers.Dropout(1e-9)],
    }
    loss = {
        "scalar-loss": lambda y, answers: keras.ops.mean((y - answers) ** 2),
        "mean-of-weights": keras.losses.MeanSquaredError(reduction="mean_with_sample_weight"),
    }
    return sequential(hidden, *middle.get(case, ())), {"loss": loss.get(case, "mse"), "metrics": ["mae"]}


def aligned(array):
    """A copy at a place in memory which TensorFlow takes over as it is."""
    room = np.empty(array.nbytes + 64, np.uint8)
    first = -room.ctypes.data % 64
    copy = room[first : first + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[:] = array
    return copy


def given(case):
    """Arguments of `fit`, and its validation data."""
    if case == "data-set":  # another order in each epoch, the same as on one device
        ordered = tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(400, seed=1)
        return {"x": ordered.batch(16)}, (X[:37], Y[:37])
    if case == "generator":
        x, y = aligned(X), aligned(Y)
        batches = ((x[at : at + 16], y[at : at + 16]) for _ in range(2) for at in range(0, 400, 16))
        return {"x": batches, "steps_per_epoch": 25}, (X[:37], Y[:37])
    x, y, more = X, Y, {}
    if case.endswith("masked"):
        x, y = TEXTS, TAGS
    if case == "jit-outputs":
        y, more = [Y, -Y], {"sample_weight": WEIGHTS}
    if case == "mean-of-weights":
        more = {"sample_weight": WEIGHTS}
    rows = 36 if more or case.endswith("masked") else 37
    held = [part[:rows] for part in y] if isinstance(y, list) else y[:rows]
    return {"x": x, "y": y, "batch_size": 16, "shuffle": False, **more}, (x[:rows], held)


def fitted(case, jit=False):
    """50 steps: 2 epochs of 25."""
    keras.utils.set_random_seed(3)
    model, options = made(case)
    model.compile(OPTIMIZERS[case](), jit_compile=jit, **options)
    data, held = given(case)
    told = model.fit(**data, epochs=2, verbose=0, validation_data=held, validation_batch_size=16)
    answers = model.predict(held[0], batch_size=16, verbose=0), model.predict_on_batch(held[0][:7])
    return model, told.history, tf.nest.flatten(answers)


def differences(case):
    jit = case.startswith("jit")
    if case == "jit-state":  # each replica normalizes by its own rows: no one device does the same
        with STRATEGY.scope():
            one, one_history, one_answers = fitted(case)
    else:
        one, one_history, one_answers = fitted(case)
    clusters()
    with STRATEGY.scope():
        several, history, answers = fitted(case, jit)
    weights = zip(one.get_weights(), several.get_weights(), strict=True)
    return {
        "case": case,
        "weights": max(float(np.abs(a - b).max()) for a, b in weights),
        "history": max(float(np.abs(np.subtract(history[key], value)).max()) for key, value in one_history.items()),
        "predictions": max(float(np.abs(a - b).max()) for a, b in zip(answers, one_answers, strict=True)),
        "compiled": clusters(),
    }


def clusters() -> int:
    """The number of calls that XLA has to compile, in graphs that are new since the last call."""
    graphs = [each for each in gc.get_objects() if type(each).__name__ == "FuncGraph" and not hasattr(each, "seen")]
    calls = 0
    for graph in graphs:
        graph.seen = True
        called = [op for op in graph.get_operations() if "PartitionedCall" in op.type]
        calls += sum("_XlaMustCompile" in op.node_def.attr and op.get_attr("_XlaMustCompile") for op in called)
    return calls


def files():
    """The files that the workers' callbacks and models leave in one folder, and how far they are from the weights."""
    folder = Path(sys.argv[1]) / "kept"
    with STRATEGY.scope():
        model = sequential(keras.layers.Dense(8))
        model.compile(optimizers.Adam(RATE), "mse", metrics=["mae"])
    kept = keras.callbacks.ModelCheckpoint(folder / "best.keras", monitor="loss", save_best_only=True)
    journal = keras.callbacks.CSVLogger(folder / "journal.csv")
    with workers.chief_first(STRATEGY) as mine:
        if mine:
            folder.mkdir()
    model.fit(X, Y, batch_size=16, epochs=3, verbose=0, callbacks=[kept, journal])
    model.save_weights(folder / "last.weights.h5")
    with workers.chief_first(STRATEGY):
        pass
    loaded = keras.models.load_model(folder / "best.keras")
    pairs = zip(loaded.get_weights(), model.get_weights(), strict=True)
    return {
        "case": "files",
        "left": sorted(path.name for path in folder.iterdir()),
        "lines": len((folder / "journal.csv").read_text().splitlines()),
        "weights": max(float(np.abs(a - b).max()) for a, b in pairs),
    }


def refusals():
    """Warnings and errors, in order, where something cannot be right."""
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
    with STRATEGY.scope():
        for model in (OwnStep(), sequential(keras.layers.BatchNormalization(synchronized=True))):
            model.compile(optimizers.SGD(RATE), "mse", jit_compile=True)
            told(lambda: [model.fit(X[:32], Y[:32], batch_size=16, verbose=0) for _ in range(2)])  # noqa: B023
        model = sequential()
        told(lambda: model.compile(keras.optimizers.SGD(RATE, clipnorm=1.0), "mse"))
        told(lambda: model.compile(keras.optimizers.SGD(RATE, gradient_accumulation_steps=2), "mse"))
    told(lambda: model.compile("sgd", "mse"))
    return {"case": "refusals", "said": said}


def main():
    for case in sys.argv[3:] or [*OPTIMIZERS, "refusals"]:
        special = {"refusals": refusals, "files": files}
        print(json.dumps(special[case]() if case in special else differences(case)), flush=True)


if __name__ == "__main__":
    main()

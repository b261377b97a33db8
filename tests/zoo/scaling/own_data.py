"""What a person's own `model.fit` sees of data sets of many files and of one: a program, as `user_fit`.

python -m tests.zoo.scaling.own_data FOLDER DEVICES CASE ... prints lines of JSON: {"case", "epochs"}, for each epoch the
numbers of the examples that this worker saw, in their order.
"""

import json
import sys
from pathlib import Path

from zoo import scaling

FOLDER, DEVICES = Path(sys.argv[1]), sys.argv[2]
STRATEGY = scaling.strategy(DEVICES, say=lambda sentence: None)  # before `import keras`

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from zoo.scaling import workers  # noqa: E402

BATCH, EACH = 8, 16  # rows of a batch, examples in a file


def files(count):
    """Files of records, each record the number of an example; written once, by the chief."""
    names = [str(FOLDER / f"{count}-{number}.tfrecord") for number in range(count)]
    with workers.chief_first(STRATEGY) as mine:
        if mine:
            for number, name in enumerate(names):
                with tf.io.TFRecordWriter(name) as writer:
                    for place in range(EACH):
                        writer.write(str(number * EACH + place).encode())
    return names


def records(count):
    read = tf.data.Dataset.from_tensor_slices(files(count)).shuffle(count, seed=1).interleave(tf.data.TFRecordDataset)
    return read.map(lambda record: tf.strings.to_number(record)).shuffle(64, seed=2)


CASES = {
    "many-files": lambda: records(4),
    "one-file": lambda: records(1),
    "numbers": lambda: tf.data.Dataset.range(64).map(lambda n: tf.cast(n, tf.float32)).shuffle(64),
    "memory": lambda: None,
}


class Noted(keras.layers.Layer):
    """Notes what goes by."""

    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def call(self, x):
        note = tf.numpy_function(lambda rows: self.seen.append(rows[:, 0].astype(int).tolist()), [x], [])
        with tf.control_dependencies([note] if note is not None else []):
            return tf.identity(x)


def main():
    for case in sys.argv[3:] or CASES:
        keras.utils.set_random_seed(3)
        data, seen, epochs = CASES[case](), [], []
        with STRATEGY.scope():
            model = keras.Sequential([keras.Input((1,)), Noted(seen), keras.layers.Dense(1)])
            model.compile("sgd", "mse")

        class Epoch(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                epochs.append(list(seen))
                seen.clear()

        if data is None:
            x = np.arange(64, dtype=np.float32)[:, None]
            model.fit(x, x, batch_size=BATCH, epochs=2, verbose=0, callbacks=[Epoch()])
        else:
            data = data.map(lambda n: (n[tf.newaxis], n[tf.newaxis])).batch(BATCH)
            model.fit(data, epochs=2, verbose=0, callbacks=[Epoch()])
        print(json.dumps({"case": case, "epochs": epochs}), flush=True)


if __name__ == "__main__":
    main()

"""A person's own `model.fit` on data sets of many files and of one: a program, as `user_fit`.

python -m tests.zoo.scaling.own_data FOLDER DEVICES CASE ... prints lines of JSON: {"case", "epochs"}, for each epoch
the numbers of the examples that this worker saw, in their order.
"""

import json
import sys
from pathlib import Path

from zoo import scaling

FOLDER, DEVICES = Path(sys.argv[1]), sys.argv[2]
STRATEGY = scaling.strategy(DEVICES, say=lambda sentence: None)  # before `import keras`

import keras  # noqa: E402
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


def text():
    """One file of lines."""
    path = FOLDER / "lines.txt"
    with workers.chief_first(STRATEGY) as mine:
        if mine:
            path.write_text("".join(f"{n}\n" for n in range(EACH)))
    return str(path)


def records(count):
    read = tf.data.Dataset.from_tensor_slices(files(count)).shuffle(count, seed=1).interleave(tf.data.TFRecordDataset)
    return read.map(tf.strings.to_number).shuffle(64, seed=2)


CASES = {
    "many-files": lambda: records(4),
    "one-file": lambda: records(1),
    "one-text": lambda: tf.data.TextLineDataset(text()).map(tf.strings.to_number).shuffle(64, seed=2),
    "numbers": lambda: tf.data.Dataset.range(64).map(lambda n: tf.cast(n, tf.float32)).shuffle(64),
}


def batches(numbers, size):
    """Inputs and targets of one number each."""
    return numbers.map(lambda n: (n[tf.newaxis], n[tf.newaxis])).batch(size)


def parted():
    """A person's own parting, before what is costly."""

    def of_worker(context):
        mine = (
            tf.data.Dataset.range(64).shuffle(64, seed=4).shard(context.num_input_pipelines, context.input_pipeline_id)
        )
        return batches(mine.map(lambda n: tf.cast(n, tf.float32)), context.get_per_replica_batch_size(BATCH))

    return STRATEGY.distribute_datasets_from_function(of_worker)


class Noted(keras.layers.Layer):
    """Has what goes by noted."""

    def __init__(self, note):
        super().__init__()
        self.note = note

    def call(self, x):
        tf.numpy_function(self.note, [x], [])
        return x


class Epochs(keras.callbacks.Callback):
    """Keeps apart what is noted in each epoch."""

    def __init__(self):
        super().__init__()
        self.told, self.batches = [], []

    def note(self, rows):
        self.batches.append(rows[:, 0].astype(int).tolist())

    def on_epoch_end(self, epoch, logs=None):
        self.told.append(self.batches)
        self.batches = []


def main():
    for case in sys.argv[3:] or [*CASES, "parted"]:
        keras.utils.set_random_seed(3)
        data = parted() if case == "parted" else batches(CASES[case](), BATCH)
        epochs = Epochs()
        with STRATEGY.scope():
            model = keras.Sequential([keras.Input((1,)), Noted(epochs.note), keras.layers.Dense(1)])
            model.compile("sgd", "mse")
        model.fit(data, epochs=2, verbose=0, callbacks=[epochs])
        print(json.dumps({"case": case, "epochs": epochs.told}), flush=True)


if __name__ == "__main__":
    main()

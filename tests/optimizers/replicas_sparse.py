"""Sparse gradients on two replicas, of rows that overlap, against dense ones on one device: a program, as `replicas`.

python -m tests.optimizers.replicas_sparse prints lines of JSON: {"row", "case", "difference"}.
"""

import json

import keras
import numpy as np
import tensorflow as tf

import optimizers

SHAPE = (20, 3)
RULES = {
    "sgd": lambda **a: optimizers.SGD(0.1, **a),
    "adagrad": lambda **a: optimizers.AdaGrad(0.1, **a),
    "rmsprop": lambda **a: optimizers.RMSProp(0.1, **a),
    "adam": lambda **a: optimizers.Adam(0.1, **a),
    "lazy": lambda **a: optimizers.LazySparse(optimizers.Adam(0.1, **a)),
    "skip": lambda **a: optimizers.SkipNonFinite(optimizers.AdaGrad(0.1, **a)),
}
OPTIONS = {
    "plain": {},
    "clipped, decayed, averaged": {"global_clipnorm": 0.5, "weight_decay": 0.1, "use_ema": True},
    "accumulated": {"gradient_accumulation_steps": 2, "clipnorm": 0.5},
}


def gradients():
    """For each step the rows and values of each of two replicas."""
    random = np.random.RandomState(0)
    for _ in range(4):
        yield random.randint(0, 12, (2, 6)), random.normal(size=(2, 6, 3)).astype("float32")


def made(make, options):
    optimizer, table = make(**options), keras.Variable(np.ones(SHAPE, "float32"))
    optimizer.build([table])
    return optimizer, table


def on_one_device(make, options):
    optimizer, table = made(make, options)
    lazy = isinstance(optimizer, optimizers.LazySparse)
    for indices, values in gradients():
        indices, values = np.concatenate(indices), np.concatenate(values)
        dense = np.zeros(SHAPE, "float32")
        np.add.at(dense, indices, values)
        slices = tf.IndexedSlices(tf.constant(values), tf.constant(indices), tf.constant(SHAPE, tf.int64))
        optimizer.apply([slices if lazy else tf.constant(dense)], [table])
    return table.numpy()


def on_two(strategy, make, options):
    with strategy.scope():
        optimizer, table = made(make, options)

    @tf.function
    def step(indices, values):
        def replica():
            mine = tf.distribute.get_replica_context().replica_id_in_sync_group
            slices = tf.IndexedSlices(values[mine], indices[mine], tf.constant(SHAPE, tf.int64))
            optimizer.apply([slices], [table])

        strategy.run(replica)

    for indices, values in gradients():
        step(tf.constant(indices), tf.constant(values))
    copies = [copy.numpy() for copy in table.value.values]
    assert np.array_equal(*copies)
    return copies[0]


def main():
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    for name, make in RULES.items():
        for case, options in OPTIONS.items():
            one, two = on_one_device(make, options), on_two(strategy, make, options)
            print(json.dumps({"row": name, "case": case, "difference": float(np.abs(one - two).max())}), flush=True)


if __name__ == "__main__":
    main()

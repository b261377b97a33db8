"""Two replicas against one device; a program of its own, since the devices of a process are chosen once.

python -m tests.optimizers.replicas ROW ... prints one line of JSON a case: {"row", "case", "difference"}. All cases run
under one MirroredStrategy object: a second one in a process meets collectives of other shapes.
"""

import json
import sys

import keras
import numpy as np
import tensorflow as tf

import optimizers
from tests.optimizers import problem
from tests.optimizers.running import schedule
from tests.optimizers.table import TABLE

CASES = {
    "plain": {},
    "clipnorm": {"clipnorm": 0.5},
    "global_clipnorm": {"global_clipnorm": 0.5},
    "clipvalue": {"clipvalue": 0.2},
    "decay": {"weight_decay": 0.1, "exclude_from_weight_decay": ["w[13]"]},
    "average": {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 2},
    "accumulation": {"gradient_accumulation_steps": 2},
    "all": {
        "global_clipnorm": 0.5,
        "weight_decay": 0.1,
        "exclude_from_weight_decay": ["w[13]"],
        "use_ema": True,
        "ema_momentum": 0.7,
        "ema_overwrite_frequency": 2,
        "gradient_accumulation_steps": 2,
    },
}
STEPS = 6


def variables():
    return [keras.Variable(value, dtype="float32", name=f"w{i}") for i, value in enumerate(problem.weights())]


def on_one_device(row, options):
    optimizer, on = row.make(schedule(row.rate), **options), variables()
    for gradients in problem.gradients(STEPS):
        optimizer.apply([tf.constant(gradient, tf.float32) for gradient in gradients], on)
    return [variable.numpy() for variable in on]


def on_two(strategy, row, options):
    """Each replica sees gradients of its own, far apart, that sum up to those of the one device."""
    with strategy.scope():
        optimizer, on = row.make(schedule(row.rate), **options), variables()
        optimizer.build(on)

    @tf.function
    def step(gradients):
        def replica():
            mine = tf.distribute.get_replica_context().replica_id_in_sync_group
            share = tf.where(mine == 0, 3.0, -2.0)
            optimizer.apply([share * gradient for gradient in gradients], on)

        strategy.run(replica)

    for gradients in problem.gradients(STEPS):
        step([tf.constant(gradient, tf.float32) for gradient in gradients])
    return [variable.numpy() for variable in on]


def main(names, cases):
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    for row in TABLE:
        for case in cases if row.name in names or not names else ():
            options = dict(CASES[case])
            if row.build is optimizers.BatchGradientDescent and "gradient_accumulation_steps" in options:
                options["steps_per_epoch"] = options.pop("gradient_accumulation_steps")
            one, two = on_one_device(row, options), on_two(strategy, row, options)
            difference = max(float(np.abs(a - b).max()) for a, b in zip(one, two, strict=True))
            print(json.dumps({"row": row.name, "case": case, "difference": difference}), flush=True)


if __name__ == "__main__":
    chosen = [argument for argument in sys.argv[1:] if argument in CASES]
    main([argument for argument in sys.argv[1:] if argument not in CASES], chosen or CASES)

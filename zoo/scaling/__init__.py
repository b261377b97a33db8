"""One `tf.distribute` strategy for whatever there is: one device, several of them, several machines.

    with zoo.scaling.strategy("all").scope():   # may stand before `import keras`
        model = ...
        model.compile(...)
    model.fit(...)

`Backup` among the callbacks of `fit` keeps the training, to go on from after an interruption (`zoo launch`).
What Keras's `model.fit` gets wrong under a strategy is repaired in `zoo.scaling.keras_patches`. A batch size is that of
all replicas together, whatever their number, and learning rates stay as they are given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from zoo.errors import UserError
from zoo.scaling import devices as local
from zoo.scaling import heartbeat

if TYPE_CHECKING:
    import tensorflow as tf

    from zoo.scaling.backup import Backup as Backup

_made: dict[str, tf.distribute.Strategy] = {}


def strategy(devices: str = "all", say: Callable[[str], None] = print) -> tf.distribute.Strategy:
    """The strategy that trains on the devices; also repairs Keras's trainer, once and for this process.

    On one device it is TensorFlow's default strategy, on several a `MirroredStrategy`. Where TF_CONFIG names two
    workers or more, or a SLURM step has two tasks or more, it is a `MultiWorkerMirroredStrategy`, in which `devices`
    are each worker's own; every worker runs the same program, with the same `keras.utils.set_random_seed`. To be called
    before anything has run on TensorFlow, and once: a second call gets the first one's strategy.

    Args:
        devices: "all" GPUs, or the CPU where there is none; a number of GPUs; "gpu:0,1" for those GPUs; "cpu:2" for two
            logical devices made of the CPU.
        say: Takes a sentence about what was chosen.

    Raises:
        UserError: There are no such devices, TensorFlow has begun without them, or TF_CONFIG cannot be read.

    Example:
        >>> strategy("1 gpu")
        Traceback (most recent call last):
        zoo.errors.UserError: --devices 1 gpu: expected all, a number, cpu:2 or gpu:0,1
    """
    chosen = local.parsed(devices)
    local.prepare_environment(chosen)

    import tensorflow as tf

    from zoo.scaling import keras_patches, workers

    if devices in _made:
        return _made[devices]
    if any(made.num_replicas_in_sync > 1 for made in _made.values()):
        # A second strategy in one process meets collectives of other shapes.
        raise UserError(f"--devices {devices}: this process trains on {', '.join(_made)} already, one choice a process")
    keras_patches.install()
    cluster = workers.cluster()
    names = local.prepared(chosen, devices)
    if cluster:
        made, told = workers.joined(cluster, names)
    elif len(names) > 1:
        made = tf.distribute.MirroredStrategy(names)
        told = f"{len(names)} replicas by MirroredStrategy: {', '.join(names)}."
    else:
        made, told = tf.distribute.get_strategy(), f"1 device: {names[0]}."
    _made[devices] = made
    heartbeat.beat(heartbeat.JOINED)
    say(told)
    return made


def __getattr__(name: str):
    if name == "Backup":  # Keras may be imported only after the devices are chosen
        from zoo.scaling.backup import Backup

        return Backup
    raise AttributeError(f"module 'zoo.scaling' has no attribute {name!r}")

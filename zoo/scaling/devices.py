"""Devices of this machine: from a person's words to TensorFlow's names."""

from __future__ import annotations

import os
import re
import sys
import warnings

from zoo.errors import UserError


def parsed(devices: str) -> tuple[str, int | tuple[int, ...] | None]:
    """("all", None), ("count", N), ("cpu", N) or ("gpu", numbers).

    Raises:
        UserError: The text is none of these.

    Example:
        >>> parsed("all"), parsed("2"), parsed("cpu:4"), parsed("GPU:0,1")
        (('all', None), ('count', 2), ('cpu', 4), ('gpu', (0, 1)))
    """
    text = str(devices).strip().lower()
    if text == "all":
        return "all", None
    if re.fullmatch(r"\d{1,4}", text) and int(text):
        return "count", int(text)
    if (found := re.fullmatch(r"cpu:(\d{1,4})", text)) and int(found[1]):
        return "cpu", int(found[1])
    if found := re.fullmatch(r"gpu:(\d{1,4}(?:,\d{1,4})*)", text):
        numbers = tuple(int(number) for number in found[1].split(","))
        if len(set(numbers)) == len(numbers):
            return "gpu", numbers
        raise UserError(f"--devices {devices}: names a GPU twice")
    raise UserError(f"--devices {devices}: expected all, a number, cpu:2 or gpu:0,1")


def prepare_environment(chosen: tuple) -> None:
    """Sets the environment variables that TensorFlow reads when it is imported.

    On several logical devices of one CPU, TensorFlow 2.21's oneDNN kernels corrupt memory: a residual network's
    convolutions end the process. Its own kernels do not.
    """
    kind, which = chosen
    if kind != "cpu" or which == 1 or os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        return
    if "tensorflow" in sys.modules:
        warnings.warn(
            f"cpu:{which} after TensorFlow was imported: its oneDNN kernels may crash there; call "
            "zoo.scaling.strategy before `import keras`, or set TF_ENABLE_ONEDNN_OPTS=0",
            stacklevel=3,
        )
    else:
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"


def prepared(chosen: tuple, devices: str) -> list[str]:
    """Makes TensorFlow see the chosen devices and no other GPU; returns their names, "GPU:0" or "CPU:0".

    Args:
        chosen: What `parsed` gave.
        devices: What the person said, for the error.
    """
    import tensorflow as tf

    kind, which = chosen
    gpus = tf.config.list_physical_devices("GPU")
    if kind == "count" and not gpus and which == 1:
        kind = "all"
    if kind == "all":
        which = tuple(range(len(gpus)))
    elif kind == "count":
        which = tuple(range(which))
    try:
        if kind == "cpu":
            tf.config.set_visible_devices([], "GPU")
            _split_cpu(which)
            return [f"CPU:{number}" for number in range(which)]
        if missing := [number for number in which if number >= len(gpus)]:
            there = f"{len(gpus)} GPU{'s' if len(gpus) != 1 else ''} here"
            hint = "" if gpus else "; cpu:2 makes two devices of the CPU"
            raise UserError(f"--devices {devices}: no GPU {missing[0]}, there {_are(len(gpus))} {there}{hint}")
        if gpus:
            tf.config.set_visible_devices([gpus[number] for number in which], "GPU")
    except RuntimeError as error:  # TensorFlow's devices are made when the first operation runs
        raise UserError(
            f"--devices {devices}: choose before anything has run on TensorFlow; its devices are fixed by now"
        ) from error
    return [f"GPU:{number}" for number in range(len(which))] or ["CPU:0"]


def _split_cpu(count: int) -> None:
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    if count > 1 or tf.config.get_logical_device_configuration(cpu):
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)


def _are(count: int) -> str:
    return "is" if count == 1 else "are"

"""Of several workers that run one program, the chief writes its files; the others take part and leave none."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import keras

from zoo.errors import UserError


def saving(original):
    """In the place of `Model.save` and `Model.save_weights`.

    All workers save, since to read a metric's variable is a word among all of them; but the chief, into a folder that
    is thrown away.
    """

    @functools.wraps(original)
    def save(self, filepath, *args, **kwargs):
        if _is_chief(self):
            return original(self, filepath, *args, **kwargs)
        with tempfile.TemporaryDirectory() as folder:
            return original(self, Path(folder) / Path(filepath).name, *args, **kwargs)

    return save


def fitting(original):
    """In the place of `TensorFlowTrainer.fit`."""

    @functools.wraps(original)
    def fit(self, *args, callbacks=None, **kwargs):
        from zoo.scaling.keras_patches import several_workers

        if callbacks and several_workers(self.distribute_strategy):
            callbacks = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
            if any(isinstance(each, keras.callbacks.BackupAndRestore) for each in callbacks):
                raise UserError(
                    "keras.callbacks.BackupAndRestore fails for several workers, which would share its files: take "
                    "zoo.scaling.Backup"
                )
            if not _is_chief(self):
                callbacks = [each for each in callbacks if not isinstance(each, _JOURNALS)]
        return original(self, *args, callbacks=callbacks, **kwargs)

    return fit


_JOURNALS = (keras.callbacks.CSVLogger, keras.callbacks.TensorBoard)


def _is_chief(model) -> bool:
    from zoo.scaling import workers

    return workers.is_chief(model.distribute_strategy)

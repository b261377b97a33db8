"""Keras's random image layers inside the input pipeline: pixels and targets move together, the same way each time.

A layer of Keras draws from a state of its own, and so otherwise after an interruption, and on each of several replicas.
Here the draws of a batch follow from the seed, the epoch and the batch's number, for all of its rows; a replica takes
those of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from zoo.errors import UserError

_MIXING = (keras.layers.MixUp, keras.layers.CutMix)


class Augmentation:
    """Random image layers, one after the other.

    Args:
        layers: Of `keras.layers`, those with `get_random_transformation`: RandomFlip, RandomTranslation and so on.
        moved: Entries of y that move with the pixels -> "bounding_boxes" or "segmentation_masks", in Keras's form; the
            entry "" is y itself.

    Raises:
        UserError: A layer of another kind.
    """

    def __init__(self, layers: Sequence[keras.layers.Layer], moved: Mapping[str, str]):
        for layer in layers:
            if not hasattr(layer, "get_random_transformation"):
                raise UserError(f"augmentation: expected random image layers of Keras, got {type(layer).__name__}")
            layer.backend.set_backend("tensorflow")  # inside tf.data, whatever trains
        self.layers, self.moved = tuple(layers), dict(moved)

    @property
    def mixes(self) -> bool:
        """True if a row depends on other rows of its batch, so that replicas cannot share the batch."""
        return any(isinstance(layer, _MIXING) for layer in self.layers)

    def __call__(self, batch: tuple, places: tf.Tensor, count: tf.Tensor, key: tf.Tensor) -> tuple:
        """Changes some rows of a training batch.

        Args:
            batch: (x, y) or (x, y, weights) of these rows; of x, all that has the form `[b, H, W, C]` are images.
            places: Their places in the whole batch, int32 `[b]`.
            count: Rows of the whole batch.
            key: Seed, epoch and the batch's number in the epoch, int64 `[3]`.

        Returns:
            The batch, its images float32.
        """
        x, y, *weights = batch
        for number, layer in enumerate(self.layers):
            images = next(each for each in tf.nest.flatten(x) if each.shape.rank == 4)
            # Shapes decide what is drawn, and no pixel.
            whole = tf.broadcast_to(tf.zeros((), images.dtype), [count, *images.shape[1:]])
            drawn = layer.get_random_transformation(whole, training=True, seed=_Seed(key, number))
            own = tf.nest.map_structure(lambda each: _rows(each, places), drawn)

            def transformed(each, layer=layer, own=own):
                return layer.transform_images(each, own, training=True) if each.shape.rank == 4 else each

            x = tf.nest.map_structure(transformed, x)
            y = self._moved(layer, y, own)
        return (x, y, *weights)

    def _moved(self, layer: keras.layers.Layer, y, drawn):
        """The targets after one layer."""
        for name, kind in self.moved.items():
            change = getattr(layer, f"transform_{kind}")
            if name:
                y = {**y, name: change(y[name], drawn, training=True)}
            else:
                y = change(y, drawn, training=True)
        return y


def _rows(value, places: tf.Tensor):
    """The rows of what was drawn for a whole batch; a number that goes for all of them stays."""
    return tf.gather(value, places) if tf.is_tensor(value) and value.shape.rank else value


class _Seed(keras.random.SeedGenerator):
    """Seeds that follow from a key and the number of the draw, and from no state."""

    def __init__(self, key: tf.Tensor, layer: int):
        # The base class would make a variable.
        seed, epoch, step = tf.unstack(key)
        pair = tf.stack([seed, tf.constant(layer, tf.int64)])
        for part in (epoch, step):
            pair = tf.random.experimental.stateless_fold_in(pair, part)
        self._pair, self._draws = pair, 0

    def next(self, ordered: bool = True) -> tf.Tensor:
        """The next seed, int32 `[2]`."""
        self._draws += 1
        pair = tf.random.experimental.stateless_fold_in(self._pair, self._draws)
        return tf.cast(tf.bitwise.bitwise_and(pair, 0x7FFFFFFF), tf.int32)

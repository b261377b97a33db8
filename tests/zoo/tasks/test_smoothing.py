"""The smoothed loss is Keras's own against smoothed one-hot labels."""

import keras
import numpy as np
import pytest

from zoo.tasks.classification import SmoothedCrossentropy


@pytest.mark.parametrize("smoothing", [0.1, 0.5])
def test_it_equals_keras_on_one_hot_labels(smoothing):
    generator = np.random.default_rng(0)
    labels, logits = generator.integers(0, 5, 16), generator.normal(size=(16, 5)).astype("float32")
    theirs = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    expected = float(theirs(np.eye(5, dtype="float32")[labels], logits))
    for shaped in (labels, labels[:, None]):
        assert float(SmoothedCrossentropy(smoothing)(shaped, logits)) == pytest.approx(expected, rel=1e-5)

"""The task around its model."""

import keras
import numpy as np

from zoo import tasks

CONFIG = {
    "name": "tiny",
    "task": "image-classification",
    "model": "lenet5",
    "arguments": {"classes": 3, "image_size": 32, "channels": 1},
    "preprocess": {"kind": "image", "size": [32, 32], "channels": 1},
    "labels": ["cat", "dog", "bird"],
    "data": "none",
    "data_terms": "none",
}


def test_mirror_averages_the_logits_of_a_picture_and_its_mirror_image():
    keras.utils.set_random_seed(3)
    plain = tasks.get(CONFIG["task"]).create(CONFIG)
    mirrored = type(plain)(plain.model, {**CONFIG, "preprocess": {**CONFIG["preprocess"], "mirror": True}})
    picture = np.random.default_rng(0).integers(0, 256, (32, 32), dtype="uint8")
    logits = [np.asarray(plain.model(image[None, ..., None]))[0] for image in (picture, picture[:, ::-1])]
    assert np.abs(logits[0] - logits[1]).max() > 1e-3
    expected = np.asarray(keras.ops.softmax((logits[0] + logits[1]) / 2))
    for image in (picture, np.ascontiguousarray(picture[:, ::-1])):
        scores = dict(mirrored(image).scores)
        np.testing.assert_allclose([scores[label] for label in CONFIG["labels"]], expected, atol=1e-5)

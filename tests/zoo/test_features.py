"""`features=True`: maps by stride, from which composed models are made."""

import inspect
import math

import keras
import numpy as np
import pytest

import zoo
from tests.zoo.small_models import SMALL, inputs_for, small

STRIDES = {
    "bilstm": ["1"],
    "lenet5": ["1", "2", "4"],
    "mobilenet_v2": ["2", "4", "8", "16", "32"],
    "resnet18": ["2", "4", "8", "16", "32"],
    "resnet20": ["1", "2", "4"],
    "resnet50": ["2", "4", "8", "16", "32"],
    "text_cnn": ["1"],
}
IMAGE_MODELS = [name for name in zoo.models() if zoo.catalog.entry(name).task == "image-classification"]


@pytest.mark.parametrize("name", zoo.models())
def test_maps_come_by_stride_from_the_weights_of_the_classifier(name):
    assert "features" in inspect.signature(zoo.catalog.entry(name).load()).parameters
    whole, backbone = small(name), small(name, features=True)
    strides = sorted(backbone(inputs_for(whole)), key=int)
    assert strides == STRIDES.get(name, strides)
    own, all_of_them = [v.path for v in backbone.weights], [v.path for v in whole.weights]
    assert own == [path for path in all_of_them if path in own]
    assert "logits/kernel" not in own and len(own) >= len(all_of_them) - 6, "a head has six weights at most"


@pytest.mark.parametrize("name", sorted(set(IMAGE_MODELS) - {"lenet5"}))
def test_maps_of_stride_s_are_an_sth_of_the_image(name):
    maps = small(name, features=True)
    height, width = maps.input_shape[1:3]
    for stride, value in maps(inputs_for(maps)).items():
        assert value.shape[1:3] == (math.ceil(height / int(stride)), math.ceil(width / int(stride)))


@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet20"])
def test_the_last_maps_are_what_the_logits_are_made_of(name):
    whole, backbone = small(name), small(name, features=True)
    weights = {v.path: v for v in whole.weights}
    for variable in backbone.weights:
        variable.assign(weights[variable.path])
    inputs = inputs_for(whole)
    last = backbone(inputs)[STRIDES[name][-1]]
    expected = whole.get_layer("logits")(keras.ops.mean(last, axis=(1, 2)))
    np.testing.assert_allclose(whole(inputs), expected, rtol=1e-4, atol=1e-5)


def test_states_of_a_bilstm_are_zero_at_padding():
    maps = small("bilstm", features=True)
    tokens = inputs_for(maps)
    states = np.asarray(maps(tokens)["1"])
    assert states.shape == (*tokens.shape, 2 * SMALL["bilstm"]["units"])
    assert ((states == 0).all(axis=2) == (tokens == 0)).all()

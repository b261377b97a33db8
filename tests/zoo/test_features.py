"""`features=True`: maps by stride, from which composed models are made."""

import inspect
import math

import keras
import numpy as np
import pytest

import zoo
from tests.zoo.small_models import SEQUENCE_MODELS, SMALL, inputs_for, small

# Stride -> the last layer before the maps shrink; None where the maps are no layer's.
LAST = {
    "bilstm": {"1": "bidirectional2"},
    "lenet5": {"1": "c1", "2": "c3", "4": "s4"},
    "lstm_attention": {"1": "encoder"},
    "mobilenet_v2": {
        "2": "block1_project_bn",
        "4": "block3_add",
        "8": "block6_add",
        "16": "block13_add",
        "32": "last_conv_relu6",
    },
    "pointer_generator": {"1": "encoder"},
    "resnet18": {
        "2": "stem_conv_relu",
        "4": "stage1_block2_relu",
        "8": "stage2_block2_relu",
        "16": "stage3_block2_relu",
        "32": "stage4_block2_relu",
    },
    "resnet20": {"1": "stage1_block3_relu", "2": "stage2_block3_relu", "4": "stage3_block3_relu"},
    "resnet50": {
        "2": "stem_conv_relu",
        "4": "stage1_block3_relu",
        "8": "stage2_block4_relu",
        "16": "stage3_block6_relu",
        "32": "stage4_block3_relu",
    },
    "resnet9": {"1": "stem_conv_relu", "2": "stage1_block_add", "4": "stage2_conv_relu", "8": "stage3_block_add"},
    "text_cnn": {"1": None},
    "transformer": {"1": "encoder_norm"},
}
IMAGE_MODELS = [name for name in zoo.models() if zoo.catalog.entry(name).task == "image-classification"]


@pytest.mark.parametrize("name", sorted(set(zoo.models()) - {"hub_seq2seq"}))  # whose backbone is KerasHub's
def test_maps_come_by_stride_from_the_weights_of_the_whole_model(name):
    assert "features" in inspect.signature(zoo.catalog.entry(name).load()).parameters
    whole, backbone = small(name), small(name, features=True)
    for stride, layer in LAST.get(name, {}).items():
        made = None if layer is None else keras.tree.flatten(backbone.get_layer(layer).output)[0]
        assert layer is None or backbone.output[stride] is made
    inputs = inputs_for(whole)
    strides = sorted(backbone(inputs["source"] if name in SEQUENCE_MODELS else inputs), key=int)
    assert strides == list(LAST.get(name, strides))
    own, all_of_them = [v.path for v in backbone.weights], [v.path for v in whole.weights]
    assert own == [path for path in all_of_them if path in own]
    assert own and "logits/kernel" not in own and not [path for path in own if path.startswith("decoder")]
    if name not in SEQUENCE_MODELS:
        assert len(own) >= len(all_of_them) - 6, "a head has six weights at most"


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
    last = backbone(inputs)[list(LAST[name])[-1]]
    expected = whole.get_layer("logits")(keras.ops.mean(last, axis=(1, 2)))
    np.testing.assert_allclose(whole(inputs), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["bilstm", "lstm_attention", "pointer_generator"])
def test_states_of_both_directions_are_zero_at_padding(name):
    maps = small(name, features=True)
    tokens = inputs_for(maps)
    states = np.asarray(maps(tokens)["1"])
    assert states.shape == (*tokens.shape, 2 * SMALL[name]["units"])
    assert ((states == 0).all(axis=2) == (tokens == 0)).all()


@pytest.mark.parametrize("name", ["lstm_attention", "pointer_generator", "transformer"])
def test_states_of_an_encoder_are_those_that_a_decoder_reads(name):
    whole, backbone = small(name), small(name, features=True)
    weights = {v.path: v for v in whole.weights}
    for variable in backbone.weights:
        variable.assign(weights[variable.path])
    source = inputs_for(whole)["source"]
    np.testing.assert_allclose(backbone(source)["1"], whole.encode({"source": source})["states"], atol=1e-6)

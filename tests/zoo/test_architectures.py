"""Properties of every architecture, and promises of single ones."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests.zoo.small_models import SEQUENCE_MODELS, SMALL, inputs_for, small
from zoo.classifiers.lenet import lenet5
from zoo.classifiers.mobilenet_v2 import mobilenet_v2
from zoo.classifiers.resnet import _STAGES, resnet
from zoo.classifiers.resnet9 import resnet9
from zoo.layers.convolution import conv_bn
from zoo.layers.pixels import IMAGENET_MEAN, IMAGENET_STD
from zoo.lstms.bilstm import bilstm
from zoo.lstms.lstm_attention import lstm_attention
from zoo.lstms.pointer_generator import pointer_generator

MODELS = zoo.models()
# The smallest of each builder.
BUILDERS = {line.builder: line for line in sorted(zoo.catalog.CATALOG, key=lambda line: -line.parameters)}.values()
IMAGE_BUILDERS = [line.name for line in BUILDERS if line.task == "image-classification"]


@pytest.mark.parametrize("name", SEQUENCE_MODELS)
def test_a_sequence_model_answers_a_score_for_each_token_at_each_place(name):
    model = small(name)
    inputs = inputs_for(model)
    answer = np.asarray(model(inputs))
    assert answer.shape == (*inputs["target"].shape, model.vocabulary) and np.isfinite(answer).all()
    assert np.abs(answer.sum(axis=-1) - 1).max() > 1e-3  # no softmax at the end


@pytest.mark.parametrize("name", sorted(set(MODELS) - set(SEQUENCE_MODELS)))
def test_a_model_ends_in_logits(name):
    model = small(name)
    answer = np.asarray(model(inputs_for(model)))
    assert answer.shape == (3, SMALL.get(name, {"classes": model.output_shape[1]})["classes"])
    assert np.isfinite(answer).all()
    assert model.get_layer("logits").activation is keras.activations.linear
    assert np.abs(answer.sum(axis=1) - 1).max() > 1e-3  # no softmax anywhere


@pytest.mark.parametrize("name", MODELS)
def test_weights_have_the_same_unique_paths_in_every_build(name):
    """Presets store weights by path; nothing that was built before may number them."""
    models = small(name), zoo.build(name, **SMALL.get(name, {}))
    first, second = ([(v.path, tuple(v.shape)) for v in model.weights] for model in models)
    assert first == second
    assert len(set(first)) == len(first)


@pytest.mark.parametrize("name", [line.name for line in BUILDERS])
def test_training_reaches_every_weight(name):
    model = small(name)
    inputs = inputs_for(model)
    with tf.GradientTape() as tape:
        answer = model(inputs, training=True)
        loss = tf.reduce_sum(answer * np.random.default_rng(0).normal(size=answer.shape).astype("float32"))
    variables = model.trainable_variables
    for variable, gradient in zip(variables, tape.gradient(loss, [v.value for v in variables]), strict=True):
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0, variable.path


@pytest.mark.parametrize("name", IMAGE_BUILDERS)
def test_whole_and_floating_pixels_give_the_same(name):
    model = small(name)
    inputs = inputs_for(model)
    assert inputs.dtype == np.uint8
    np.testing.assert_array_equal(model(inputs), model(inputs.astype("float32")))


@pytest.mark.parametrize("name", IMAGE_BUILDERS)
def test_normalization_is_inside(name):
    """With the mean and standard deviation of each channel, in this order."""
    keras.utils.set_random_seed(0)  # some weights of a deep network enlarge what rounding does
    plain = small(name, channels=3, mean=0, std=1)
    model = small(name, channels=3, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    for variable, value in zip(model.weights, plain.weights, strict=True):
        variable.assign(value)
    inputs = inputs_for(model)
    normalized = (inputs - np.array([123.675, 116.28, 103.53])) / np.array([58.395, 57.12, 57.375])
    np.testing.assert_allclose(model(inputs), plain(normalized.astype("float32")), rtol=1e-4, atol=1e-5)


def test_normalization_keeps_full_precision_under_a_mixed_policy():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = lenet5()
    finally:
        keras.config.set_dtype_policy(before)
    assert model.get_layer("normalize").compute_dtype == "float32"
    assert model.get_layer("c1").compute_dtype == "bfloat16"


def test_lenet_normalizes_as_the_paper():
    """Section II.B: background -0.1, foreground 1.175."""
    model = lenet5()
    normalized = keras.Model(model.input, model.get_layer("normalize").output)(np.full((1, 32, 32, 1), 255, "uint8"))
    np.testing.assert_allclose(normalized, 1.175, rtol=1e-6)
    blank = keras.Model(model.input, model.get_layer("normalize").output)(np.zeros((1, 32, 32, 1), "uint8"))
    np.testing.assert_allclose(blank, -0.1, rtol=1e-6)


def test_lenet_is_what_numpy_reckons():
    model = small("lenet5")
    inputs = inputs_for(model)
    weights = {v.path: np.asarray(v, "float64") for v in model.weights}

    def convolve(x, name):
        windows = np.lib.stride_tricks.sliding_window_view(x, (5, 5), axis=(1, 2))  # [B, H - 4, W - 4, C, 5, 5]
        return np.tanh(np.einsum("bhwcij,ijco->bhwo", windows, weights[f"{name}/kernel"]) + weights[f"{name}/bias"])

    def halve(x):
        return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4

    x = halve(convolve(halve(convolve((inputs - 20.0) / 200.0, "c1")), "c3")).reshape(3, 400)
    for name in ("c5", "f6"):
        x = np.tanh(x @ weights[f"{name}/kernel"] + weights[f"{name}/bias"])
    expected = x @ weights["logits/kernel"] + weights["logits/bias"]
    np.testing.assert_allclose(model(inputs), expected, rtol=1e-4, atol=1e-5)


def test_the_depth_of_a_resnet_is_its_layers_with_weights():
    for depth, blocks in _STAGES.items():
        assert 2 + sum(blocks) * (2 if depth < 50 else 3) == depth
    for name, depth in (("resnet18", 18), ("resnet20", 20), ("resnet50", 50)):
        layers = [n for n in small(name).layers if isinstance(n, keras.layers.Conv2D | keras.layers.Dense)]
        assert sum("shortcut" not in layer.name for layer in layers) == depth


def test_resnet_shortcut_a_subsamples_and_fills_with_zeros():
    model = resnet(8, 3, 9, width=4, shortcut="A")
    before, after = (model.get_layer(n).output for n in ("stage1_block1_relu", "stage2_block1_shortcut_turn_back"))
    maps, shortcut = keras.Model(model.input, [before, after])(inputs_for(model))
    np.testing.assert_array_equal(shortcut[..., :4], maps[:, ::2, ::2])
    np.testing.assert_array_equal(shortcut[..., 4:], np.zeros((3, 5, 5, 4)))
    assert not [v.path for v in model.weights if "shortcut" in v.path]
    assert [v.path for v in resnet(8, 3, 9, width=4).weights if "shortcut" in v.path]


def test_resnet_zero_gamma_makes_every_block_its_shortcut():
    model = resnet(8, 3, 9, width=4, zero_gamma=True)
    stem, block = (model.get_layer(n).output for n in ("stem_conv_relu", "stage1_block1_relu"))
    before, after = keras.Model(model.input, [stem, block])(inputs_for(model))
    np.testing.assert_array_equal(before, after)
    assert np.abs(before).max() > 0


@pytest.mark.parametrize(
    ("arguments", "sides"),
    [
        ({"depth": 8}, [32, 32, 16, 8]),
        ({"depth": 8, "stem_strides": 2}, [16, 16, 8, 4]),
        ({"depth": 8, "stem": "7x7"}, [16, 8, 4, 2]),
        ({"depth": 18, "stem": "3x3"}, [32, 32, 16, 8]),
    ],
)
def test_resnet_stem_and_stages_have_their_strides(arguments, sides):
    model = resnet(image_size=32, width=2, **arguments)
    layers = ["stem_conv_relu", "stage1_block1_relu", "stage2_block1_relu", "stage3_block1_relu"]
    assert [model.get_layer(layer).output.shape[1] for layer in layers] == sides


def test_resnet9_pools_before_it_normalizes_and_answers_an_eighth_of_the_maximum():
    model = small("resnet9")
    layers = ["stage2_conv", "stage2_conv_bn", "stage3_block_add"]
    conv, normalized, last = keras.Model(model.input, [model.get_layer(n).output for n in layers])(inputs_for(model))
    conv, last = np.asarray(conv), np.asarray(last)
    assert conv.shape[1:3] == (9, 10) and last.shape[1:3] == (3, 3)
    conv = np.pad(conv, ((0, 0), (0, 1), (0, 0), (0, 0)), constant_values=-np.inf)  # 9 rows are not even
    pooled = conv.reshape(3, 5, 2, 5, 2, -1).max(axis=(2, 4))
    gamma, beta, mean, variance = (np.asarray(v) for v in model.get_layer("stage2_conv_bn").weights)
    np.testing.assert_allclose(normalized, gamma * (pooled - mean) / np.sqrt(variance + 1e-5) + beta, atol=1e-4)
    kernel, bias = model.get_layer("logits").weights
    np.testing.assert_allclose(model(inputs_for(model)), last.max(axis=(1, 2)) / 8 @ kernel + bias, rtol=1e-4)


@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize("filters", [5, None], ids=["full", "depthwise"])
def test_a_strided_convolution_pads_both_sides_alike(size, filters):
    """So it is the one of stride 1 at every second pixel, from the first on; TensorFlow's padding sees the others."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(2, size, size, 3)).astype("float32")
    inputs = keras.Input((size, size, 3))
    plain, both, same = (
        keras.Model(inputs, conv_bn(inputs, filters, 3, **arguments, name="conv"))
        for arguments in ({}, {"strides": 2}, {"strides": 2, "padding": "same"})
    )
    for model in (both, same):
        model.set_weights(plain.get_weights())
    np.testing.assert_allclose(both(images), plain(images)[:, ::2, ::2], atol=1e-6)
    first = 1 if size == 8 else 0
    np.testing.assert_allclose(same(images), plain(images)[:, first::2, first::2], atol=1e-6)


@pytest.mark.parametrize(("filters", "seen"), [(400, 9 * 200), (None, 9)], ids=["full", "depthwise"])
def test_convolutions_begin_with_the_variance_of_he(filters, seen):
    """2 / the number of values that a kernel sums."""
    inputs = keras.Input((4, 4, 200))
    conv = keras.Model(inputs, conv_bn(inputs, filters, 3, name="conv")).get_layer("conv")
    np.testing.assert_allclose(np.var(conv.kernel), 2 / seen, rtol=0.15)


@pytest.mark.parametrize("layers", [1, 3])
def test_bilstm_reads_both_ways_in_every_layer(layers):
    model = bilstm(vocabulary=9, width=4, units=3, layers=layers)
    assert sorted({v.path.rsplit("/", 2)[0] for v in model.weights if "lstm_cell" in v.path}) == sorted(
        f"bidirectional{n}/{direction}_lstm{n}" for n in range(1, layers + 1) for direction in ("forward", "backward")
    )


def test_bilstm_drops_in_training_only():
    model = bilstm(vocabulary=9, width=4, units=3, layers=2, dropout=0.5)
    tokens = np.array([[1, 2, 3]])
    np.testing.assert_array_equal(model(tokens), model(tokens))
    assert np.abs(model(tokens, training=True) - model(tokens, training=True)).max() > 0
    assert len([layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]) == 3
    assert [v.path for v in model.weights] == [v.path for v in bilstm(vocabulary=9, width=4, units=3, layers=2).weights]


@pytest.mark.parametrize(
    ("builder", "arguments", "part"),
    [
        (resnet, {"depth": 21}, "6n \\+ 2"),
        (resnet, {"depth": 2}, "6n \\+ 2"),
        (resnet, {"depth": "50"}, "6n \\+ 2"),
        (resnet, {"depth": 20, "image_size": 0}, "image_size"),
        (resnet, {"depth": 20, "image_size": (32, 32, 3)}, "image_size"),
        (resnet, {"depth": 20, "image_size": 32.0}, "image_size"),
        (resnet, {"depth": 20, "image_size": 32, "channels": 0}, "channels"),
        (resnet, {"depth": 8, "image_size": 8, "classes": 0}, "classes"),
        (resnet, {"depth": 8, "image_size": 8, "classes": 2.5}, "classes"),
        (resnet, {"stem": "5x5"}, "stem"),
        (resnet, {"shortcut": "C"}, "shortcut"),
        (resnet, {"bottleneck_stride": 3}, "bottleneck_stride"),
        (resnet, {"width": 0}, "width"),
        (resnet, {"stem_strides": 0}, "stem_strides"),
        (resnet, {"std": 0}, "std"),
        (resnet, {"mean": (1, 2)}, "mean"),
        (lenet5, {"image_size": 15}, "16 pixels"),
        (lenet5, {"image_size": (32, 8)}, "16 pixels"),
        (mobilenet_v2, {"alpha": 0}, "alpha"),
        (resnet9, {"width": 0}, "width"),
        (bilstm, {"vocabulary": 0}, "vocabulary"),
        (bilstm, {"layers": 1.5}, "layers"),
        (bilstm, {"dropout": 1}, "dropout"),
        (lstm_attention, {"units": 0}, "units"),
        (lstm_attention, {"attention": "dot"}, "attention"),
        (lstm_attention, {"dropout": 1}, "dropout"),
        (pointer_generator, {"width": 1.5}, "width"),
        (pointer_generator, {"coverage": -1}, "coverage"),
        (pointer_generator, {"coverage": float("nan")}, "coverage"),
        (pointer_generator, {"smoothing": 1}, "smoothing"),
    ],
)
def test_a_value_that_cannot_be_meant_is_named(builder, arguments, part):
    with pytest.raises(ValueError, match=f"Expected .*{part}.*Received"):
        builder(**arguments)

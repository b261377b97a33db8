"""ResNet50 and MobileNetV2 against keras.applications: the same weights must give the same outputs and gradients.

The reference starts with random weights; scales, offsets and statistics of its batch normalizations are then drawn so
that every constant shows: variances reach down to epsilon, no mean is 0, no scale is 1. Its weights go into our model
by the names of the layers, never by position.
"""

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.classifiers.mobilenet_v2 import mobilenet_v2
from zoo.classifiers.resnet import resnet

CLASSES, SIZE, BATCH = 7, 64, 3
TOLERANCE = 1e-5


def resnet_name(theirs: str) -> str:
    """keras.applications' layer name -> ours: conv3_block1_0_bn -> stage2_block1_shortcut_bn."""
    if theirs == "predictions":
        return "logits"
    if theirs.startswith("conv1_"):
        return {"conv1_conv": "stem_conv", "conv1_bn": "stem_conv_bn"}[theirs]
    stage, block, number, kind = theirs.split("_")
    part = "shortcut" if number == "0" else f"conv{number}"
    return f"stage{int(stage[4:]) - 1}_{block}_{part}" + ("_bn" if kind == "bn" else "")


def mobilenet_name(theirs: str) -> str:
    """keras.applications' layer name -> ours: block_3_expand_BN -> block4_expand_bn."""
    stems = {"Conv1": "stem_conv", "bn_Conv1": "stem_conv_bn", "Conv_1": "last_conv", "Conv_1_bn": "last_conv_bn"}
    if theirs in stems:
        return stems[theirs]
    if theirs == "predictions":
        return "logits"
    parts = theirs.replace("expanded_conv", "block_0").split("_")
    return f"block{int(parts[1]) + 1}_{parts[2]}" + ("_bn" if parts[-1] == "BN" else "")


def randomise(model: keras.Model, images: np.ndarray, rng: np.random.Generator) -> None:
    """Makes every constant show, and keeps signals and gradients of a size that float32 can compare."""
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in model.layers:
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            layer.kernel.assign(layer.kernel * 10 ** rng.uniform(-2.5, 0, (1, 1, layer.kernel.shape[2], 1)))
        elif isinstance(layer, keras.layers.Conv2D):
            layer.kernel.assign(layer.kernel * 10 ** rng.uniform(-2.5, 0, layer.kernel.shape[-1]))
        if getattr(layer, "bias", None) is not None:
            layer.bias.assign(rng.normal(0, 0.3, layer.bias.shape))
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        shape = layer.gamma.shape
        layer.gamma.assign(rng.uniform(0.5, 1.5, shape))
        layer.beta.assign(rng.normal(0, 0.3, shape))
        layer.momentum = 0.0  # the running statistics become those of the images, some variances near epsilon ...
    model(images, training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
        spread = np.sqrt(layer.moving_variance)
        layer.moving_mean.assign_add(rng.normal(0, 0.3, spread.shape) * spread)  # ... but not quite
        layer.moving_variance.assign(layer.moving_variance * rng.uniform(0.5, 2, spread.shape))


def port(reference: keras.Model, model: keras.Model, name_of: Callable[[str], str]) -> dict[str, str]:
    """Copies all weights; returns their paths, ours -> theirs."""
    ours = {variable.path: variable for variable in model.weights}
    paths = {}
    for layer in reference.layers:
        for variable in layer.weights:
            path = f"{name_of(layer.name)}/{variable.name}"
            assert path not in paths
            ours[path].assign(variable)
            paths[path] = variable.path
    assert paths.keys() == ours.keys()
    return paths


def outputs_and_gradients(model: keras.Model, images: np.ndarray, weighting: np.ndarray, training: bool) -> dict:
    """Name -> array: logits, gradients of a weighted sum of them, and the statistics that a training step leaves."""
    pixels = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        logits = model(pixels, training=training)
        loss = tf.reduce_sum(logits * weighting)
    variables = model.trainable_variables
    gradients = tape.gradient(loss, [pixels, *[v.value for v in variables]])
    result = {"logits": logits, "d pixels": gradients[0]}
    result |= {f"d {v.path}": g for v, g in zip(variables, gradients[1:], strict=True)}
    result |= {v.path: v.value for v in model.non_trainable_variables if "moving" in v.path}
    return {name: np.asarray(value) for name, value in result.items()}


CASES = {
    "resnet50": (
        lambda: keras.applications.ResNet50(
            weights=None, classes=CLASSES, input_shape=(SIZE, SIZE, 3), classifier_activation=None
        ),
        lambda: resnet(
            50, CLASSES, SIZE, use_bias=True, bottleneck_stride="1x1", momentum=0.99, epsilon=1.001e-5, mean=0, std=1
        ),
        resnet_name,
    ),
    "mobilenet_v2": (
        lambda: keras.applications.MobileNetV2(
            weights=None, classes=CLASSES, input_shape=(SIZE, SIZE, 3), classifier_activation=None
        ),
        lambda: mobilenet_v2(CLASSES, SIZE, mean=0, std=1),
        mobilenet_name,
    ),
}


@pytest.fixture(scope="module", params=CASES)
def pair(request):
    """The reference, our model with its weights, which of our paths is which of theirs, and images."""
    make_reference, make_ours, name_of = CASES[request.param]
    keras.utils.set_random_seed(0)
    reference, model = make_reference(), make_ours()
    rng = np.random.default_rng(1)
    images = rng.normal(0, 1, (BATCH, SIZE, SIZE, 3)).astype("float32")
    randomise(reference, images, rng)
    return reference, model, port(reference, model, name_of), images


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
def test_the_weights_of_keras_applications_give_its_outputs_and_gradients(pair, training):
    reference, model, paths, images = pair
    weighting = np.random.default_rng(2).normal(0, 1, (BATCH, CLASSES)).astype("float32")
    expected = outputs_and_gradients(reference, images, weighting, training)
    got = outputs_and_gradients(model, images, weighting, training)

    theirs = {ours: expected[of_theirs(ours, paths)] for ours in got}
    assert len(theirs) == len(expected)
    # Where a batch normalization follows, some gradients are 0 but for rounding: a layer has one scale for all of its.
    scales = {}
    for name, value in theirs.items():
        layer = name.split("/")[0]
        scales[layer] = max(scales.get(layer, 0), np.abs(value).max())
    assert min(scales.values()) > 1e-9, "nothing to compare"
    for name, value in got.items():
        error = np.abs(value - theirs[name]).max() / scales[name.split("/")[0]]
        assert error <= TOLERANCE, f"{name}: {error}"


def of_theirs(name: str, paths: dict[str, str]) -> str:
    """Our name of a result -> theirs: "d logits/kernel" -> "d predictions/kernel"; "logits" stays."""
    mark, _, path = name.rpartition(" ")
    return f"{mark} {paths.get(path, path)}".strip()

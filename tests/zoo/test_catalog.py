"""The catalog: names, arguments, and every parameter count that a reference gives."""

import dataclasses
import doctest
import functools
import importlib
import importlib.util
import json
import subprocess
import sys

import pytest

import zoo
from zoo import task_catalog
from zoo.catalog import CATALOG, entry
from zoo.errors import UserError

# Model, arguments, all parameters, trainable ones; None where the reference does not say.
REFERENCES = [
    ("lenet5", {}, 61_706, 61_706),  # counted by hand
    ("resnet18", {}, None, 11_689_512),  # torchvision
    ("resnet50", {}, None, 25_557_032),  # torchvision
    ("resnet50", {"use_bias": True}, 25_636_712, 25_583_592),  # keras.applications
    ("mobilenet_v2", {}, 3_538_984, 3_504_872),  # keras.applications
    ("mobilenet_v2", {"alpha": 0.35}, 1_691_208, 1_677_128),  # keras.applications
    ("mobilenet_v2", {"alpha": 1.4}, 6_156_712, 6_108_776),  # keras.applications
    ("resnet9", {}, None, 6_573_120 + 10),  # counted by hand, and our last layer's biases
    ("resnet20", {"shortcut": "A"}, None, 269_722),  # He 2015, table 6: 0.27 M
]


@functools.cache
def counts(name: str, arguments: str) -> tuple[int, int]:
    model = zoo.build(name, **json.loads(arguments))
    return model.count_params(), sum(variable.value.shape.num_elements() for variable in model.trainable_variables)


@pytest.mark.parametrize("line", CATALOG, ids=lambda line: line.name)
def test_a_line_says_how_many_parameters_its_model_has(line):
    assert counts(line.name, "{}")[0] == line.parameters


@pytest.mark.parametrize(("name", "arguments", "total", "trainable"), REFERENCES)
def test_parameters_are_those_of_the_reference(name, arguments, total, trainable):
    got = counts(name, json.dumps(arguments))
    assert got == (total or got[0], trainable)


def test_names():
    assert zoo.models() == sorted({line.name for line in CATALOG})
    assert len(zoo.models()) == len(CATALOG)
    assert {"lenet5", "resnet18", "resnet20", "resnet50", "mobilenet_v2", "bilstm", "text_cnn"} <= set(zoo.models())


@pytest.mark.parametrize("line", CATALOG, ids=lambda line: line.name)
def test_a_line_is_whole(line):
    module, function = line.builder.split(":")
    assert importlib.util.find_spec(module) is not None
    assert callable(line.load()) and line.load().__name__ == function
    assert line.task in task_catalog.names()
    assert line.paper and line.licence
    assert entry(line.name) is line
    with pytest.raises(dataclasses.FrozenInstanceError):
        line.name = "other"


def test_arguments_win_over_those_of_the_line():
    model = zoo.build("resnet20", classes=7, image_size=(24, 16), channels=1)
    assert model.input_shape == (None, 24, 16, 1)
    assert model.output_shape == (None, 7)
    assert zoo.build("resnet18", classes=10, image_size=32).output_shape == (None, 10)


def test_an_unknown_name_gets_the_nearest_ones():
    with pytest.raises(UserError, match=r"'ResNet8'.*did you mean.*'resnet18'"):
        zoo.build("ResNet8")


def test_an_unknown_argument_gets_the_accepted_ones():
    with pytest.raises(UserError, match=r"'resnet18'.*'num_classes'.*takes:.* classes,.*features"):
        zoo.build("resnet18", num_classes=10)


def test_reading_the_table_loads_neither_tensorflow_nor_keras():
    code = "import sys, zoo; zoo.models(); sys.exit(bool({'keras', 'tensorflow', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("module", sorted({"zoo.catalog", *(line.builder.split(":")[0] for line in CATALOG)}))
def test_the_examples_in_docstrings_hold(module):
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0 and result.failed == 0

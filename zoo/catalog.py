"""The table of architectures: name -> builder, its arguments, task, paper and parameter count.

Strings only: a builder is imported when it is asked for, so that reading the table loads neither TensorFlow nor Keras.
Adding an architecture is one file and one line here; the tests take their cases from this table.
"""

from __future__ import annotations

import fnmatch
import importlib
import inspect
from collections.abc import Container
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zoo.errors import UserError, named, nearest

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Entry:
    """One architecture.

    Attributes:
        name: What `zoo.build` takes.
        builder: "module:function".
        task: What its answers are for, the name of a task.
        paper: Where it was published.
        parameters: All of them, trainable or not, of the model that `zoo.build(name)` gives.
        arguments: What this name gives the builder beyond the builder's own defaults.
        licence: Of the code.
    """

    name: str
    builder: str
    task: str
    paper: str
    parameters: int
    arguments: dict = field(default_factory=dict)
    licence: str = "Apache-2.0"

    def load(self):
        """The builder itself. Imports Keras."""
        module, function = self.builder.split(":")
        return getattr(importlib.import_module(module), function)


CATALOG: tuple[Entry, ...] = (
    Entry(
        name="bilstm",
        builder="zoo.lstms.bilstm:bilstm",
        task="text-classification",
        paper="Graves and Schmidhuber 2005, Neural Networks 18(5-6)",
        parameters=2_659_074,
    ),
    Entry(
        name="hub_seq2seq",
        builder="zoo.transformers.hub:hub_seq2seq",
        task="summarization",
        paper="Lewis et al. 2019, arXiv:1910.13461",
        parameters=139_417_344,
    ),
    Entry(
        name="lenet5",
        builder="zoo.classifiers.lenet:lenet5",
        task="image-classification",
        paper="LeCun et al. 1998, Proceedings of the IEEE 86(11)",
        parameters=61_706,
    ),
    Entry(
        name="lstm_attention",
        builder="zoo.lstms.lstm_attention:lstm_attention",
        task="translation",
        paper="Luong et al. 2015, arXiv:1508.04025",
        parameters=4_476_416,
    ),
    Entry(
        name="mobilenet_v2",
        builder="zoo.classifiers.mobilenet_v2:mobilenet_v2",
        task="image-classification",
        paper="Sandler et al. 2018, arXiv:1801.04381",
        parameters=3_538_984,
    ),
    Entry(
        name="pointer_generator",
        builder="zoo.lstms.pointer_generator:pointer_generator",
        task="summarization",
        paper="See et al. 2017, arXiv:1704.04368",
        parameters=3_290_369,
    ),
    Entry(
        name="resnet18",
        builder="zoo.classifiers.resnet:resnet",
        arguments={"depth": 18},
        task="image-classification",
        paper="He et al. 2015, arXiv:1512.03385",
        parameters=11_699_112,
    ),
    Entry(
        name="resnet20",
        builder="zoo.classifiers.resnet:resnet",
        arguments={"depth": 20, "classes": 10, "image_size": 32},
        task="image-classification",
        paper="He et al. 2015, arXiv:1512.03385",
        parameters=274_042,
    ),
    Entry(
        name="resnet50",
        builder="zoo.classifiers.resnet:resnet",
        arguments={"depth": 50},
        task="image-classification",
        paper="He et al. 2015, arXiv:1512.03385",
        parameters=25_610_152,
    ),
    Entry(
        name="resnet9",
        builder="zoo.classifiers.resnet9:resnet9",
        task="image-classification",
        paper="Page 2018, How to Train Your ResNet 4, myrtle.ai",
        parameters=6_577_610,
    ),
    Entry(
        name="text_cnn",
        builder="zoo.classifiers.text_cnn:text_cnn",
        task="text-classification",
        paper="Kim 2014, arXiv:1408.5882",
        parameters=6_360_902,
    ),
    Entry(
        name="transformer",
        builder="zoo.transformers.transformer:transformer",
        task="translation",
        paper="Vaswani et al. 2017, arXiv:1706.03762",
        parameters=48_236_544,
    ),
)


def models(filter: str | None = None, task: str | None = None, among: Container[str] | None = None) -> list[str]:
    """Names of the architectures, sorted; of a pattern as `fnmatch` has it, for a task, among some names.

    Raises:
        UserError: No architecture is for the task.
    """
    tasks = {entry.task for entry in CATALOG}
    if task is not None and task not in tasks:
        raise UserError(f"no architecture is for the task {task!r}{nearest(task, tasks)}")
    return sorted(
        entry.name
        for entry in CATALOG
        if (filter is None or fnmatch.fnmatchcase(entry.name, filter))
        and task in (None, entry.task)
        and (among is None or entry.name in among)
    )


def entry(name: str) -> Entry:
    """The line of an architecture.

    Raises:
        UserError: There is none of that name.
    """
    return named(CATALOG, name, "there is no model")


def build(name: str, **arguments) -> keras.Model:
    """Builds a new, untrained model.

    Args:
        name: One of `models()`.
        **arguments: Arguments of the builder; they win over those of the catalog's line.

    Returns:
        The model, from raw numbers (pixels, token ids) to logits.

    Raises:
        UserError: No model of that name, or an argument that its builder does not take.
        ValueError: A value that the builder cannot use.

    Example:
        >>> build("resnet18", classes=10, image_size=32).output_shape
        (None, 10)
    """
    line = entry(name)
    builder = line.load()
    accepted = inspect.signature(builder).parameters
    for argument in arguments:
        if argument not in accepted:
            raise UserError(f"model {name!r} takes no argument {argument!r}; it takes: {', '.join(accepted)}")
    return builder(**{**line.arguments, **arguments})

"""Task: raw things in, answers out, by one path for training, evaluating, applying and serving."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from zoo import preset
from zoo.errors import UserError
from zoo.inputs import containers
from zoo.inputs.base import Input, encode
from zoo.results.base import Failure
from zoo.tasks import confidence
from zoo.tasks.learning import Learning
from zoo.tasks.measuring import Measuring
from zoo.tasks.storing import Storing


class Task(Learning, Measuring, Storing):
    """One kind of problem around one model.

        item --encode--> raw --preprocess--> features --model--> outputs --finish--> numbers --results--> Result
                                                                                        |
                                                                                      named, in an export

    A subclass declares its `inputs`, and says how they become features (`preprocess`), outputs become numbers
    (`finish`) and numbers an answer (`results`, and `named` in a graph). How it learns, is measured and is stored
    stands in the three classes that it extends.

    Args:
        model: A built model of the catalog.
        config: What `config.json` holds; see `zoo.preset`.

    Attributes:
        name: As "task" of config.json.
        inputs: What it is asked about: one input, or several, which an item then has by name.
        batch_size: Items that go through the model at a time, unless the caller says otherwise.
        classifies: True if its answers are one of `labels`.
        tolerance: Of the numbers of an answer, between two processes.
        tolerances: The same for single outputs.
        requires: Modules whose operations an export needs besides TensorFlow's.
    """

    name: str
    inputs: tuple[Input, ...]
    batch_size = 32
    classifies = False
    tolerance = 1e-5
    tolerances: Mapping[str, float] = {}
    requires: tuple[str, ...] = ()

    def __init__(self, model: keras.Model, config: Mapping):
        self.model = model
        self.config = dict(config)
        self.labels = tuple(config.get("labels", ()))
        self.confidence: confidence.Confidence | None = None  # None: no answer is marked

    # To be said by a subclass.

    def preprocess(self, raw: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Raw inputs by name, each `[B, ...]` -> the model's input, and a context of what only the answer needs."""
        raise NotImplementedError

    def outputs(self, features: tf.Tensor) -> tf.Tensor:
        """The model's outputs, as they are answered from."""
        return self.model(features, training=False)

    def judged(self, features: tf.Tensor, context: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """The model's outputs, and the numbers that `confidence` has limits for, each `[B]`; none where it is None."""
        return self.outputs(features), {}

    def finish(self, outputs, context: Mapping) -> dict:
        """The model's outputs and the context -> the numbers of an answer, each with the batch as first axis.

        Operations of `keras.ops` only, so that it needs no TensorFlow.
        """
        raise NotImplementedError

    def named(self, numbers: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Numbers of `finish` -> tensors of an export's answer, in which labels and tokens are texts."""
        return dict(numbers)

    def postprocess(self, outputs, context: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The model's outputs and the context -> tensors of an export's answer, as graph operations."""
        return self.named(self.finish(outputs, context))

    def results(self, numbers: Mapping[str, np.ndarray]) -> list:
        """Arrays of `finish` -> one Result per row."""
        raise NotImplementedError

    def probes(self) -> list:
        """Items about which an export is asked beside the task."""
        values = [given.probes() for given in self.inputs]
        if len(values) == 1:
            return values[0]
        names = [given.name for given in self.inputs]
        longest = max(map(len, values))
        return [
            dict(zip(names, row, strict=True))
            for row in itertools.islice(zip(*map(itertools.cycle, values), strict=False), longest)
        ]

    def resources(self) -> list:
        """The lookup tables that an export must carry besides the model."""
        return []

    def rounding_variants(self, signature: str, item: object) -> dict[str, tf.Tensor] | None:
        """Answers to one item that rounding alone could give in place of the task's own; None where there are none."""
        return None

    # The same for all.

    @property
    def introduction(self) -> str:
        """A paragraph to read before the first answer: what the preset is for, its first limit, its labels."""
        return preset.introduction(self.config)

    def encode(self, item: object, checked: bool = False) -> dict[str, bytes | np.ndarray]:
        """One item as a person has it -> its raw inputs by name; see `zoo.inputs.base.encode`."""
        return encode(self.inputs, item, checked)

    def is_item(self, array: np.ndarray) -> bool:
        """True of an array of numbers that is one item, and not several."""
        return len(self.inputs) == 1 and self.inputs[0].is_item(array)

    def raw_specification(self) -> dict[str, tf.TensorSpec]:
        """Name -> type and shape of a batch of raw inputs."""
        return {given.name: tf.TensorSpec([None, *given.shape], given.dtype, name=given.name) for given in self.inputs}

    def stacked(self, encoded: list[Mapping]) -> dict[str, tf.Tensor]:
        """Encoded items, whose numbers have equal shapes -> a batch of raw inputs."""
        return {
            given.name: tf.constant(given.stacked([each[given.name] for each in encoded]), given.dtype)
            for given in self.inputs
        }

    def _mark(self, doubts: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Of a calibrated preset `low_confidence`, bool `[B]`."""
        return {} if self.confidence is None else {"low_confidence": self.confidence.low(doubts)}

    def numbers_of(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Raw inputs -> the numbers of their answers, as graph operations."""
        features, context = self.preprocess(raw)
        outputs, doubts = self.judged(features, context)
        return {**self.finish(outputs, context), **self._mark(doubts)}

    def answered(self, outputs, doubts: Mapping[str, tf.Tensor], context: Mapping[str, tf.Tensor]) -> dict:
        """The tensors of `postprocess`, and of a calibrated preset `low_confidence`, bool `[B]`."""
        return {**self.postprocess(outputs, context), **self._mark(doubts)}

    def answer(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The whole road as graph operations: raw inputs `[B, ...]` -> tensors of an export's answer."""
        features, context = self.preprocess(raw)
        return self.answered(*self.judged(features, context), context)

    def signatures(self) -> dict[str, tuple]:
        """Name -> (function of raw inputs by name, their specification), for `zoo.export`."""
        return {"serving_default": (self.answer, self.raw_specification())}

    @cached_property
    def _compiled(self):
        return tf.function(self.numbers_of, input_signature=[self.raw_specification()])

    def __repr__(self) -> str:
        about = [repr(self.config.get("name")), f"model={self.config.get('model')!r}"]
        about += [f"{len(self.labels):,} labels"] if self.labels else []
        return f"<{type(self).__name__} {', '.join(about)}>"

    def __call__(self, item: object):
        """Answers one item, or several.

        Args:
            item: One item, as `encode` takes it; or several of them in a list, tuple, NumPy array, tensor, pandas
                Series, iterator or `tf.data.Dataset`.

        Returns:
            A Result; of several items a list of them, in which a bad item has its `.error`.

        Raises:
            UserError: The one item is bad.
        """
        item = containers.plain(item)
        items = containers.several(item, self.is_item)
        if items is not None:
            return list(self.predict(items))
        result = next(self.predict([item]))
        if result.error:
            raise UserError(result.error)
        return result

    def predict(self, items: Iterable, batch_size: int = 32) -> Iterator:
        """Answers items one after the other, reading only `batch_size` of them ahead.

        Args:
            items: What `encode` takes; an exception among them becomes a failed Result in its place.
            batch_size: How many go through the model at a time.

        Yields:
            One Result per item, in order; a failed item is a Result with `.error`.
        """
        items = iter(items)
        while batch := list(itertools.islice(items, batch_size)):
            encoded, answers = readable(batch, self.encode)
            for index, result in zip(encoded, self._results(list(encoded.values())), strict=True):
                answers[index] = result
            yield from answers

    def _results(self, encoded: list[dict]) -> list:
        """Results of encoded items: those whose numbers differ in shape go through the model one by one."""
        if not encoded:
            return []
        shapes = {tuple(np.shape(each[given.name]) for given in self.inputs) for each in encoded}
        try:
            numbers = self._compiled(self.stacked(encoded)) if len(shapes) == 1 else None
        except tf.errors.InvalidArgumentError as error:
            if len(encoded) == 1:
                return [Failure(f"cannot be read: {str(error.message).splitlines()[0][:200]}")]
            numbers = None
        if numbers is None:
            return [result for one in encoded for result in self._results([one])]
        return self.results({name: tensor.numpy() for name, tensor in numbers.items()})


def readable(items: Iterable, encode) -> tuple[dict[int, object], list]:
    """Encodes items of which some may be bad.

    Args:
        items: What `encode` takes; an exception among them is bad.
        encode: Raises UserError or OSError for a bad item.

    Returns:
        The encoded good ones by their place, and for each item a failed Result or None.
    """
    encoded, answers = {}, []
    for index, item in enumerate(items):
        try:
            if isinstance(item, Exception):
                raise item
            encoded[index] = encode(item)
            answers.append(None)
        except (UserError, OSError) as error:
            answers.append(Failure(str(error)))
    return encoded, answers

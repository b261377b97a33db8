"""Task: raw things in, answers out, by one path for training, evaluating, applying and serving."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from zoo import catalog, data, preset, weights
from zoo.data import Examples, foreign, sources
from zoo.data import examples as data_examples
from zoo.data.batching.examples import Batches, local
from zoo.data.tables import frames
from zoo.errors import UserError
from zoo.inputs import containers
from zoo.recipe import Recipe
from zoo.results.base import Failure
from zoo.tasks import confidence


class Task:
    """One kind of problem around one model.

    A subclass says how raw items become tensors (`preprocess`), how the model's outputs become an answer
    (`postprocess`), both as graph operations, and how an answer is shown (`results`).

    Args:
        model: A built model of the catalog.
        config: What `config.json` holds; see `zoo.preset`.
    """

    name: str
    raw_name: str  # the signature's argument
    kind: str  # of the raw items: "image" or "text"
    batch_size = 32  # items that go through the model at a time, unless the caller says otherwise
    most_foreign = foreign.MOST  # items of a set that a calibration is measured on
    report: str  # how `zoo evaluate --report` writes its answers: "labels" or "texts"
    classifies = False  # whether its answers are one of `labels`
    numbers: tuple[str, ...] = ()  # of `zoo.tasks.confidence`, what may have limits
    tolerance = 1e-5  # of the answer's probabilities, between two processes
    requires: tuple[str, ...] = ()  # modules whose operations an export needs besides TensorFlow's

    def __init__(self, model: keras.Model, config: Mapping):
        self.model = model
        self.config = dict(config)
        self.labels = tuple(config.get("labels", ()))
        self.confidence: confidence.Confidence | None = None  # None: no answer is marked

    # To be said by a subclass.

    def preprocess(self, raw: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Raw strings `[B]` -> the model's input, and a context of what only the answer needs."""
        raise NotImplementedError

    def postprocess(self, outputs: tf.Tensor, context: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The model's outputs and the context -> tensors of the answer, each with the batch as first axis."""
        raise NotImplementedError

    @staticmethod
    def raw(item: object) -> bytes:
        """One item as a person has it -> the bytes that `preprocess` takes; raises UserError for a bad one."""
        raise NotImplementedError

    @staticmethod
    def is_item(array: np.ndarray) -> bool:
        """True of an array of numbers that is one item, and not several."""
        raise NotImplementedError

    def results(self, tensors: Mapping) -> list:
        """Arrays of the answer -> one Result per row."""
        raise NotImplementedError

    def answers(
        self,
        examples,
        bad: dict[int, UserError | OSError] | None = None,
        marks: list | None = None,
        batch_size: int | None = None,
    ):
        """The answers to the examples, as `measure` takes them.

        Args:
            examples: Examples, or Pairs of texts.
            bad: Where it is given, an example that cannot be read is entered here by its place and has no answer;
                otherwise it raises.
            marks: Where it is given, it is told of each answer whether its confidence is low; nothing where the
                preset is not calibrated.
            batch_size: Examples that go through the model at a time; None: the task's own number.
        """
        raise NotImplementedError

    def traits(self, features: tf.Tensor) -> tf.Tensor:
        """The model's input `[B, ...]` -> what `distance` and `foreign` are computed from, `[B, D]`."""
        raise NotImplementedError

    def doubts(self, items: Iterable) -> dict[str, np.ndarray]:
        """The numbers of `zoo.tasks.confidence` that a calibrated task has limits for, of N items, each `[N]`."""
        raise NotImplementedError

    def uncalibrated(self, train, foreign: Sequence | None = None) -> confidence.Confidence:
        """The arrays with which the numbers of this kind of task are computed, before they have limits.

        Args:
            train: Training examples.
            foreign: Raw items of another kind, where the recipe names some.
        """
        raise NotImplementedError

    def measure(self, examples, answers) -> dict[str, float | str]:
        """The metrics of `evaluate` from answers that are there already, one for each example."""
        raise NotImplementedError

    def paired(self, items: list, labels: list):
        """Items and what is right for each, as the task's kind of examples."""
        raise NotImplementedError

    # The same for all.

    @property
    def introduction(self) -> str:
        """A paragraph to read before the first answer: what the preset is for, its first limit, its labels."""
        return preset.introduction(self.config)

    @classmethod
    def load_examples(cls, source: str, split: str | None = None, **columns) -> Examples:
        """Labelled examples, without those whose label the data keep to themselves; see `zoo.data.load`."""
        examples = data.load(source, split, kind=cls.kind, **columns)
        return examples.take(examples.labels >= 0)

    @classmethod
    def check(cls, train: Examples, held: Examples) -> list[str]:
        """Sentences on what may spoil the training; see `zoo.data.examples.check`."""
        return data_examples.check(train, held)

    def batches(self, examples: Examples, batch_size: int, distribute: Callable = local) -> Batches:
        """The examples as `model.fit` takes them, in tensors, which `distribute` has made."""
        return Batches(self, examples, batch_size, distribute)

    def examples(self, record: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor | None]:
        """A batch of labelled raw examples -> what `model.fit` takes: (x, y, sample_weight)."""
        features, _ = self.preprocess(record["raw"])
        return features, record["label"], record.get("weight")

    def outputs(self, features: tf.Tensor) -> tf.Tensor:
        """The model's outputs, as they are answered from."""
        return self.model(features, training=False)

    def judged(self, features: tf.Tensor, context: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """The model's outputs, and the numbers that `confidence` has limits for, each `[B]`; none where it is None."""
        raise NotImplementedError

    def answered(self, outputs, doubts: Mapping[str, tf.Tensor], context: Mapping[str, tf.Tensor]) -> dict:
        """The tensors of `postprocess`, and of a calibrated preset `low_confidence`, bool `[B]`."""
        mark = {} if self.confidence is None else {"low_confidence": self.confidence.low(doubts)}
        return {**self.postprocess(outputs, context), **mark}

    def answer(self, raw: tf.Tensor) -> dict[str, tf.Tensor]:
        """The whole road as graph operations: raw strings `[B]` -> tensors of the answer."""
        features, context = self.preprocess(raw)
        return self.answered(*self.judged(features, context), context)

    def all_traits(self, items: Iterable, batch_size: int = 256) -> np.ndarray:
        """The traits of N items, `[N, D]`."""

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def forward(raw):
            return {"traits": self.traits(self.preprocess(raw)[0])}

        return batched(forward, [self.raw(item) for item in items], batch_size)["traits"]

    def calibrate(self, train, held, foreign: Sequence | None = None) -> None:
        """Sets from when on an answer is marked; see `zoo.tasks.confidence`.

        Args:
            train: Training examples.
            held: Validation examples; of fewer than `confidence.LEAST` none can be marked.
            foreign: As `uncalibrated` takes them.
        """
        self.confidence = None
        self.config.pop("confidence", None)
        if len(held) >= confidence.LEAST:
            self.confidence = self.uncalibrated(train, foreign)
            self.confidence = self.confidence.limited(self.doubts(held.raw), validation=len(held))
            self.config["confidence"] = self.confidence.to_config()
        self.__dict__.pop("_compiled", None)  # it was traced with what was there before

    def signatures(self) -> dict[str, tuple]:
        """Name -> (function, its tensor specification), for `zoo.export`."""
        return {"serving_default": (self.answer, {self.raw_name: tf.TensorSpec([None], tf.string, self.raw_name)})}

    def resources(self) -> list:
        """The lookup tables that an export must carry besides the model."""
        return []

    def probes(self) -> list[bytes]:
        """Real raw items, about which an export is asked beside the task."""
        raise NotImplementedError

    def rounding_variants(self, signature: str, raw: bytes) -> dict[str, tf.Tensor] | None:
        """Answers to one item that rounding alone could give in place of the task's own; None where there are none."""
        return None

    @cached_property
    def _compiled(self):
        return tf.function(self.answer, input_signature=[tf.TensorSpec([None], tf.string)])

    def __repr__(self) -> str:
        about = [repr(self.config.get("name")), f"model={self.config.get('model')!r}"]
        about += [f"{len(self.labels):,} labels"] if self.labels else []
        return f"<{type(self).__name__} {', '.join(about)}>"

    def labelled(self, data: object, labels: object = None, split: str | None = None, **columns):
        """Labelled examples of whatever a person has, with labels counted as the task counts them.

        Args:
            data: Examples, or Pairs of texts; a path, a data set's name or a data frame, as `load_examples` takes them;
                or items, as `__call__` takes them.
            labels: Of items, what is right for each: of a classifier the label's name, or its place among `labels`
                where these are no numbers; of a task that writes a text, or several that are all right. None: a
                `tf.data.Dataset` has them as the second part of its elements.
            split: Of a data set, which one; of a folder None takes its test or validation split.
            **columns: Of a path, a data set or a data frame, as `load_examples` takes them.

        Raises:
            UserError: The data are nowhere or not of the expected form, or a label is not among the task's.
        """
        if labels is None and (isinstance(data, str | os.PathLike) or frames.is_frame(data)):
            split = split or sources.measured_split(data)
            if split is None and sources.is_data_set(data):
                raise UserError(f"{data}: name the split to measure on, as in split='test'")
            return self.load_examples(data, split, **columns).renamed(self.labels)
        if split is not None or columns:
            raise UserError(f"expected {', '.join(['split'] * (split is not None) + [*columns])} with a path only")
        if hasattr(data, "renamed"):
            return data.renamed(self.labels)
        return self.paired(*containers.labelled(data, labels, self.is_item))

    def evaluate(
        self, data: object, labels: object = None, *, batch_size: int | None = None, **options
    ) -> dict[str, float | str]:
        """Measures the task on labelled examples.

        What was guessed of the data, or left out of them, is told as a warning.

        Args:
            data: As `labelled` takes it.
            labels: Likewise.
            batch_size: Examples that go through the model at a time; None: the task's own number.
            **options: Of `labelled`: `split`, and the names of columns.

        Returns:
            The metrics: shares in [0, 1]; BLEU, chrF and ROUGE in [0, 100].

        Raises:
            UserError: As `labelled` does, or an example cannot be read.

        Example:
            task.evaluate(["A great film.", "Two wasted hours."], ["pos", "neg"])["accuracy"]
        """
        examples = self.labelled(data, labels, **options)
        for note in examples.notes:
            warnings.warn(note, stacklevel=2)
        if not len(examples):
            raise UserError("no example to measure on")
        bad: dict[int, Exception] = {}
        answers = self.answers(examples, bad, batch_size=batch_size)
        if bad:
            place = min(bad)
            raise UserError(f"example {place + 1}: {bad[place]}")
        return self.measure(examples, answers)

    def __call__(self, item: object):
        """Answers one item, or several.

        Args:
            item: One item, as `raw` takes it; or several of them in a list, tuple, NumPy array, tensor, pandas Series,
                iterator or `tf.data.Dataset`.

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
            items: What `raw` takes; an exception among them becomes a failed Result in its place.
            batch_size: How many go through the model at a time.

        Yields:
            One Result per item, in order; a failed item is a Result with `.error`.
        """
        items = iter(items)
        while batch := list(itertools.islice(items, batch_size)):
            answers: list = [None] * len(batch)
            raw, places = [], []
            for place, item in enumerate(batch):
                try:
                    if isinstance(item, Exception):
                        raise item
                    raw.append(self.raw(item))
                    places.append(place)
                except (UserError, OSError) as error:
                    answers[place] = Failure(str(error))
            for place, result in zip(places, self._results(raw), strict=True):
                answers[place] = result
            yield from answers

    def _results(self, raw: list[bytes]) -> list:
        if not raw:
            return []
        try:
            tensors = self._compiled(tf.constant(raw, tf.string))
        except tf.errors.InvalidArgumentError as error:
            if len(raw) == 1:
                return [Failure(f"cannot be read: {str(error.message).splitlines()[0][:200]}")]
            return [result for one in raw for result in self._results([one])]
        return self.results({name: tensor.numpy() for name, tensor in tensors.items()})

    # On disk.

    @classmethod
    def create(cls, config: Mapping, **assets) -> Task:
        """A task around a new, untrained model.

        Args:
            config: "model" and "arguments" name the builder's; "preprocess" and "labels" are the task's.
            assets: What stands in files of its own: a vocabulary.
        """
        return cls(catalog.build(config["model"], **config["arguments"]), config, **assets)

    @classmethod
    def config_from_data(cls, config: Mapping, examples) -> tuple[dict, dict]:
        """The builder's arguments, completed by what the training examples say, and the assets: a new vocabulary."""
        return {**config["arguments"], "classes": len(examples.names)}, {}

    @classmethod
    def config_fields(cls, recipe: Recipe, examples) -> dict:
        """The fields of config.json that only this kind of task has."""
        return {"labels": list(examples.names)}

    @classmethod
    def refit_arguments(cls, arguments: Mapping, examples) -> dict:
        """The arguments of a preset's model, fitted to other training examples."""
        return {**arguments, "classes": len(examples.names)}

    def own_assets(self) -> dict:
        """This task's assets, as `create` takes them."""
        return {}

    @classmethod
    def assets(cls, folder: Path, config: Mapping) -> dict:
        """The assets that a preset of this task keeps in files of their own, as `create` takes them."""
        return {}

    @classmethod
    def load(cls, folder: Path, config: Mapping) -> Task:
        """The trained task of a preset folder; see `zoo.load`."""
        try:
            task = cls.create(config, **cls.assets(folder, config))
        except (TypeError, ValueError, KeyError) as error:
            raise UserError(f"{folder / 'config.json'}: {error}") from error
        weights.load(task.model, folder / "weights" / "model.weights.h5")
        task.confidence = confidence.read(folder, config, cls.numbers)
        return task

    def save(self, folder: str | os.PathLike) -> None:
        """Writes config, weights and vocabulary as a preset folder, whole or not at all."""
        with preset.replacing(Path(folder)) as partial:
            self.write(partial)

    def write(self, folder: Path) -> None:
        """Writes the task's files into an existing folder."""
        self.write_config(folder)
        (folder / "weights").mkdir()
        weights.save(self.model, folder / "weights" / "model.weights.h5")

    def write_config(self, folder: Path) -> None:
        """Writes what a calibration changes: the configuration, and the arrays of `confidence`."""
        preset.write_json(folder / "config.json", {"format": preset.FORMAT, **self.config})
        if self.confidence is not None:
            self.confidence.write(folder)


def batched(forward: Callable, raw: list[bytes], batch_size: int) -> dict[str, np.ndarray]:
    """The arrays that a function of a batch of raw items gives for all of them, batch by batch."""
    parts = [forward(tf.constant(raw[at : at + batch_size], tf.string)) for at in range(0, len(raw), batch_size)]
    return {name: np.concatenate([part[name].numpy() for part in parts]) for name in parts[0]}

"""Measuring of a task: metrics on labelled examples, and from when on an answer is marked as of low confidence."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

from zoo.data import foreign, sources
from zoo.data.tables import frames
from zoo.errors import UserError
from zoo.inputs import containers
from zoo.inputs.base import Input
from zoo.tasks import confidence


class Measuring:
    """Measuring side of a task; part of `zoo.tasks.base.Task`.

    Attributes:
        report: How `zoo evaluate --report` writes its answers: a name in `apps.writing.report.REPORTS`.
        most_foreign: Items of a set that a calibration is measured on.
    """

    inputs: tuple[Input, ...]
    labels: tuple[str, ...]
    config: dict
    confidence: confidence.Confidence | None
    batch_size: int
    report: str
    most_foreign = foreign.MOST

    # To be said by a subclass.

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

    def measure(self, examples, answers) -> dict[str, float | str]:
        """The metrics, names of `zoo.metrics`, from answers that are there already, one for each example."""
        raise NotImplementedError

    def paired(self, items: list, labels: list):
        """Items and what is right for each, as the task's kind of examples."""
        raise NotImplementedError

    def traits(self, features: tf.Tensor) -> tf.Tensor:
        """The model's input `[B, ...]` -> what `distance` and `foreign` are computed from, `[B, D]`."""
        raise NotImplementedError

    def doubts(self, items: Iterable) -> dict[str, np.ndarray]:
        """The numbers of `zoo.tasks.confidence` that a calibrated task has limits for, of N items, each `[N]`."""
        raise NotImplementedError

    def uncalibrated(self, train, foreign: Sequence | None = None) -> confidence.Confidence | None:
        """The arrays with which the numbers of this kind of task are computed, before they have limits.

        Args:
            train: Training examples.
            foreign: Raw items of another kind, where the recipe names some.

        Returns:
            None where the task marks no answer.
        """
        return None

    # The same for all.

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

    def all_traits(self, items: Iterable, batch_size: int = 256) -> np.ndarray:
        """The traits of N items, `[N, D]`."""

        @tf.function(input_signature=[self.raw_specification()])
        def forward(raw):
            return {"traits": self.traits(self.preprocess(raw)[0])}

        return self.batched(forward, items, batch_size)["traits"]

    def batched(self, forward, items: Iterable, batch_size: int) -> dict[str, np.ndarray]:
        """The arrays that a function of a batch of raw inputs gives for all items, batch by batch."""
        encoded = [self.encode(item) for item in items]
        parts = [forward(self.stacked(encoded[at : at + batch_size])) for at in range(0, len(encoded), batch_size)]
        return {name: np.concatenate([part[name].numpy() for part in parts]) for name in parts[0]}

    def calibrate(self, train, held, foreign: Sequence | None = None) -> None:
        """Sets from when on an answer is marked; see `zoo.tasks.confidence`.

        Args:
            train: Training examples.
            held: Validation examples; of fewer than `confidence.LEAST` none can be marked.
            foreign: As `uncalibrated` takes them.
        """
        self.confidence = None
        self.config.pop("confidence", None)
        if len(held) >= confidence.LEAST and (rule := self.uncalibrated(train, foreign)) is not None:
            self.confidence = rule
            self.confidence = rule.limited(self.doubts(held.raw), validation=len(held))
            self.config["confidence"] = self.confidence.to_config()
        self.__dict__.pop("_compiled", None)  # it was traced with what was there before

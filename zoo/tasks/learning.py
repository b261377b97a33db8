"""Learning of a task: what its examples become, what is trained on them, by which loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from zoo import data
from zoo.data import Examples
from zoo.data import examples as data_examples
from zoo.data.batching import memory
from zoo.data.batching.base import Batches, Distribute, local
from zoo.data.batching.example_batches import ExampleBatches
from zoo.errors import UserError, nearest
from zoo.inputs.base import Input


class Learning:
    """Training side of a task; part of `zoo.tasks.base.Task`.

    Attributes:
        padding: Number that fills x behind the end of an example, where examples differ in length; None: they do not.
        moved: Entries of y that move with the pixels of an augmentation; see `zoo.data.batching.augmentation`.
        options: What a recipe may say for this task alone, with the defaults.
    """

    inputs: tuple[Input, ...]
    model: keras.Model
    padding: int | None = None
    moved: Mapping[str, str] = {}
    options: Mapping[str, object] = {}

    @classmethod
    def checked_options(cls, options: Mapping[str, object]) -> dict[str, object]:
        """A recipe's options with the defaults of those that it leaves out.

        Raises:
            UserError: An option that the task has not, or a value that it cannot use.
        """
        for name, value in options.items():
            if name not in cls.options:
                raise UserError(f"the task has no option {name!r}{nearest(name, cls.options)}")
            if problem := cls.option_problem(name, value):
                raise UserError(f"option {name!r}: {problem}")
        return {**cls.options, **options}

    @classmethod
    def option_problem(cls, name: str, value: object) -> str | None:
        """The reason, in a few words, why an option cannot have this value; None where it can."""
        if name == "label_smoothing" and not (isinstance(value, int | float) and 0 <= value < 1):
            return f"expected a number from 0 to below 1, got {value!r:.60}"
        return None

    @classmethod
    def load_examples(cls, source: str, split: str | None = None, **columns) -> Examples:
        """Labelled examples, without those whose label the data keep to themselves; see `zoo.data.load`."""
        examples = data.load(source, split, kind=cls.inputs[0].kind, **columns)
        return examples.take(examples.labels >= 0)

    @classmethod
    def loading(cls, options: Mapping[str, object]) -> dict[str, object]:
        """Arguments of `load_examples` for a person's own data that follow from the options."""
        return {}

    @classmethod
    def check(cls, train, held) -> list[str]:
        """Sentences on what may spoil the training; see `zoo.data.examples.check`.

        Args:
            train: Training examples.
            held: Validation examples; None where nothing is validated.
        """
        return data_examples.check(train, held)

    def record(self, examples, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Some examples as arrays: the raw inputs by their names, and the targets.

        Args:
            examples: With `raw`, as `encode` takes them, and `targets`, name -> a value for each.
            rows: Which of them, `[b]`.

        Returns:
            Arrays with `b` rows each, with the same names, types and shapes of a row each time.
        """
        encoded = [self.encode(examples.raw[row], checked=True) for row in rows]
        raw = {given.name: given.stacked([each[given.name] for each in encoded]) for given in self.inputs}
        return raw | {name: _stacked([values[row] for row in rows]) for name, values in examples.targets.items()}

    def examples(self, record: Mapping[str, tf.Tensor]) -> tuple:
        """A batch of labelled raw examples -> what `model.fit` takes: (x, y) or (x, y, sample_weight)."""
        features, _ = self.preprocess(record)
        weight = (record["weight"],) if "weight" in record else ()
        return features, record["label"], *weight

    def batches(
        self,
        examples,
        batch_size: int,
        augment: Sequence = (),
        keep: float = memory.KEEP,
        distribute: Distribute = local,
    ) -> Batches:
        """The examples as `model.fit` takes them; the arguments are those of `ExampleBatches`."""
        return ExampleBatches(self, examples, batch_size, augment, keep, distribute)

    def trainer(self, recipe) -> keras.Model:
        """The model whose `fit` trains: the task's own, or one around it that brings its own loss or step.

        A trainer with a `train_step` of its own runs on one device only, unless its attribute `shares_batches` says
        that its step is right for parts of a batch.
        """
        return self.model

    def loss(self, options: Mapping[str, object]) -> keras.losses.Loss | dict | None:
        """The loss, one for each output where there are several; None where the trainer brings its own."""
        raise NotImplementedError

    def metrics(self) -> list:
        """Metrics that are shown while training."""
        return []

    def compile(self, trainer: keras.Model, made: Mapping[str, keras.optimizers.Optimizer], options: Mapping) -> None:
        """Compiles the trainer.

        Args:
            trainer: What `trainer` gave.
            made: Argument of `trainer.compile` -> optimizer: "optimizer" alone, or as `Recipe.updates` names several.
                A task with several has each built (`optimizer.build(variables)`) when this returns.
            options: As `checked_options` gives them.
        """
        trainer.compile(**made, loss=self.loss(options), metrics=self.metrics(), jit_compile=False)


def _stacked(values: list) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind in "US":
        array = array.astype(object)
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    return array.astype(np.int32) if array.dtype == np.int64 else array

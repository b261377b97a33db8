"""Recipe of a preset: all that `zoo train NAME` needs to make it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Comparison:
    """A score of somebody else's, or of a simple baseline, to set beside ours on the card; counted as `expected` is."""

    what: str
    score: float
    source: str


@dataclass(frozen=True)
class Update:
    """One optimizer of a training that has several.

    Attributes:
        optimizer: Name of one of our optimizers.
        learning_rate: Peak learning rate.
        arguments: Its arguments without the learning rate.
    """

    optimizer: str
    learning_rate: float
    arguments: Mapping = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """Data, model, optimizer and schedule of one preset, and what came of it.

    Attributes:
        name: The preset's name.
        app: Application that uses it: "classify", "sentiment".
        task: Kind of problem: a name in `zoo.task_catalog`.
        data: Source of examples, as `zoo.data.load` takes it; empty where it is always the user's own.
        start: What is trained first, on other data perhaps, with the same task and model: its weights and preprocessing
            are what this training begins with.
        splits: Names of the training and the test split; the test split only measures. None: nothing is measured but
            the validation data.
        columns: What `Task.load_examples` takes besides: of pairs, which text is read and which is written.
        data_terms: Terms and citation of the data, for the card and NOTICE.
        model: Name in the catalog.
        arguments: The builder's arguments; "classes" and "vocabulary" follow from the data.
        preprocess: Declaration of raw input -> tensors, kept in config.json.
        options: What only this kind of task has: "label_smoothing", "decoding", "languages"; see the `options` of its
            class.
        optimizer: Name of one of our optimizers.
        optimizer_arguments: Its arguments without the learning rate.
        learning_rate: Peak learning rate.
        others: Further optimizers of a trainer with several: argument of its `compile` -> the optimizer; the one above
            is its "optimizer".
        warmup: Share of all steps, in [0, 1), in which the rate rises from 0; then it falls by a half cosine to 0.
        schedule: A schedule in place of that one: `schedule(learning_rate, steps)` for all steps of the training.
        batch_size: Examples per step over all devices.
        epochs: Passes over the training data.
        validation: Share of the training data held back for choosing, in (0, 1), or the name of a split; 0: nothing is
            validated.
        augment: Makes the list of Keras's random image layers, which change the training batches, pixels and targets
            alike, in the input pipeline.
        initialize: Sets first weights from the training data: `initialize(task, examples)`.
        seed: Seeds split, initial weights, order, augmentation and dropout.
        metric: The metric the score is given in.
        expected: The score on the test split within `tolerance`: in [0, 1], BLEU and ROUGE in [0, 100].
        tolerance: How far a repeated training may fall from it.
        minutes: Measured minutes of training on 2 CPU cores.
        comparisons: Baselines and published figures.
        about: One paragraph for the card.
        limits: Known limits, one sentence each; the first is told where the preset answers.
        foreign: Sets of `zoo.data.foreign` from which `zoo.tasks.confidence` learns what is none of the training's.
        strangers: Sets of which the card says how many answers are marked; none of `foreign`.
    """

    name: str
    app: str
    task: str
    data: str
    data_terms: str
    model: str
    preprocess: Mapping
    about: str
    start: Recipe | None = None
    splits: tuple[str, str | None] = ("train", "test")
    columns: Mapping = field(default_factory=dict)
    arguments: Mapping = field(default_factory=dict)
    options: Mapping = field(default_factory=dict)
    optimizer: str = "adam"
    optimizer_arguments: Mapping = field(default_factory=dict)
    learning_rate: float = 1e-3
    others: Mapping[str, Update] = field(default_factory=dict)
    warmup: float = 0.0
    schedule: Callable | None = None
    batch_size: int = 128
    epochs: int = 10
    validation: float | str = 0.1
    augment: Callable[[], list] | None = None
    initialize: Callable | None = None
    seed: int = 1
    metric: str = "accuracy"
    expected: float | None = None
    tolerance: float = 0.005
    minutes: float | None = None
    comparisons: tuple[Comparison, ...] = ()
    limits: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()

    @property
    def updates(self) -> dict[str, Update]:
        """All optimizers: argument of the trainer's `compile` -> optimizer."""
        return {"optimizer": Update(self.optimizer, self.learning_rate, self.optimizer_arguments), **self.others}

    @property
    def introduction(self) -> dict:
        """The entries of `config.json` that `zoo.preset.introduction` tells of."""
        return {"about": self.about, "limits": list(self.limits[:1])}

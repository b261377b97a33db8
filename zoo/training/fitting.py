"""fit(recipe): from a recipe to a preset folder, through Keras's own `model.fit`."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import functools
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import keras
import tensorflow as tf

import optimizers
from zoo import card, interval, preset, tasks, weights
from zoo.data import Examples, splits
from zoo.data import examples as data_examples
from zoo.data.tables.frames import framed
from zoo.errors import UserError
from zoo.metrics import is_share, shown
from zoo.recipe import Recipe
from zoo.scaling import global_batch as scaled
from zoo.scaling import heartbeat, workers
from zoo.scaling.replicas import Replicas
from zoo.training import calibration, crossvalidation, curve, resuming
from zoo.training.run_state import STATE, beside, resumable

_UNDISTURBED = 2000  # training examples, at most, that are answered after each epoch
# Fields of a recipe without which its weights would be the same.
_TOLD = ("about", "limits", "comparisons", "minutes", "expected", "tolerance", "foreign", "strangers")
_SHARE = 0.05  # of the user's own data, held back where the recipe names a split of its own data


def fit(
    recipe: Recipe,
    out: str | os.PathLike,
    *,
    source: object = None,
    columns: Mapping[str, str | None] | None = None,
    languages: tuple[str, str] | None = None,
    validation: object = None,
    init: str | None = None,
    resume: bool = False,
    save_every: float = 60.0,
    strategy: tf.distribute.Strategy | None = None,
    command: str = "",
    say: Callable[[str], None] = print,
    begin: Callable[[], None] | None = None,
    verbose: str | int = "auto",
) -> tasks.base.Task:
    """Trains what a recipe says and writes the preset folder.

    Under a strategy the replicas share each batch, and together do what one device would: the weights differ by
    rounding and by what dropout and augmentation draw. Of several workers, which read and write one shared folder, the
    chief writes, measures and speaks.

    Args:
        recipe: What to train, on what, how.
        out: Folder to write; it must not exist or be empty, unless `resume`.
        source: The user's own data in place of the recipe's: a path or a data frame, as `zoo.data.load` takes it. A
            folder that is divided into train, val and test is learned from, validated and measured so; other data have
            no test split.
        columns: Of the user's table: `text_column` or `path_column`, and `label_column`; or `source_column` and
            `target_column`.
        languages: Of the user's translation pairs, the language that is read and the one that is written.
        validation: The user's own validation data; None splits off `recipe.validation` of the training data.
        init: A preset to start from: its preprocessing and all weights whose names and shapes fit.
        resume: Go on where an interrupted training was saved last; the end is the same as without the interruption.
        save_every: Seconds after which the training is saved within an epoch, besides at its end; more where to save
            takes more than a hundredth of them. 0 saves before every step.
        strategy: From `zoo.scaling.strategy`; None is the one device.
        command: What the person typed, for the card.
        say: Takes sentences about the data and the score.
        begin: Called when arguments and data have turned out right and the training begins; once for each part of it.
        verbose: As in `model.fit`.

    Returns:
        The trained task, as it is loaded from `out`; from a worker that is not the chief, as it was trained.

    Raises:
        UserError: The data are nowhere or cannot be learned from, `out` cannot be used, or the replicas of the strategy
            do not divide the batch.
    """
    out, source, validation = Path(out), framed(source), framed(validation)
    strategy = strategy or tf.distribute.get_strategy()
    scaled.check_batch(recipe.batch_size, strategy.num_replicas_in_sync)
    if not workers.is_chief(strategy):
        say, verbose = _nothing, 0
    if source is not None or init is not None:
        recipe = dataclasses.replace(recipe, start=None)
    before = 0.0  # minutes
    if recipe.start is not None:
        arguments = {
            "save_every": save_every,
            "strategy": strategy,
            "command": command,
            "say": say,
            "begin": begin,
            "verbose": verbose,
        }
        init, resume = _started(recipe.start, out, resume, arguments)
        before = preset.read_scores(Path(init))["minutes"]
    _check_out(out, resume)
    keras.utils.set_random_seed(recipe.seed)
    cls = tasks.get(recipe.task)
    if languages:
        recipe = dataclasses.replace(recipe, languages=languages)
    train, held, test = examples(recipe, cls, source, columns or {}, validation)
    for note in dict.fromkeys(train.notes + held.notes + (test.notes if source and test else ())):
        say(note)
    if source:
        train, notes = data_examples.readable(train, cls.raw)
        held, more = data_examples.readable(held, cls.raw)
        if test is not None:
            test, last = data_examples.readable(test, cls.raw)
            more += last
        for note in notes + more:
            say(note)
    several = strategy.num_replicas_in_sync > 1
    parts = 0
    if source and validation is None and not splits(source) and cls.classifies and not several:
        parts = crossvalidation.folds(train, held)
    say(f"{len(train):,} examples to learn from, {len(held):,} to validate.")
    for note in cls.check(train, held):
        say(note)

    heartbeat.beat(heartbeat.PROGRESS)
    with strategy.scope():
        task = fresh(recipe, out.name if source else recipe.name, train, source, init, say)
        if recipe.initialize and not init:
            recipe.initialize(task, train)
    heartbeat.beat(heartbeat.PROGRESS)
    distribute = functools.partial(workers.distribute, strategy)
    # Dropout and augmentation disturb what is shown of the training: some of its examples are answered without.
    undisturbed = [data_examples.some(train, _UNDISTURBED)] if cls.classifies else []
    batches, held_batches, *undisturbed = (
        task.batches(examples, recipe.batch_size, distribute) for examples in (train, held, *undisturbed)
    )
    with strategy.scope():
        trainer = compiled(recipe, task, batches.steps)
        state = resuming.Resumable(
            trainer,
            out / STATE,
            _fingerprint(recipe, train, held, columns or {}, init),
            next(iter(held_batches.in_order())),
            strategy,
            save_every,
        )
        first_epoch, first_step = state.restore() if resume else (0, 0)
    if begin is not None:
        begin()
    if first_epoch < recipe.epochs:
        training = functools.partial(batches.training, recipe.seed, first_epoch, recipe.epochs, first_step=first_step)
        makes = (training, held_batches.in_order, *(each.in_order for each in undisturbed))
        data, held_data, *others = (scaled.shared(make, strategy) if several else make() for make in makes)
        answering = [_Undisturbed(each, made.steps) for each, made in zip(others, undisturbed, strict=True)]
        trainer.fit(
            data,
            steps_per_epoch=batches.steps,
            initial_epoch=first_epoch,
            epochs=recipe.epochs,
            validation_data=held_data,
            validation_steps=held_batches.steps,
            callbacks=[*answering, state],
            shuffle=False,  # the batches come shuffled
            verbose=verbose,
        )
    heartbeat.beat(heartbeat.UNWATCHED)
    with workers.chief_first(strategy) as mine:
        if not mine:
            return task
        validated = {}
        if parts:
            say(f"Fewer than {interval.FEW} examples: {parts} more trainings for a cross-validation.")
            learn = functools.partial(_learned, recipe, out.name, source, init)
            validated = {"cross_validation": crossvalidation.measured(learn, train, held, parts, recipe.seed)}
        with preset.replacing(out) as partial:
            parted = (train, held, test)
            return _finish(partial, recipe, task, state.history, before, parted, source, command, say, validated)


class _Undisturbed(keras.callbacks.Callback):
    """Loss and metrics of training examples as they are answered after the epoch, in place of those on the way."""

    def __init__(self, data: tf.data.Dataset, steps: int):
        super().__init__()
        self.data, self.steps = data, steps

    def on_epoch_end(self, epoch: int, logs: dict):
        """Answers the examples; callbacks after this one see what it found."""
        logs.update(self.model.evaluate(self.data, steps=self.steps, verbose=0, return_dict=True))


def _learned(recipe: Recipe, name: str, source: str | None, init: str | None, train: Examples) -> tasks.base.Task:
    """A task that has learned from these examples, on one device and without saving."""
    keras.utils.set_random_seed(recipe.seed)
    task = fresh(recipe, name, train, source, init, _nothing)
    if recipe.initialize and not init:
        recipe.initialize(task, train)
    batches = task.batches(train, recipe.batch_size)
    heartbeat.beat(heartbeat.UNWATCHED)
    compiled(recipe, task, batches.steps).fit(
        batches.training(recipe.seed, 0, recipe.epochs),
        steps_per_epoch=batches.steps,
        epochs=recipe.epochs,
        shuffle=False,
        verbose=0,
    )
    return task


def _nothing(sentence: str) -> None:
    """Says nothing, for a worker that is not the chief."""


def _started(recipe: Recipe, out: Path, resume: bool, arguments: dict) -> tuple[str, bool]:
    """Trains the start of a recipe into a folder beside `out`; also tells whether `out` itself is to be resumed."""
    folder = beside(out)
    if resume and resumable(out):
        return str(folder), True
    _check_out(out, False)
    if not (resume and (folder / "config.json").is_file()):
        fit(recipe, folder, resume=resume, **arguments)
    return str(folder), False


def _check_out(out: Path, resume: bool) -> None:
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: expected a folder to write into, it is a file")
    if resume and not resumable(out):
        finished = (out / "config.json").is_file()
        raise UserError(
            f"{out}: nothing to resume, " + ("its training has ended" if finished else "no interrupted training in it")
        )
    if not resume and out.is_dir() and any(out.iterdir()):
        interrupted = " (an interrupted training: go on with --resume)" if resumable(out) else ""
        raise UserError(f"{out}: not empty{interrupted}; choose another --out")
    preset.check_replaceable(out)


def examples(
    recipe: Recipe,
    cls: type,
    source: str | None = None,
    columns: Mapping[str, str | None] = MappingProxyType({}),
    validation: str | None = None,
):
    """Training, validation and test examples, as `fit` takes them; the test ones are None where the data have none."""
    own = {key: value for key, value in columns.items() if value is not None} if source else dict(recipe.columns)
    if source and recipe.languages:
        own["languages"] = recipe.languages
    there = splits(source) if source else ()
    named = isinstance(recipe.validation, str)
    train = cls.load_examples(source or recipe.data, recipe.splits[0], **own)
    if validation is not None:
        split = "validation" if "validation" in splits(validation) else None
        held = cls.load_examples(validation, split, **own).renamed(train.names)
    elif "validation" in there:
        held = cls.load_examples(source, "validation", **own).renamed(train.names)
    elif source or not named:
        train, held = train.split(_SHARE if named else recipe.validation, recipe.seed)
    else:
        held = cls.load_examples(recipe.data, recipe.validation, **own).renamed(train.names)
    measured = "test" if "test" in there else None if source else recipe.splits[1]
    test = measured and cls.load_examples(source or recipe.data, measured, **own).renamed(train.names)
    return train, held, test


def compiled(recipe: Recipe, task: tasks.base.Task, steps_per_epoch: int) -> keras.Model:
    """The task's model as `model.fit` trains it: after the augmentation, with the recipe's optimizer and schedule.

    Where the strategy of the scope has several replicas, `zoo.scaling.global_batch.shared` makes their batches.
    """
    trainer = keras.Sequential([*recipe.augment(), task.model]) if recipe.augment else task.model
    optimizer = optimizers.get(
        recipe.optimizer, learning_rate=_schedule(recipe, steps_per_epoch), **recipe.optimizer_arguments
    )
    loss, metrics = task.loss(recipe.label_smoothing), task.metrics()
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        trainer = Replicas(trainer, loss)
        trainer.compile(optimizer, weighted_metrics=metrics, jit_compile=False)
    else:
        trainer.compile(optimizer, loss, metrics=metrics, jit_compile=False)
    return trainer


def fresh(
    recipe: Recipe,
    name: str,
    train: Examples,
    source: str | None = None,
    init: str | None = None,
    say: Callable[[str], None] = print,
) -> tasks.base.Task:
    """A task around a new model: labels and vocabulary from the training data, weights perhaps from a preset.

    Args:
        recipe: Which task and model.
        name: The task's name.
        train: The training examples.
        source: The user's own data, where they take the place of the recipe's.
        init: A preset to start from.
        say: Takes a sentence about the preset's weights.
    """
    cls = tasks.get(recipe.task)
    config = {
        "name": name,
        "task": recipe.task,
        "model": recipe.model,
        "arguments": dict(recipe.arguments),
        "preprocess": dict(recipe.preprocess),
        "data": str(source or recipe.data),
        "data_terms": "the user's own data" if source else recipe.data_terms,
    }
    if not source:
        config |= recipe.introduction
    config |= cls.config_fields(recipe, train)
    if init is None:
        arguments, assets = cls.config_from_data(config, train)
        return cls.create({**config, "arguments": arguments}, **assets)
    start = tasks.load(init, recipe.task)
    if start.config["task"] != recipe.task:
        raise UserError(f"--init {init}: a preset for {start.config['task']}, expected one for {recipe.task}")
    config |= {key: start.config[key] for key in ("model", "preprocess")}
    config["arguments"] = cls.refit_arguments(start.config["arguments"], train)
    task = cls.create(config, **start.own_assets())
    taken = weights.take(task.model, weights.by_name(start.model))
    say(f"{taken} of {len(task.model.weights)} weight arrays start from {init}, the rest anew.")
    return task


def _schedule(recipe: Recipe, steps_per_epoch: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Linear warm-up, then a half cosine to zero (Loshchilov and Hutter 2016, arXiv:1608.03983, without restarts)."""
    steps = steps_per_epoch * recipe.epochs
    warmup = round(recipe.warmup * steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else recipe.learning_rate,
        max(1, steps - warmup),
        warmup_target=recipe.learning_rate if warmup else None,
        warmup_steps=warmup,
    )


def _fingerprint(recipe: Recipe, train, held, columns: Mapping, init: str | None) -> str:
    """Fingerprint of a training, the same where it goes on: the recipe's numbers, the data and how they are read."""
    plain = {
        key.name: repr(getattr(recipe, key.name))
        for key in dataclasses.fields(recipe)
        if key.name not in _TOLD and key.name not in ("initialize", "augment")
    }
    own = {key: value for key, value in columns.items() if value is not None}
    data = {"train": len(train), "validation": len(held), "own columns": own, "init": str(init)}
    return json.dumps({**plain, **data}, sort_keys=True)


def _finish(
    folder: Path, recipe: Recipe, task, history: list[dict], before: float, parted, source, command, say, validated
):
    """Writes the preset; calibrates and measures what was written, in half precision as it will be used."""
    train, held, test = parted
    task.write(folder)
    with open(folder / "history.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, history[0].keys())
        writer.writeheader()
        writer.writerows(history)
    curve.draw(history, recipe, folder / "curve.png", title=task.config["name"])
    shipped = type(task).load(folder, preset.read_config(folder))
    calibration.calibrate(shipped, recipe, train, held, source is not None, say)
    shipped.write_config(folder)
    measured, split = (held, "validation") if test is None else (test, "test" if source else recipe.splits[1])
    validation, low = calibration.measured(shipped, held)
    metrics, low = (validation, low) if test is None else calibration.measured(shipped, test)
    marked = {} if low is None else {"low_confidence": low | {"foreign": {}}}
    if marked and test is not None and source is None:
        marked["low_confidence"]["foreign"] = calibration.strangers(shipped, recipe, say)
    scores = {
        "preset": task.config["name"],
        "data": task.config["data"],
        "split": split,
        "n": len(measured),
        "metrics": metrics,
        **marked,
        **validated,
        "validation": {"n": len(held), "metrics": validation} | ({"data": held.source} if source else {}),
        "seed": recipe.seed,
        "minutes": round(sum(row["seconds"] for row in history) / 60 + before, 1),
        "command": command,
        "date": datetime.date.today().isoformat(),
    }
    preset.write_json(folder / "scores.json", scores)
    (folder / "card.md").write_text(card.text(recipe, shipped.config, scores), encoding="utf-8")
    if source:
        data_examples.remember(folder, train)
    say(_told(recipe.metric, scores["metrics"], len(measured), split))
    if validated:
        found = validated["cross_validation"]
        say(_told(recipe.metric, found["metrics"], found["n"], f"cross-validation, {found['folds']} folds"))
    return shipped


def _told(metric: str, metrics: Mapping, n: int, where: str) -> str:
    """A score, and of a share how far it can be trusted."""
    trust = f"; {interval.told(metrics[metric], n)}" if is_share(metric) else ""
    return f"{metric} {shown(metric, metrics[metric])} on {n:,} examples ({where}){trust}."

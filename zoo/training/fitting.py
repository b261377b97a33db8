"""fit(recipe): from a recipe to a preset folder, through Keras's own `model.fit`."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from zoo import preset
from zoo.data.batching import memory
from zoo.data.tables.frames import framed
from zoo.recipe import Recipe
from zoo.scaling import global_batch, heartbeat, workers
from zoo.tasks.base import Task
from zoo.training import finishing, preparing, running
from zoo.training.job import Job, check_out
from zoo.training.run_state import beside, resumable


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
    callbacks: Sequence[keras.callbacks.Callback] = (),
    keep: float = memory.KEEP,
    record_divergence: bool = False,
) -> Task:
    """Trains what a recipe says and writes the preset folder.

    Under a strategy the replicas share each batch, and together do what one device would: the weights differ by
    rounding and by what dropout draws. Of several workers, which read and write one shared folder, the chief writes,
    measures and speaks.

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
        callbacks: Further callbacks of `model.fit`, called before the training is saved. What one keeps for itself is
            not restored by `resume`.
        keep: Share of the memory, in [0, 1], up to which examples are kept as tensors; larger sets are read in each
            epoch anew.
        record_divergence: Whether a training whose loss is no finite number any more ends there, and leaves its
            history in `out`, without a preset; otherwise it raises.

    Returns:
        The trained task, as it is loaded from `out`; from a worker that is not the chief, and where the training
        diverged, as it was trained.

    Raises:
        UserError: The data are nowhere or cannot be learned from, `out` cannot be used, the replicas of the strategy
            do not divide the batch, or the training diverged.
    """
    if source is not None or init is not None:
        recipe = dataclasses.replace(recipe, start=None)
    if languages:
        recipe = dataclasses.replace(recipe, options={**recipe.options, "languages": tuple(languages)})
    job = Job(
        recipe=recipe,
        out=Path(out),
        strategy=strategy or tf.distribute.get_strategy(),
        source=framed(source),
        columns=columns or {},
        validation=framed(validation),
        init=init,
        resume=resume,
        save_every=save_every,
        command=command,
        say=say,
        begin=begin,
        verbose=verbose,
        callbacks=callbacks,
        keep=keep,
        record_divergence=record_divergence,
    ).quiet_unless_chief()
    global_batch.check_batch(recipe.batch_size, job.strategy.num_replicas_in_sync)
    if recipe.start is not None:
        job = _started(job)
    check_out(job.out, job.resume)
    keras.utils.set_random_seed(recipe.seed)
    prepared = preparing.prepare(job)
    history = running.run(job, prepared)
    heartbeat.beat(heartbeat.UNWATCHED)
    with workers.chief_first(job.strategy) as mine:
        return finishing.finish(job, prepared, history) if mine else prepared.task


def _started(job: Job) -> Job:
    """Trains the start of a recipe into a folder beside `out`, and goes on from it."""
    folder = beside(job.out)
    resume = job.resume and resumable(job.out)
    if not resume:
        check_out(job.out, False)
        if not (job.resume and (folder / "config.json").is_file()):
            shared = ("strategy", "save_every", "command", "say", "begin", "verbose", "resume", "callbacks", "keep")
            fit(job.recipe.start, folder, **{name: getattr(job, name) for name in shared})
    minutes = preset.read_scores(folder)["minutes"]
    return dataclasses.replace(job, init=str(folder), resume=resume, before=minutes)

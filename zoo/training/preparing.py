"""Preparing a training: its examples, its task, and the batches."""

from __future__ import annotations

import functools
from typing import NamedTuple

from zoo import tasks
from zoo.data import examples as data_examples
from zoo.data import splits
from zoo.data.batching.base import Batches
from zoo.errors import UserError
from zoo.scaling import heartbeat, workers
from zoo.tasks.base import Task
from zoo.training import crossvalidation, sets
from zoo.training.job import Job
from zoo.training.new_task import new_task
from zoo.training.sets import Sets

_UNDISTURBED = 2000  # training examples, at most, that are answered after each epoch


class Prepared(NamedTuple):
    """The task, the examples and the batches of a training.

    Attributes:
        task: Around a model that has learned nothing yet.
        sets: Its examples.
        batches: Of the training examples.
        held: Of the validation examples; None where nothing is validated.
        undisturbed: Of some training examples, answered after each epoch: dropout and augmentation disturb what is
            shown of the training itself. None where the task's training metrics are told as they are.
        folds: Parts of a cross-validation; 0: none.
    """

    task: Task
    sets: Sets
    batches: Batches
    held: Batches | None
    undisturbed: Batches | None
    folds: int


def prepare(job: Job) -> Prepared:
    """Loads and checks the data, makes the task, and turns the examples into batches.

    Raises:
        UserError: The data are nowhere, or cannot be learned from.
    """
    recipe, cls = job.recipe, tasks.get(job.recipe.task)
    cls.checked_options(recipe.options)
    found = _examples(job, cls)
    parts = _folds(job, cls, found)
    held = f"{len(found.held):,} to validate" if found.held is not None else "none to validate"
    job.say(f"{len(found.train):,} examples to learn from, {held}.")
    for note in cls.check(found.train, found.held):
        job.say(note)
    heartbeat.beat(heartbeat.PROGRESS)
    with job.strategy.scope():
        task = new_task(recipe, job.name, found.train, job.source, job.init, job.say)
    heartbeat.beat(heartbeat.PROGRESS)
    make = functools.partial(
        task.batches,
        batch_size=recipe.batch_size,
        keep=job.keep,
        distribute=functools.partial(workers.distribute, job.strategy),
    )
    batches = make(found.train, augment=recipe.augment() if recipe.augment else ())
    augmentation = getattr(batches, "augmentation", None)
    if job.several and augmentation is not None and augmentation.mixes:
        raise UserError("an augmentation that mixes examples cannot be shared by replicas: train it on one device")
    return Prepared(
        task,
        found,
        batches,
        None if found.held is None else make(found.held),
        make(data_examples.some(found.train, _UNDISTURBED)) if cls.classifies else None,
        parts,
    )


def _examples(job: Job, cls: type) -> Sets:
    """The examples, without what cannot be read of one's own data; tells what is to be known of them."""
    found = sets.load(job.recipe, cls, job.source, job.columns, job.validation)
    notes = [note for part in found[:2] if part is not None for note in part.notes]
    if job.source is not None and found.test is not None:
        notes += found.test.notes
    more = []
    if job.source is not None:
        found, more = sets.readable(found, cls)
    for note in [*dict.fromkeys(notes), *more]:
        job.say(note)
    return found


def _folds(job: Job, cls: type, found: Sets) -> int:
    """Parts of a cross-validation of one's own few examples, on one device."""
    divided = job.validation is not None or splits(job.source) if job.source is not None else True
    if divided or found.held is None or not cls.classifies or job.several:
        return 0
    return crossvalidation.folds(found.train, found.held)

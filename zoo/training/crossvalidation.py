"""Cross-validation: of few examples each is answered by a model that has not seen it."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np

from zoo.data import Examples
from zoo.interval import FEW
from zoo.scaling import heartbeat
from zoo.tasks.base import Task
from zoo.training.compiling import compiled
from zoo.training.job import Job, say_nothing
from zoo.training.new_task import new_task

FOLDS = 5


def folds(train: Examples, held: Examples) -> int:
    """Into how many parts examples are cut; 0 where they are many enough, or a class is too small for it."""
    counts = np.bincount(np.concatenate([train.labels, held.labels]), minlength=len(train.names))
    return min(FOLDS, counts.min()) if counts.sum() < FEW and counts.min() > 1 else 0


def measured(job: Job, train: Examples, held: Examples, parts: int) -> dict:
    """The metrics over all examples, those of each part by what was learned from the others.

    Args:
        job: The training that is repeated.
        train: Training examples.
        held: Validation examples, of the same source.
        parts: How many.

    Returns:
        {"folds", "n", "metrics"}.
    """
    from sklearn.model_selection import StratifiedKFold

    whole = dataclasses.replace(
        train, raw=np.concatenate([train.raw, held.raw]), labels=np.concatenate([train.labels, held.labels])
    )
    order, answers = [], []
    cut = StratifiedKFold(parts, shuffle=True, random_state=job.recipe.seed)
    for seen, unseen in cut.split(whole.labels, whole.labels):
        task = _learned(job, whole.take(seen))
        answers.append(task.answers(whole.take(unseen)))
        order.append(unseen)
    metrics = task.measure(whole.take(np.concatenate(order)), np.concatenate(answers))
    return {"folds": int(parts), "n": len(whole), "metrics": metrics}


def _learned(job: Job, train: Examples) -> Task:
    """A task that has learned from these examples alone, on one device and without saving."""
    recipe = job.recipe
    keras.utils.set_random_seed(recipe.seed)
    task = new_task(recipe, job.name, train, job.source, job.init, say_nothing)
    batches = task.batches(train, recipe.batch_size, recipe.augment() if recipe.augment else (), job.keep)
    heartbeat.beat(heartbeat.UNWATCHED)
    compiled(recipe, task, batches.steps).fit(
        batches.training(recipe.seed, 0, recipe.epochs),
        steps_per_epoch=batches.steps,
        epochs=recipe.epochs,
        shuffle=False,
        verbose=0,
    )
    return task

"""Running a training: `model.fit`, saved as it goes on, from where it was interrupted."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable

import keras
import tensorflow as tf

from zoo.data.batching.base import Batches
from zoo.errors import UserError
from zoo.recipe import Recipe
from zoo.scaling import global_batch, heartbeat
from zoo.training import resuming
from zoo.training.compiling import compiled, optimizers_of
from zoo.training.job import Job
from zoo.training.preparing import Prepared
from zoo.training.run_state import STATE

# Fields of a recipe without which its weights would be the same.
_TOLD = ("about", "limits", "comparisons", "minutes", "expected", "tolerance", "foreign", "strangers")
_CODE = ("initialize", "augment", "schedule")  # no text tells them apart


def run(job: Job, prepared: Prepared) -> list[dict]:
    """Trains the prepared task; returns its history, a row for each epoch.

    Raises:
        UserError: The training diverged, cannot be resumed, or an example cannot be read any more.
    """
    recipe, batches = job.recipe, prepared.batches
    with job.strategy.scope():
        trainer = compiled(recipe, prepared.task, batches.steps)
        state = resuming.Resumable(
            trainer,
            optimizers_of(trainer, recipe),
            job.out / STATE,
            fingerprint(job, prepared),
            next(iter((prepared.held or batches).in_order())),
            job.strategy,
            job.save_every,
            job.record_divergence,
        )
        first_epoch, first_step = state.restore() if job.resume else (0, 0)
    if job.begin is not None:
        job.begin()
    if first_epoch < recipe.epochs and not state.diverged:
        _fit(job, prepared, trainer, state, first_epoch, first_step)
    heartbeat.beat(heartbeat.PROGRESS)
    return state.history


def _fit(job: Job, prepared: Prepared, trainer: keras.Model, state, first_epoch: int, first_step: int) -> None:
    recipe, batches = job.recipe, prepared.batches

    def data(make: Callable):
        return global_batch.shared(make, job.strategy) if job.several else make()

    train = functools.partial(batches.training, recipe.seed, first_epoch, recipe.epochs, first_step=first_step)
    answering = [_Undisturbed(data(each.in_order), each.steps) for each in (prepared.undisturbed,) if each is not None]
    validation = {}
    if prepared.held is not None:
        validation = {"validation_data": data(prepared.held.in_order), "validation_steps": prepared.held.steps}
    try:
        trainer.fit(
            data(train),
            steps_per_epoch=batches.steps,
            initial_epoch=first_epoch,
            epochs=recipe.epochs,
            callbacks=[*answering, *job.callbacks, state],
            shuffle=False,  # the batches come shuffled
            verbose=job.verbose,
            **validation,
        )
    except tf.errors.OpError:
        for each in (batches, prepared.held):
            _raise_problem(each)
        raise


def _raise_problem(batches: Batches | None) -> None:
    """Raises the error for which an example could not be read inside the pipeline, where that was the reason."""
    problem = getattr(batches, "problem", None)
    if problem is not None:
        raise UserError(f"an example cannot be read any more: {problem}") from problem


def fingerprint(job: Job, prepared: Prepared) -> str:
    """JSON of what must be the same for a training to go on: the recipe's numbers, the data and how they are read.

    Fields that have their defaults are left out, so that a new one leaves a training that was begun before resumable.
    """
    plain = {
        field.name: repr(getattr(job.recipe, field.name))
        for field in dataclasses.fields(Recipe)
        if field.name not in (*_TOLD, *_CODE, "options") and getattr(job.recipe, field.name) != _default(field)
    }
    plain |= {name: repr(value) for name, value in job.recipe.options.items()}
    own = {key: value for key, value in job.columns.items() if value is not None}
    held = 0 if prepared.sets.held is None else len(prepared.sets.held)
    data = {"train": len(prepared.sets.train), "validation": held, "own columns": own, "init": str(job.init)}
    return json.dumps({**plain, **data}, sort_keys=True)


def _default(field: dataclasses.Field) -> object:
    return field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default


class _Undisturbed(keras.callbacks.Callback):
    """Loss and metrics of training examples as they are answered after the epoch, in place of those on the way."""

    def __init__(self, data: tf.data.Dataset, steps: int):
        super().__init__()
        self.data, self.steps = data, steps

    def on_epoch_end(self, epoch: int, logs: dict):
        """Answers the examples; callbacks after this one see what it found."""
        logs.update(self.model.evaluate(self.data, steps=self.steps, verbose=0, return_dict=True))

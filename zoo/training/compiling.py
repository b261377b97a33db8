"""Compiling: a recipe's trainer with its optimizers, schedule, loss and metrics."""

from __future__ import annotations

import keras
import tensorflow as tf

import optimizers
from zoo.errors import UserError
from zoo.recipe import Recipe
from zoo.scaling.replicas import Replicas
from zoo.tasks.base import Task


def compiled(recipe: Recipe, task: Task, steps_per_epoch: int) -> keras.Model:
    """The task's trainer as `model.fit` trains it, with the recipe's optimizers and schedule.

    Where the strategy of the scope has several replicas, `zoo.scaling.global_batch.shared` makes their batches.

    Raises:
        UserError: A trainer with a step of its own, or with several optimizers, on several replicas.
    """
    options = task.checked_options(recipe.options)
    steps = steps_per_epoch * recipe.epochs
    made = {
        name: optimizers.get(
            update.optimizer, learning_rate=schedule(recipe, update.learning_rate, steps), **update.arguments
        )
        for name, update in recipe.updates.items()
    }
    trainer = task.trainer(recipe)
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        task.compile(trainer, made, options)
        return trainer
    check_shared(trainer, made)
    trainer = Replicas(trainer, task.loss(options))
    trainer.compile(**made, weighted_metrics=task.metrics(), jit_compile=False)
    return trainer


def check_shared(trainer: keras.Model, made: dict) -> None:
    """Refuses a trainer whose step would be wrong where replicas share a batch.

    Raises:
        UserError: With the reason.
    """
    own_step = type(trainer).train_step is not keras.Model.train_step
    if len(made) > 1 or own_step and not getattr(trainer, "shares_batches", False):
        raise UserError(
            f"{type(trainer).__name__} trains by a step of its own, which is not made for parts of a batch: "
            "train it on one device (--devices 1)"
        )


def schedule(recipe: Recipe, rate: float, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Linear warm-up, then a half cosine to zero (Loshchilov and Hutter 2016, arXiv:1608.03983, without restarts).

    Args:
        recipe: Whose warm-up, or schedule of its own.
        rate: Peak learning rate.
        steps: Of the whole training.
    """
    if recipe.schedule is not None:
        return recipe.schedule(rate, steps)
    warmup = round(recipe.warmup * steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else rate,
        max(1, steps - warmup),
        warmup_target=rate if warmup else None,
        warmup_steps=warmup,
    )


def optimizers_of(trainer: keras.Model, recipe: Recipe) -> dict[str, keras.optimizers.Optimizer]:
    """The optimizers of a compiled trainer, which keeps each under the name of the argument that gave it."""
    return {name: getattr(trainer, name) for name in recipe.updates}

"""A task around a new model: labels and vocabulary from the training data, weights perhaps from a preset."""

from __future__ import annotations

from collections.abc import Callable

from zoo import tasks, weights
from zoo.errors import UserError
from zoo.recipe import Recipe
from zoo.tasks.base import Task


def new_task(
    recipe: Recipe,
    name: str,
    train,
    source: object = None,
    init: str | None = None,
    say: Callable[[str], None] = print,
) -> Task:
    """A task that has learned nothing yet, but for what its recipe or a preset begins with.

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
        "app": recipe.app,
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
        task = cls.create({**config, "arguments": arguments}, **assets)
        if recipe.initialize:
            recipe.initialize(task, train)
        return task
    start = tasks.load(init, recipe.task)
    if start.config["task"] != recipe.task:
        raise UserError(f"--init {init}: a preset for {start.config['task']}, expected one for {recipe.task}")
    config |= {key: start.config[key] for key in ("model", "preprocess")}
    config["arguments"] = cls.refit_arguments(start.config["arguments"], train)
    task = cls.create(config, **start.own_assets())
    taken = weights.take(task.model, weights.by_name(start.model))
    say(f"{taken} of {len(task.model.weights)} weight arrays start from {init}, the rest anew.")
    return task

"""Limits of low confidence: set on validation data, measured once on the test split and on foreign items.

`fit` does it at a training's end; `benchmarks/confidence.py` for a preset that is there already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zoo.data import foreign
from zoo.errors import UserError
from zoo.recipe import Recipe
from zoo.tasks import confidence
from zoo.tasks.base import Task


def calibrate(task: Task, recipe: Recipe, train, held, own: bool, say: Callable[[str], None]) -> None:
    """Sets the limits of a trained task on its validation examples.

    Args:
        task: As it will be used, with its weights in half precision.
        recipe: What it was trained by.
        train: Training examples.
        held: Validation examples.
        own: Whether these are the user's own, to which the recipe's foreign items may be none.
        say: Takes a sentence.
    """
    others: list | None = None
    if recipe.foreign and not own:
        try:
            others = [item for name in recipe.foreign for item in foreign.load(name)]
        except UserError as error:
            say(f"{error}: low confidence is told without them.")
    task.calibrate(train, held, others)
    if task.confidence is None and len(held) < confidence.LEAST:
        say(
            f"No answer will be marked as of low confidence: {len(held):,} validation examples are too few to tell, "
            f"{confidence.LEAST} are needed."
        )
    elif task.confidence is not None and others is not None:
        task.confidence.about["foreign"] = list(map(foreign.about, recipe.foreign))
        task.config["confidence"] = task.confidence.to_config()


def measured(task: Task, examples) -> tuple[dict, dict | None]:
    """The metrics of labelled examples, and which share of their answers is marked: {"n", "share"}."""
    marks: list[bool] = []
    answers = task.answers(examples, marks=marks)
    return task.measure(examples, answers), share(marks)


def share(marks: Sequence[bool]) -> dict | None:
    """The number of answers and the share that is marked; None where the preset marks none."""
    return {"n": len(marks), "share": round(sum(marks) / len(marks), 4)} if marks else None


def strangers(task: Task, recipe: Recipe, say: Callable[[str], None]) -> dict[str, dict]:
    """The share of the answers to foreign items that is marked, for each set of `recipe.strangers` that is there.

    An item that is given back unchanged, as the result says, has no answer that could be trusted or not.
    """
    found = {}
    for name in recipe.strangers:
        try:
            items = foreign.load(name, task.most_foreign)
        except UserError as error:
            say(f"{error}: not measured.")
            continue
        results = task.predict(items)
        answers = [result for result in results if result.error is None and not result.unchanged]
        found[foreign.about(name)] = share([answer.low_confidence for answer in answers])
    return found

"""Cross-validation: of few examples each is answered by a model that has not seen it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from zoo.data import Examples
from zoo.interval import FEW
from zoo.tasks.base import Task

FOLDS = 5


def folds(train: Examples, held: Examples) -> int:
    """Into how many parts examples are cut; 0 where they are many enough, or a class is too small for it."""
    counts = np.bincount(np.concatenate([train.labels, held.labels]), minlength=len(train.names))
    return min(FOLDS, counts.min()) if counts.sum() < FEW and counts.min() > 1 else 0


def measured(learn: Callable[[Examples], Task], train: Examples, held: Examples, parts: int, seed: int) -> dict:
    """The metrics over all examples, those of each part by what was learned from the others.

    Args:
        learn: Examples -> a task that has learned from them.
        train: Training examples.
        held: Validation examples, of the same source.
        parts: How many.
        seed: Chooses them.

    Returns:
        {"folds", "n", "metrics"}.
    """
    from sklearn.model_selection import StratifiedKFold

    whole = dataclasses.replace(
        train, raw=np.concatenate([train.raw, held.raw]), labels=np.concatenate([train.labels, held.labels])
    )
    order, answers = [], []
    cut = StratifiedKFold(parts, shuffle=True, random_state=seed)
    for seen, unseen in cut.split(whole.labels, whole.labels):
        task = learn(whole.take(seen))
        answers.append(task.answers(whole.take(unseen)))
        order.append(unseen)
    metrics = task.measure(whole.take(np.concatenate(order)), np.concatenate(answers))
    return {"folds": int(parts), "n": len(whole), "metrics": metrics}

"""Finishing a training: the preset folder, calibrated and measured as it will be used, with its card."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo import interval, preset
from zoo.data import examples as data_examples
from zoo.metrics import is_share, shown
from zoo.tasks.base import Task
from zoo.training import calibration, card, crossvalidation, curve
from zoo.training.job import Job
from zoo.training.preparing import Prepared


@dataclasses.dataclass(frozen=True)
class _Measured:
    """The metrics of one set of examples.

    Attributes:
        examples: The set.
        split: Its name on the card.
        metrics: Name -> value.
        low: The share of its answers that is marked; None where none is ever.
    """

    examples: object
    split: str
    metrics: Mapping
    low: dict | None


def finish(job: Job, prepared: Prepared, history: Sequence[Mapping]) -> Task:
    """Writes the preset of a trained task; returns the task as it is loaded from there.

    Of a training that diverged only history, curve and scores.json are written, which tells the epoch.
    """
    if not all(map(math.isfinite, history[-1].values())):
        with preset.replacing(job.out) as partial:
            _write_diverged(partial, job, history)
        return prepared.task
    validated = {}
    if prepared.folds:
        job.say(f"Fewer than {interval.FEW} examples: {prepared.folds} more trainings for a cross-validation.")
        train, held, _ = prepared.sets
        validated = {"cross_validation": crossvalidation.measured(job, train, held, prepared.folds)}
    with preset.replacing(job.out) as partial:
        return _write(partial, job, prepared, history, validated)


def _write(folder: Path, job: Job, prepared: Prepared, history: Sequence[Mapping], validated: Mapping) -> Task:
    """Writes the preset; calibrates and measures what was written, in half precision as it will be used."""
    recipe, task, (train, held, _) = job.recipe, prepared.task, prepared.sets
    task.write(folder)
    _write_history(folder, history)
    curve.draw(history, recipe, folder / "curve.png", title=task.config["name"])
    shipped = type(task).load(folder, preset.read_config(folder))
    if held is not None:
        calibration.calibrate(shipped, recipe, train, held, job.source is not None, job.say)
        shipped.write_config(folder)
    scores = _scores(job, prepared, shipped, history, validated)
    preset.write_json(folder / "scores.json", scores)
    (folder / "card.md").write_text(card.text(recipe, shipped.config, scores), encoding="utf-8")
    if job.source is not None:
        data_examples.remember(folder, train)
    _tell(job, scores, validated)
    return shipped


def _write_diverged(folder: Path, job: Job, history: Sequence[Mapping]) -> None:
    """Writes what is left of a training that diverged: its weights are no numbers."""
    epoch = history[-1]["epoch"]
    _write_history(folder, history)
    curve.draw(history, job.recipe, folder / "curve.png", title=job.name)
    scores = {"preset": job.name, "data": str(job.source or job.recipe.data), "diverged": epoch}
    preset.write_json(folder / "scores.json", {**scores, **_origin(job, history)})
    job.say(f"The training diverged in epoch {epoch}: {job.out} has its history, and no preset.")


def _write_history(folder: Path, history: Sequence[Mapping]) -> None:
    with open(folder / "history.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, history[0].keys())
        writer.writeheader()
        writer.writerows(history)


def _scores(job: Job, prepared: Prepared, task: Task, history: Sequence[Mapping], validated: Mapping) -> dict:
    """The fields of scores.json, measured on the test split, or on the validation examples where there is none."""
    recipe, (_, held, test) = job.recipe, prepared.sets
    split = "test" if job.source is not None else recipe.splits[1]
    measured = [
        _Measured(examples, name, *calibration.measured(task, examples))
        for examples, name in ((held, "validation"), (test, split))
        if examples is not None
    ]
    scores: dict = {"preset": task.config["name"], "data": task.config["data"]}
    if measured:
        last = measured[-1]
        scores |= {"split": last.split, "n": len(last.examples), "metrics": last.metrics}
        if last.low is not None:
            official = test is not None and job.source is None
            foreign = calibration.strangers(task, recipe, job.say) if official else {}
            scores["low_confidence"] = last.low | {"foreign": foreign}
    else:
        scores |= {"split": None, "n": 0, "metrics": {}}
    scores |= validated
    if held is not None:
        scores["validation"] = {"n": len(held), "metrics": measured[0].metrics}
        if job.source is not None:
            scores["validation"]["data"] = held.source
    return scores | _origin(job, history)


def _origin(job: Job, history: Sequence[Mapping]) -> dict:
    """The fields of scores.json that tell how they came about."""
    return {
        "seed": job.recipe.seed,
        "minutes": round(sum(row["seconds"] for row in history) / 60 + job.before, 1),
        "command": job.command,
        "date": datetime.date.today().isoformat(),
    }


def _tell(job: Job, scores: Mapping, validated: Mapping) -> None:
    """Says the scores."""
    told = [(scores["metrics"], scores["n"], scores["split"])]
    for found in validated.values():
        told.append((found["metrics"], found["n"], f"cross-validation, {found['folds']} folds"))
    for metrics, count, place in told:
        if job.recipe.metric in metrics:
            job.say(_sentence(job.recipe.metric, metrics, count, place))


def _sentence(metric: str, metrics: Mapping, n: int, where: str) -> str:
    """A score, and of a share how far it can be trusted."""
    trust = f"; {interval.told(metrics[metric], n)}" if is_share(metric) else ""
    return f"{metric} {shown(metric, metrics[metric])} on {n:,} examples ({where}){trust}."

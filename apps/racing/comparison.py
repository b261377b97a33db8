"""Optimizers on a recipe's real data, with the same budget for each.

Each gets the same examples, epochs, schedule and number of learning rates: its own default and that times and divided
by `FACTOR`. The rate is chosen by the validation data, after the last epoch; then further seeds show how much is
chance. Of one seed, all runs start from the same weights and see the same batches. The test split chooses nothing: it
is measured at the end, with the chosen rate.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import keras
import numpy as np

from apps.racing.entrants import Entrant
from zoo import metrics, tasks, training
from zoo.data import Examples
from zoo.data.batching.base import Batches
from zoo.errors import UserError
from zoo.metrics import shown
from zoo.recipe import Recipe
from zoo.training import sets as training_sets
from zoo.training.new_task import new_task

FACTOR = 5.0
EXAMPLES, EPOCHS, RATES, SEEDS = 6000, 3, 3, 3
HELD = 2000  # validation examples at most
_TIMED = 8  # steps


@dataclass(frozen=True)
class Plan:
    """The budget of each optimizer."""

    examples: int
    epochs: int
    rates: int
    seeds: int

    @property
    def runs(self) -> int:
        """Trainings of one optimizer; the one that chose the rate is the first of the seeds."""
        return self.rates + self.seeds - 1

    def grid(self, default: float) -> list[float]:
        """The learning rates around a default."""
        powers = {1: (0,), 2: (0, 1), 3: (-1, 0, 1)}[self.rates]
        return [float(f"{default * FACTOR**power:.6g}") for power in powers]


WHOLE = Plan(EXAMPLES, EPOCHS, RATES, SEEDS)
# What is given up for a budget, in this order: epochs, rates and seeds, and the least share of the examples that still
# counts there. The search goes last: without it, the comparison is of defaults.
_STEPS_DOWN = ((3, 3, 3, 1 / 4), (2, 3, 3, 1 / 4), (1, 3, 3, 1 / 4), (1, 3, 1, 1 / 8), (1, 1, 1, 0))


@dataclass(frozen=True)
class Cost:
    """Measured seconds: of a training's first step, per training example, per example that is only evaluated."""

    start: float
    example: float
    evaluation: float

    def seconds(self, plan: Plan, held: int, test: int) -> float:
        """Of all runs of one optimizer."""
        run = self.start + plan.epochs * (plan.examples * self.example + held * self.evaluation)
        return plan.runs * run + plan.seeds * test * self.evaluation


def race(
    recipe: Recipe,
    entrants: Sequence[Entrant],
    seed: int,
    budget: float | None,
    say: Callable[[str], None],
    emit: Callable[[list[dict]], None],
    whole: Plan = WHOLE,
) -> dict:
    """Compares optimizers.

    Args:
        recipe: Data, model, augmentation, schedule, batch size. Its own optimizer plays no part.
        entrants: Who takes part.
        seed: The first seed; the others follow it.
        budget: Minutes that all of it may take; None for the whole plan.
        say: Takes sentences for a person.
        emit: Takes JSON objects: the plan, then one for each optimizer.
        whole: The plan that a budget cuts down.

    Returns:
        What race.json holds.

    Raises:
        UserError: The data are nowhere, or the budget is too small for one run of each.
    """
    started = time.monotonic()
    found = _examples(recipe, whole, budget, seed)
    cost = _timed(recipe, entrants[0], found.train, seed)
    chosen = found.plan
    spent = time.monotonic() - started
    if budget is not None:
        chosen = _within(found, cost, recipe, len(entrants), budget, spent)
    minutes = (spent + len(entrants) * cost.seconds(chosen, len(found.held), len(found.test))) / 60
    cut = found.cut + _differences(found.plan, chosen)
    train = _cut(found.train, chosen.examples, seed)
    told = {
        "recipe": recipe.name,
        "data": recipe.data,
        "metric": recipe.metric,
        "examples": len(train),
        "validation_examples": len(found.held),
        "test_examples": len(found.test),
        "epochs": chosen.epochs,
        "rates": chosen.rates,
        "rate_factor": FACTOR,
        "seeds": list(range(seed, seed + chosen.seeds)),
        "cut": cut,
        "estimated_minutes": round(minutes, 1),
    }
    say(
        f"About {minutes:.1f} minutes: {len(entrants)} optimizers, {chosen.runs} trainings each "
        f"({chosen.rates} rates, {chosen.seeds} seeds) of {chosen.epochs} epochs over {len(train):,} examples; "
        f"{len(found.held):,} to validate."
    )
    if cut:
        say(f"Cut to fit {budget:g} minutes: {', '.join(cut)}.")
    emit([told])
    task = new_task(recipe, recipe.name, train)
    sets = train, task.batches(train, recipe.batch_size, recipe.augment() if recipe.augment else ())
    held, test = (task.batches(examples, recipe.batch_size) for examples in (found.held, found.test))
    entries = []
    for entrant in entrants:
        entry = _entry(recipe, entrant, chosen, told["seeds"], sets, held, test)
        entries.append(entry)
        emit([entry])
        rate, scores = entry["learning_rate"], [entry[name]["mean"] for name in ("validation", "test")]
        scores = [shown(recipe.metric, score) for score in scores]
        say(f"{entrant.name}: rate {rate:g}, validation {scores[0]}, test {scores[1]}")
    return {**told, "minutes": round((time.monotonic() - started) / 60, 2), "optimizers": entries}


class _Found(NamedTuple):
    """The examples of a comparison.

    Attributes:
        train: Training examples.
        held: Validation examples.
        test: Test examples.
        plan: The plan for as many training examples as there are.
        cut: Sentences on what a budget has cut.
    """

    train: Examples
    held: Examples
    test: Examples
    plan: Plan
    cut: list[str]


def _examples(recipe: Recipe, whole: Plan, budget: float | None, seed: int) -> _Found:
    train, held, test = training_sets.load(recipe, tasks.get(recipe.task))
    train, held = _cut(train, whole.examples, seed), _cut(held, HELD, seed)
    cut = []
    if budget is not None and len(test) > HELD:
        cut = [f"test examples {len(test):,} -> {HELD:,}"]
        test = _cut(test, HELD, seed)
    return _Found(train, held, test, dataclasses.replace(whole, examples=min(whole.examples, len(train))), cut)


def _within(found: _Found, cost: Cost, recipe: Recipe, count: int, budget: float, spent: float) -> Plan:
    """The largest plan that a budget of minutes has room for.

    Raises:
        UserError: It is too small for one run of each.
    """
    held, test = len(found.held), len(found.test)
    least = min(len(found.train), max(recipe.batch_size, 10 * len(found.train.names)))
    chosen = fitting(found.plan, cost, count, held, test, least, budget * 60 - spent)
    if chosen is None:
        smallest = Plan(least, epochs=1, rates=1, seeds=1)
        needed = (spent + count * cost.seconds(smallest, held, test)) / 60
        raise UserError(
            f"--budget {budget:g}: too small for one run of each of {count} optimizers, which takes about "
            f"{math.ceil(needed * 10) / 10:.1f} minutes here"
        )
    return chosen


def _differences(before: Plan, after: Plan) -> list[str]:
    """ "epochs 3 -> 1" of each number that differs."""
    names = ("examples", "epochs", "rates", "seeds")
    rows = zip(names, dataclasses.astuple(before), dataclasses.astuple(after), strict=True)
    return [f"{name} {one:,} -> {other:,}" for name, one, other in rows if one != other]


def _entry(recipe: Recipe, entrant: Entrant, plan: Plan, seeds: Sequence[int], sets, held, test) -> dict:
    """One optimizer: the search for its rate, then the further seeds with it."""
    rates = plan.grid(entrant.default_rate)
    tried = [_run(recipe, entrant, rate, seeds[0], plan.epochs, *sets, held) for rate in rates]
    best = max(range(len(rates)), key=lambda index: _last(tried[index][0], recipe.metric))
    first = tried[best]
    tried = [history for history, _ in tried]  # lets the other models go
    others = [_run(recipe, entrant, rates[best], seed, plan.epochs, *sets, held) for seed in seeds[1:]]
    runs = [first, *others]
    return {
        "optimizer": entrant.name,
        "learning_rate": rates[best],
        "rate_at_edge": len(rates) > 1 and best in (0, len(rates) - 1),
        "search": [
            {"learning_rate": rate, "validation": history[recipe.metric][-1]}
            for rate, history in zip(rates, tried, strict=True)
        ],
        "validation": _summary([history[recipe.metric][-1] for history, _ in runs]),
        "by_epoch": [history[recipe.metric] for history, _ in runs],
        "test": _summary([_measured(trainer, test)[recipe.metric] for _, trainer in runs]),
    }


def fitting(whole: Plan, cost: Cost, count: int, held: int, test: int, least: int, seconds: float) -> Plan | None:
    """The largest plan that `count` optimizers finish in time; None if there is none.

    Fewer examples first, then fewer epochs, then one seed, then the default rate alone; see `_STEPS_DOWN`.
    """
    for *down, share in _STEPS_DOWN:
        epochs, rates, seeds = (min(pair) for pair in zip(down, dataclasses.astuple(whole)[1:], strict=True))
        empty = Plan(0, epochs, rates, seeds)
        room = seconds / count - cost.seconds(empty, held, test)
        examples = int(min(whole.examples, room / (empty.runs * epochs * cost.example)))
        if examples >= max(least, whole.examples * share):
            return Plan(examples, epochs, rates, seeds)
    return None


def _run(recipe, entrant, rate, seed, epochs, train, train_batches, held_batches) -> tuple[dict, keras.Model]:
    """One training: the validation values of each epoch, and the trained model."""
    trainer = _trainer(recipe, entrant, rate, seed, epochs, train, train_batches)
    history = trainer.fit(
        train_batches.training(seed, 0, epochs),
        steps_per_epoch=train_batches.steps,
        epochs=epochs,
        validation_data=held_batches.in_order(),
        shuffle=False,
        verbose=0,
    ).history
    return {key.removeprefix("val_"): values for key, values in history.items() if key.startswith("val_")}, trainer


def _trainer(recipe, entrant, rate, seed, epochs, train, batches) -> keras.Model:
    """A new model with the first weights of this seed, whichever the optimizer."""
    arguments = dict(entrant.arguments)
    if entrant.optimizer == "BatchGradientDescent":
        last = batches.size - (batches.steps - 1) * batches.batch_size
        arguments |= {"steps_per_epoch": batches.steps, "last_batch": last / batches.batch_size}
    own = dataclasses.replace(
        recipe,
        optimizer=entrant.optimizer,
        optimizer_arguments=arguments,
        learning_rate=rate,
        epochs=epochs,
        seed=seed,
    )
    keras.utils.set_random_seed(seed)
    return training.compiled(own, new_task(own, recipe.name, train), batches.steps)


def _timed(recipe: Recipe, entrant: Entrant, train: Examples, seed: int) -> Cost:
    """Runs a few steps by the clock."""
    few = _cut(train, _TIMED * recipe.batch_size, seed)
    batches = new_task(recipe, recipe.name, train).batches(
        few, recipe.batch_size, recipe.augment() if recipe.augment else ()
    )
    trainer = _trainer(recipe, entrant, entrant.default_rate, seed, 1, train, batches)
    clock = time.monotonic()
    trainer.fit(batches.training(seed, 0, 1), steps_per_epoch=1, shuffle=False, verbose=0)
    _measured(trainer, batches)
    first = time.monotonic()
    trainer.fit(batches.training(seed, 0, 1), steps_per_epoch=batches.steps, shuffle=False, verbose=0)
    trained = time.monotonic()
    _measured(trainer, batches)
    evaluated = time.monotonic()
    return Cost(first - clock, (trained - first) / batches.size, (evaluated - trained) / batches.size)


def _measured(trainer: keras.Model, batches: Batches) -> dict:
    return trainer.evaluate(batches.in_order(), verbose=0, return_dict=True)


def _cut(examples: Examples, count: int, seed: int) -> Examples:
    """A stratified part of about `count` examples; all of them where there are no more."""
    return examples if len(examples) <= count else examples.split(count / len(examples), seed)[1]


def _last(history: dict, metric: str) -> tuple[float, float]:
    """Sort key of the choice: the metric after the last epoch, then the loss; a diverged run is last."""
    score, loss = history[metric][-1], history["loss"][-1]
    sign = -1 if metrics.get(metric).better == "lower" else 1
    return (sign * score, -loss) if math.isfinite(loss) else (-math.inf, -math.inf)


def _summary(values: Sequence[float]) -> dict:
    values = [float(value) for value in values]
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {"mean": float(np.mean(values)), "deviation": deviation, "values": values}

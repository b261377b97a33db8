"""A preset's card, generated from its recipe and its scores: what it is, what it scores, what it cannot do."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from zoo import interval
from zoo.metrics import is_share, shown
from zoo.recipe import Recipe


def text(recipe: Recipe, config: Mapping, scores: Mapping) -> str:
    """The card as Markdown.

    Args:
        recipe: What was trained.
        config: The preset's `config.json`.
        scores: The preset's `scores.json`.
    """
    own = config["data"] != recipe.data
    metric = recipe.metric
    lines = [f"# {config['name']}", "", "Trained on the user's own data." if own else recipe.about, ""]
    lines += ["## Score", "", f"| what | {metric} |", "|---|---|"]
    value = shown(metric, scores["metrics"][metric])
    place = f"{scores['data']}, {scores['split']} split, {scores['n']:,} examples"
    lines.append(f"| **this preset**, {place} | {value} |")
    if is_share(metric):
        lines[-1] = lines[-1].removesuffix(" |") + f" ({interval.told(scores['metrics'][metric], scores['n'])}) |"
    if found := scores.get("cross_validation"):
        value = f"{shown(metric, found['metrics'][metric])} ({interval.told(found['metrics'][metric], found['n'])})"
        lines.append(f"| cross-validation, {found['folds']} folds, {found['n']:,} examples | {value} |")
    held = scores["validation"]
    if scores["split"] != "validation":
        value = shown(metric, held["metrics"][metric])
        lines.append(f"| the same, {held['n']:,} validation examples | {value} |")
    if not own:
        lines += [f"| {other.what} ({other.source}) | {shown(metric, other.score)} |" for other in recipe.comparisons]
    if others := {key: value for key, value in scores["metrics"].items() if key != metric}:
        lines += ["", "Besides: " + ", ".join(f"{key} {shown(key, value)}" for key, value in others.items()) + "."]
    name = config["name"]
    again = "FOLDER" if own else name
    if scores["split"] == "validation":
        data = config["data"]
        again = f"FOLDER --data {shlex.quote(data) if Path(data).exists() else 'DATA'}"
    origin = f"the {recipe.validation if isinstance(recipe.validation, str) else 'training'} split"
    if own:
        origin = held.get("data", "the data")
    lines += [
        "",
        f"Again: `zoo evaluate {again}`. The validation examples come out of {origin}; the test split",
    ]
    lines[-1] += " has chosen nothing." if scores["split"] != "validation" else " does not exist here."
    lines += _low_confidence(config, scores)
    arguments = _listed(config["arguments"])
    optimizer = _listed(recipe.optimizer_arguments)
    # A model with a loss of its own has it among its arguments.
    smoothing = f"label smoothing {recipe.label_smoothing}, " if recipe.label_smoothing else ""
    lines += [
        "",
        "## Making",
        "",
        f"- Command: `{scores['command']}`" if scores["command"] else f"- Recipe: {recipe.name}",
        f"- Model: {config['model']} ({arguments})",
        f"- Optimizer: {recipe.optimizer} ({optimizer or 'defaults'}), learning rate {recipe.learning_rate:g}, "
        f"warm-up {recipe.warmup:.0%}, cosine to 0",
        f"- {recipe.epochs} epochs, batch {recipe.batch_size}, {smoothing}seed {scores['seed']}",
        f"- `model.fit` took {scores['minutes']} minutes on a machine of 2 CPU cores, {scores['date']}",
        *([_started(recipe.start)] if recipe.start is not None else []),
        *([f"- Search: {_listed(config['decoding'])}"] if "decoding" in config else []),
        "- Weights are stored in half precision; the score is that of the stored weights.",
        "",
        "## Data and terms",
        "",
        config["data_terms"] + ".",
    ]
    if recipe.limits and not own:
        lines += ["", "## Limits", "", *(f"- {limit}" for limit in recipe.limits)]
    if "labels" in config:
        lines += ["", "## Labels", "", ", ".join(config["labels"])]
    return "\n".join(lines) + "\n"


_NUMBERS = {
    "distance": "the distance of its item from the training's",
    "energy": "the energy of its logits",
    "foreign": "a logistic rule on the words of its item",
    "score": "the score per token, turned round,",
    "unknown": "the share of unknown words in its item",
}


def _low_confidence(config: Mapping, scores: Mapping) -> list[str]:
    """From when on answers are marked, and which share of them is."""
    if "confidence" not in config or "low_confidence" not in scores:
        return []
    rule, marked = config["confidence"], scores["low_confidence"]
    numbers = " or ".join(_NUMBERS[name] for name in rule["limits"])
    fitted = ""
    if rule.get("foreign"):
        fitted = f" The rule was fitted on {', '.join(rule['foreign'])}, none of what is below."
    lines = [
        f"An answer is marked `low_confidence` where {numbers} is above what {rule['validation']:,} "
        f"validation examples set; `--strict` then gives no answer.{fitted}",
        "",
        "| items | marked |",
        "|---|---|",
        f"| {scores['data']}, {scores['split']} split, {marked['n']:,} | {marked['share']:.1%} |",
    ]
    for name, found in marked["foreign"].items():
        lines.append(f"| foreign: {name}, {found['n']:,} | {found['share']:.1%} |")
    return ["", "## Low confidence", "", *lines]


def _started(recipe: Recipe) -> str:
    return (
        f"- It starts from what the same model learned from {recipe.data}: {recipe.epochs} epochs, batch "
        f"{recipe.batch_size}, learning rate {recipe.learning_rate:g}; the minutes count both"
    )


def _listed(arguments: Mapping) -> str:
    return ", ".join(f"{key}={value}" for key, value in arguments.items())

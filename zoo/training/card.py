"""A preset's card, generated from its recipe and its scores: what it is, what it scores, what it cannot do."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from zoo import interval, tasks
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
    lines = [f"# {config['name']}", "", "Trained on the user's own data." if own else recipe.about, ""]
    lines += _score(recipe, config, scores, own) if scores["metrics"] else []
    lines += _low_confidence(config, scores)
    lines += _making(recipe, config, scores)
    lines += ["", "## Data and terms", "", config["data_terms"] + "."]
    if recipe.limits and not own:
        lines += ["", "## Limits", "", *(f"- {limit}" for limit in recipe.limits)]
    for title, paragraph in tasks.get(config["task"]).card_sections(config).items():
        lines += ["", f"## {title}", "", paragraph]
    return "\n".join(lines) + "\n"


def _score(recipe: Recipe, config: Mapping, scores: Mapping, own: bool) -> list[str]:
    """The metric beside what it is compared with, and the command that measures it again."""
    metric, measured = recipe.metric, scores["metrics"]
    place = f"{scores['data']}, {scores['split']} split, {scores['n']:,} examples"
    rows = [(f"**this preset**, {place}", _value(metric, measured, scores["n"]))]
    if found := scores.get("cross_validation"):
        what = f"cross-validation, {found['folds']} folds, {found['n']:,} examples"
        rows.append((what, _value(metric, found["metrics"], found["n"])))
    if "validation" in scores and scores["split"] != "validation":
        held = scores["validation"]
        rows.append((f"the same, {held['n']:,} validation examples", shown(metric, held["metrics"][metric])))
    if not own:
        rows += [(f"{other.what} ({other.source})", shown(metric, other.score)) for other in recipe.comparisons]
    lines = ["## Score", "", f"| what | {metric} |", "|---|---|", *(f"| {what} | {value} |" for what, value in rows)]
    if others := {key: value for key, value in measured.items() if key != metric}:
        lines += ["", "Besides: " + ", ".join(f"{key} {shown(key, value)}" for key, value in others.items()) + "."]
    return [*lines, "", *_again(recipe, config, scores, own)]


def _value(metric: str, metrics: Mapping, n: int) -> str:
    """A score, and of a share its interval."""
    trust = f" ({interval.told(metrics[metric], n)})" if is_share(metric) else ""
    return shown(metric, metrics[metric]) + trust


def _again(recipe: Recipe, config: Mapping, scores: Mapping, own: bool) -> list[str]:
    """The command that measures again, and where the examples come from."""
    again = "FOLDER" if own else config["name"]
    if scores["split"] == "validation":
        data = config["data"]
        again = f"FOLDER --data {shlex.quote(data) if Path(data).exists() else 'DATA'}"
    if "validation" not in scores:
        return [f"Again: `zoo evaluate {again}`. Nothing was validated while it was trained."]
    origin = f"the {recipe.validation if isinstance(recipe.validation, str) else 'training'} split"
    if own:
        origin = scores["validation"].get("data", "the data")
    ends = " does not exist here." if scores["split"] == "validation" else " has chosen nothing."
    return [f"Again: `zoo evaluate {again}`. The validation examples come out of {origin}; the test split{ends}"]


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


def _making(recipe: Recipe, config: Mapping, scores: Mapping) -> list[str]:
    """The command, the model and the numbers of the training."""
    smoothing = recipe.options.get("label_smoothing")
    smoothing = f"label smoothing {smoothing}, " if smoothing else ""
    lines = [
        f"- Command: `{scores['command']}`" if scores["command"] else f"- Recipe: {recipe.name}",
        f"- Model: {config['model']} ({_listed(config['arguments'])})",
    ]
    for update in recipe.updates.values():
        rate = "" if recipe.schedule else f", warm-up {recipe.warmup:.0%}, cosine to 0"
        lines.append(
            f"- Optimizer: {update.optimizer} ({_listed(update.arguments) or 'defaults'}), "
            f"learning rate {update.learning_rate:g}{rate}"
        )
    lines += [
        f"- {recipe.epochs} epochs, batch {recipe.batch_size}, {smoothing}seed {scores['seed']}",
        f"- `model.fit` took {scores['minutes']} minutes on a machine of 2 CPU cores, {scores['date']}",
    ]
    if recipe.start is not None:
        start = recipe.start
        lines.append(
            f"- It starts from what the same model learned from {start.data}: {start.epochs} epochs, batch "
            f"{start.batch_size}, learning rate {start.learning_rate:g}; the minutes count both"
        )
    if "decoding" in config:
        lines.append(f"- Search: {_listed(config['decoding'])}")
    lines.append("- Weights are stored in half precision; the score is that of the stored weights.")
    return ["", "## Making", "", *lines]


def _listed(arguments: Mapping) -> str:
    return ", ".join(f"{key}={value}" for key, value in arguments.items())

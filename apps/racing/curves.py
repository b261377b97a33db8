"""The comparison on real data as a picture: the search, the curves, the scores. It draws what `comparison` measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO

import numpy as np
from matplotlib.figure import Figure

from apps.racing.looks import LOOKS


def draw(measured: Mapping, stream: IO[bytes]) -> None:
    """Writes the PNG.

    Args:
        measured: As `comparison.race` gives it.
        stream: Where to.
    """
    entries, metric = measured["optimizers"], measured["metric"]
    figure = Figure(figsize=(15, 4.6 + 0.12 * len(entries)), layout="constrained")
    figure.suptitle(
        f"{measured['recipe']}: {measured['examples']:,} training examples, {_count(measured['epochs'], 'epoch')}, "
        f"{_count(len(measured['seeds']), 'seed')}, {_count(measured['rates'], 'learning rate')} each",
        fontsize=15,
    )
    search, curves, scores = figure.subplots(1, 3, width_ratios=[1, 1, 1.1])
    for place, entry in enumerate(entries):
        look = {**LOOKS[place % len(LOOKS)], "markersize": 6, "markeredgewidth": 1.3}
        name = entry["optimizer"]
        rates = [each["learning_rate"] for each in entry["search"]]
        search.plot(rates, [each["validation"] for each in entry["search"]], **look, label=name)
        chosen = [each["learning_rate"] for each in entry["search"]].index(entry["learning_rate"])
        search.plot(
            entry["learning_rate"],
            entry["search"][chosen]["validation"],
            marker="o",
            markersize=14,
            markerfacecolor="none",
            markeredgecolor="0.3",
            linestyle="none",
        )
        values = np.array(entry["by_epoch"])  # seeds, epochs
        epochs = np.arange(1, values.shape[1] + 1) + (place - (len(entries) - 1) / 2) * 0.05
        curves.errorbar(epochs, values.mean(0), _deviation(values), **look, capsize=4, label=name)
        test = np.array(entry["test"]["values"])
        scores.plot(test, np.full(len(test), place) + 0.12, **{**look, "linestyle": "none"}, alpha=0.7)
        scores.errorbar(
            test.mean(), place - 0.12, xerr=_deviation(test), fmt="|", color="black", capsize=5, markersize=13
        )
        scores.annotate(
            f"{test.mean():.2%}", (test.mean(), place - 0.12), (0, 9), textcoords="offset points", ha="center"
        )
    search.set(xscale="log", xlabel="learning rate (ringed: chosen)", ylabel=f"validation {metric}, first seed")
    search.set_title("The search")
    curves.set(xlabel="epoch", xlim=(0.5, measured["epochs"] + 0.5), ylabel=f"validation {metric}, mean ± deviation")
    curves.set_title("The chosen rates")
    curves.xaxis.get_major_locator().set_params(integer=True)
    names = [f"{e['optimizer']}\nrate {e['learning_rate']:g}{'*' if e['rate_at_edge'] else ''}" for e in entries]
    scores.set_yticks(range(len(entries)), names)
    scores.set(xlabel=f"test {metric}: each seed, and mean ± deviation", ylim=(len(entries) - 0.5, -0.6))
    scores.set_title("At the end, on data that chose nothing")
    curves.legend(handlelength=4)
    scores.margins(x=0.12)
    if any(entry["rate_at_edge"] for entry in entries):
        figure.supxlabel("* best at the edge of its grid of rates: a better one may lie beyond", fontsize=10)
    for axes in (search, curves, scores):
        axes.grid(alpha=0.3)
    figure.savefig(stream, format="png", dpi=110)


def _deviation(values: np.ndarray) -> np.ndarray:
    return values.std(0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1:])


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"

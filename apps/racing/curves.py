"""The comparison on real data as a picture: the search, the curves, the scores. It draws what `comparison` measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import IO

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from apps.racing import line_styles
from apps.racing.line_styles import LINE_STYLES


def draw(measured: Mapping, stream: IO[bytes]) -> None:
    """Writes the PNG.

    Args:
        measured: As `comparison.race` gives it.
        stream: Where to.
    """
    entries, metric = measured["optimizers"], measured["metric"]
    lines = math.ceil(len(entries) / 7)  # of the legend
    above, below = 0.3 * lines, 0.5 + 0.26 * len(entries)  # inches
    figure = Figure(figsize=(15, above + 5.1 + below), layout="constrained")
    figure.suptitle(
        f"{measured['recipe']}: {measured['examples']:,} training examples, {_count(measured['epochs'], 'epoch')}, "
        f"{_count(len(measured['seeds']), 'seed')}, {_count(measured['rates'], 'learning rate')} each",
        fontsize=15,
    )
    grid = figure.add_gridspec(3, 3, width_ratios=[1, 1, 1.1], height_ratios=[above, 4.2, below])
    search, curves, scores = (figure.add_subplot(grid[1, column]) for column in range(3))
    handles = []
    for place, entry in enumerate(entries):
        look = {**LINE_STYLES[place % len(LINE_STYLES)], "markersize": 6, "markeredgewidth": 1.3}
        name = entry["optimizer"]
        handles.append(Line2D([], [], **look, label=name))
        rates = [each["learning_rate"] for each in entry["search"]]
        search.plot(rates, [each["validation"] for each in entry["search"]], **look)
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
        curves.errorbar(epochs, values.mean(0), _deviation(values), **look, capsize=4)
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
    scores.set_yticks(range(len(entries)), [entry["optimizer"] for entry in entries])
    scores.set(xlabel=f"test {metric}: each seed, and mean ± deviation", ylim=(len(entries) - 0.5, -0.6))
    scores.set_title("At the end, on data that chose nothing")
    scores.margins(x=0.12)
    line_styles.legend(figure.add_subplot(grid[0, :]), handles, columns=math.ceil(len(handles) / lines))
    head, rows, note = scores_table(measured)
    line_styles.table(figure.add_subplot(grid[2, :]), [head, *rows], note)
    for axes in (search, curves, scores):
        axes.grid(alpha=0.3)
    figure.savefig(stream, format="png", dpi=110)


def scores_table(measured: Mapping) -> tuple[list[str], list[list[str]], str]:
    """Head, rows and a note of the table of rates and scores."""
    rows = []
    for entry in measured["optimizers"]:
        held, test = entry["validation"], entry["test"]
        rows.append(
            [
                entry["optimizer"],
                f"{entry['learning_rate']:.3g}{'*' if entry['rate_at_edge'] else ''}",
                f"{held['mean']:.2%} ± {held['deviation']:.2%}",
                f"{test['mean']:.2%} ± {test['deviation']:.2%}",
            ]
        )
    edge = " * best at the edge of its grid: a better rate may lie beyond." if "*" in str(rows) else ""
    head = ["optimizer", "rate", f"validation {measured['metric']}", f"test {measured['metric']}"]
    return head, rows, f"Mean and standard deviation over {len(measured['seeds'])} seeds.{edge}"


def _deviation(values: np.ndarray) -> np.ndarray:
    return values.std(0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1:])


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"

"""The race over surfaces as a picture and as a moving one. It draws what `search` has measured.

Curves differ by line style and marker as well as by colour, so that a grey print or a colour-blind eye tells them apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import IO

import numpy as np
from matplotlib.animation import PillowWriter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from apps.racing.search import NOISE, RULE, Run
from apps.racing.surfaces import Surface

# Colours of Okabe and Ito, ordered so that neighbours differ in lightness too.
_LOOKS = (
    {"color": "#000000", "linestyle": "-", "marker": "o"},
    {"color": "#56B4E9", "linestyle": "-", "marker": "x"},
    {"color": "#D55E00", "linestyle": "--", "marker": "s"},
    {"color": "#009E73", "linestyle": "-.", "marker": "^"},
    {"color": "#CC79A7", "linestyle": ":", "marker": "D"},
    {"color": "#0072B2", "linestyle": (0, (6, 1, 1, 1, 1, 1)), "marker": "v"},
    {"color": "#E69F00", "linestyle": (0, (1, 1)), "marker": "P"},
    {"color": "#666666", "linestyle": (0, (8, 2)), "marker": "*"},
)
MOST = len(_LOOKS)  # curves that can be told apart in one picture
_COLUMNS = 4
FRAMES = 48
FRAMES_PER_SECOND = 8


def still(runs: Sequence[Run], stream: IO[bytes]) -> None:
    """Writes the PNG: a panel for each surface with all trajectories, rates and steps."""
    surfaces = _surfaces(runs)
    columns = min(_COLUMNS, len(surfaces))
    rows = math.ceil(len(surfaces) / columns)
    entrants = len(runs) // len(surfaces)
    figure = Figure(figsize=(max(4.3 * columns, 7), rows * (3.4 + 0.19 * entrants) + 0.9), layout="constrained")
    figure.suptitle(_title(runs), fontsize=15)
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for axes, surface in zip(panels, surfaces, strict=False):
        _ground(axes, surface)
        here = [run for run in runs if run.surface is surface]
        for place, run in enumerate(here):
            axes.plot(*_within(run).T, **_look(place), markevery=0.09, label=_label(run))
            _mark_exit(axes, run, place)
        _marks(axes, surface)
        axes.legend(
            loc="upper left",
            bbox_to_anchor=(-0.08, -0.16),
            ncols=1,
            fontsize=8.5,
            frameon=False,
            handlelength=4,
            labelspacing=0.25,
            borderaxespad=0,
        )
    for axes in list(panels):
        axes.axis("off")
    figure.supxlabel(_footer(runs), fontsize=9, color="0.25")
    figure.savefig(stream, format="png", dpi=110)


def moving(runs: Sequence[Run], path: str) -> int:
    """Writes the GIF: the same race step by step, the early steps slower than the late ones.

    Returns:
        How many frames it has.
    """
    surfaces = _surfaces(runs)
    columns = min(_COLUMNS, len(surfaces))
    rows = math.ceil(len(surfaces) / columns)
    ground = Figure(figsize=(max(2.9 * columns, 5.2), 2.6 * rows + 0.75), dpi=80, layout="constrained")
    figure = Figure(figsize=ground.get_size_inches(), dpi=80)
    ground.suptitle(" ", fontsize=11)  # keeps the room for the counter of steps
    panels = list(ground.subplots(rows, columns, squeeze=False).flat)
    for axes, surface in zip(panels, surfaces, strict=False):
        _ground(axes, surface, small=True)
        _marks(axes, surface)
    for axes in panels[len(surfaces) :]:
        axes.axis("off")
    names = [run.entrant.name for run in runs if run.surface is surfaces[0]]
    handles = [Line2D([], [], **_look(place), label=name) for place, name in enumerate(names)]
    legend = {"loc": "outside lower center", "ncols": min(len(names), 4 * columns), "fontsize": 8, "frameon": False}
    ground.legend(handles=handles, handlelength=3.2, columnspacing=1.2, **legend)
    canvas = FigureCanvasAgg(ground)
    canvas.draw()  # contours, axes and texts once, and not once a frame
    figure.figimage(np.asarray(canvas.buffer_rgba()))
    counter = figure.text(0.5, 0.985, "", ha="center", va="top", fontsize=11)
    curves = []
    for axes, surface in zip(panels, surfaces, strict=False):
        left, right, bottom, top = surface.frame
        over = figure.add_axes(axes.get_position(), xlim=(left, right), ylim=(bottom, top), facecolor="none")
        over.axis("off")
        for place, run in enumerate(run for run in runs if run.surface is surface):
            look = _look(place)
            (line,) = over.plot([], [], color=look["color"], linestyle=look["linestyle"], linewidth=1.2)
            (head,) = over.plot([], [], **{**look, "linestyle": "none", "markersize": 6})
            curves.append((_within(run), line, head))
    last = len(runs[0].positions) - 1
    moments = _moments(last)
    writer = PillowWriter(fps=FRAMES_PER_SECOND, metadata={})
    with writer.saving(figure, path, dpi=80):
        for step in moments:
            counter.set_text(f"step {step} of {last}")
            for positions, line, head in curves:
                line.set_data(*positions[: step + 1].T)
                head.set_data(*positions[min(step, len(positions) - 1)][:, None])
            writer.grab_frame()
        for _ in range(FRAMES - len(moments)):  # time to look at the end
            writer.grab_frame()
    return FRAMES


def _moments(last: int) -> list[int]:
    """Steps to show: each of the first, then ever fewer, the last one at the end."""
    return sorted({round(last * (frame / (FRAMES - 9)) ** 2) for frame in range(FRAMES - 8)})


def _surfaces(runs: Sequence[Run]) -> list[Surface]:
    return list(dict.fromkeys(run.surface for run in runs))


def _look(place: int) -> dict:
    return {**_LOOKS[place % MOST], "linewidth": 1.5, "markersize": 4.5, "markeredgewidth": 1.2}


def _title(runs: Sequence[Run]) -> str:
    return f"Where optimizers go: {len(runs[0].positions) - 1} steps from the same start, learning rates tuned alike"


def _label(run: Run) -> str:
    if run.steps is not None:
        end = f"{run.steps} steps"
    elif run.left is not None:
        end = f"left the picture at step {run.left}"
    else:
        end = f"not there, f = {run.value:.3g}"
    return f"{run.entrant.name}, rate {run.learning_rate:g}{'*' if run.at_edge else ''}: {end}"


def _footer(runs: Sequence[Run]) -> str:
    lines = [RULE]
    if any(run.entrant.noisy for run in runs):
        lines.append(f"Noise: normal, seeded, standard deviation {NOISE:g} of the gradient's length at the start.")
    if any(run.at_edge for run in runs):
        lines.append("* at the edge of the grid of rates: a better one may lie beyond.")
    return lines[0] + "\n" + "  ".join(lines[1:])


def _ground(axes, surface: Surface, small: bool = False) -> None:
    """Contours in grey, darker where lower, with labelled axes."""
    left, right, bottom, top = surface.frame
    x, y = np.meshgrid(np.linspace(left, right, 160), np.linspace(bottom, top, 160))
    height = np.asarray(surface.value(x, y))
    lowest = float(surface.value(*np.array(surface.minima[0], np.float64)))
    above = np.maximum(height - lowest, 0)
    if surface.logarithmic:
        levels = np.geomspace(max(above.max() * 1e-5, 1e-3), above.max(), 14)
    else:
        levels = np.linspace(0, 1, 13)[1:] ** 1.5 * above.max()
    axes.contour(x, y, above, levels=levels, colors="0.72", linewidths=0.6)
    axes.set(xlim=(left, right), ylim=(bottom, top))
    size = 7 if small else 9
    axes.set_title(surface.title, fontsize=8.5 if small else 12)
    axes.tick_params(labelsize=size - 1, length=2)
    axes.set_xlabel("x", fontsize=size, labelpad=1)
    axes.set_ylabel("y", fontsize=size, labelpad=1)


def _marks(axes, surface: Surface) -> None:
    """The start, a ring, and the minima, stars."""
    axes.plot(*surface.start, marker="o", markersize=9, color="white", markeredgecolor="black", zorder=4)
    axes.annotate("start", surface.start, (0, 7), textcoords="offset points", ha="center", fontsize=8, zorder=6)
    for minimum in surface.minima:
        axes.plot(*minimum, marker="*", markersize=13, color="white", markeredgecolor="black", zorder=6)


def _within(run: Run) -> np.ndarray:
    """The positions up to the step that left the picture for good, which is drawn as far as the frame."""
    return run.positions if run.left is None else _finite(run.positions[: run.left + 1])


def _finite(positions: np.ndarray) -> np.ndarray:
    return np.clip(np.nan_to_num(positions, nan=1e3, posinf=1e3, neginf=-1e3), -1e3, 1e3)


def _mark_exit(axes, run: Run, place: int) -> None:
    """An arrow head of the curve's colour where it leaves the picture."""
    if not run.left:
        return
    inside, out = _within(run)[-2:]
    left, right, bottom, top = run.surface.frame
    low, high, way = np.array([left, bottom]), np.array([right, top]), out - inside
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(way > 0, (high - inside) / way, np.where(way < 0, (low - inside) / way, np.inf))
    edge = inside + way * min(1.0, float(np.nanmin(shares)))
    axes.annotate(
        "",
        edge,
        inside,
        arrowprops={"arrowstyle": "-|>", "color": _look(place)["color"], "shrinkA": 0, "shrinkB": 0},
        annotation_clip=False,
    )

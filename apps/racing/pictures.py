"""The race over surfaces as a picture and as a moving one. It draws what `search` has measured."""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Sequence
from typing import IO

import numpy as np
from matplotlib import patheffects
from matplotlib.animation import PillowWriter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from apps.racing import line_styles
from apps.racing.line_styles import LINE_STYLES
from apps.racing.search import NOISE, RULE, Run
from apps.racing.surfaces import Surface

MOST = len(LINE_STYLES)  # curves that can be told apart in one picture
_COLUMNS = 4
_HALO = patheffects.withStroke(linewidth=2.5, foreground="white")
FRAMES = 32
FRAMES_PER_SECOND = 8
DOTS = 75  # an inch of the GIF


def still(runs: Sequence[Run], stream: IO[bytes]) -> None:
    """Writes the PNG: a panel for each surface with all trajectories, one legend, and a table of rates and steps."""
    surfaces = _surfaces(runs)
    rows, columns = _grid(len(surfaces))
    names = _names(runs)
    lines = math.ceil(len(names) / max(3, 2 * columns))  # of the legend
    legend, table = 0.3 * lines, 0.5 + 0.26 * len(names)  # inches
    width = max(4.2 * columns, 8)
    title = textwrap.fill(_title(runs), int(7 * width))  # letters of these sizes to an inch
    footer = "\n".join(textwrap.fill(line, int(11.5 * width)) for line in _footer(runs).splitlines())
    around = 0.6 + 0.3 * title.count("\n") + 0.18 * (1 + footer.count("\n"))
    figure = Figure(figsize=(width, legend + rows * 3.6 + table + around), layout="constrained")
    figure.suptitle(title, fontsize=16)
    grid = figure.add_gridspec(rows + 2, columns, height_ratios=[legend, *[3.6] * rows, table])
    for place, surface in enumerate(surfaces):
        row, column = divmod(place, columns)
        axes = figure.add_subplot(grid[1 + row, column])
        _ground(axes, surface)
        for number, run in enumerate(run for run in runs if run.surface is surface):
            _trajectory(axes, _drawn(run), _look(number))
            _mark_exit(axes, run, _look(number)["color"])
        _marks(axes, surface)
    handles = [Line2D([], [], **_look(place), label=name) for place, name in enumerate(names)]
    line_styles.legend(figure.add_subplot(grid[0, :]), handles, columns=math.ceil(len(names) / lines))
    _table(figure.add_subplot(grid[-1, :]), runs)
    figure.supxlabel(footer, fontsize=10, color="0.2")
    figure.savefig(stream, format="png", dpi=110)


def moving(runs: Sequence[Run], path: str) -> None:
    """Writes the GIF: the same race step by step, the early steps slower than the late ones; see `moments`."""
    surfaces = _surfaces(runs)
    rows, columns = _grid(len(surfaces))
    ground = Figure(figsize=(max(2.9 * columns, 5.2), 2.6 * rows + 0.75), dpi=DOTS, layout="constrained")
    figure = Figure(figsize=ground.get_size_inches(), dpi=DOTS)
    ground.suptitle(" ", fontsize=11)  # keeps the room for the counter of steps
    panels = list(ground.subplots(rows, columns, squeeze=False).flat)
    for axes, surface in zip(panels, surfaces, strict=False):
        _ground(axes, surface, small=True)
        _marks(axes, surface)
    for axes in panels[len(surfaces) :]:
        axes.axis("off")
    names = _names(runs)
    handles = [Line2D([], [], **_look(place), label=name) for place, name in enumerate(names)]
    legend = {"loc": "outside lower center", "ncols": min(len(names), 4 * columns), "fontsize": 8, "frameon": False}
    ground.legend(handles=handles, handlelength=3.2, columnspacing=1.2, **legend)
    canvas = FigureCanvasAgg(ground)
    canvas.draw()  # contours, axes and texts once, and not once a frame
    figure.figimage(np.asarray(canvas.buffer_rgba()), zorder=-1)
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
            curves.append((_drawn(run), line, head))
    last = len(runs[0].positions) - 1
    writer = PillowWriter(fps=FRAMES_PER_SECOND, metadata={})
    with writer.saving(figure, path, dpi=DOTS):
        for step in moments(last):
            counter.set_text(f"step {step} of {last}")
            for positions, line, head in curves:
                line.set_data(*positions[: step + 1].T)
                head.set_data(*positions[min(step, len(positions) - 1)][:, None])
            writer.grab_frame()
        for _ in range(2 * FRAMES_PER_SECOND):  # two seconds to look at the end: one long frame in the file
            writer.grab_frame()


def moments(last: int) -> list[int]:
    """The steps that the GIF shows: each of the first, then ever fewer, and the last."""
    return sorted({round(last * (frame / (FRAMES - 1)) ** 2) for frame in range(FRAMES)})


def _grid(count: int) -> tuple[int, int]:
    """Rows and columns of panels, with as few empty places as the rows allow."""
    rows = math.ceil(count / _COLUMNS)
    return rows, math.ceil(count / rows)


def _surfaces(runs: Sequence[Run]) -> list[Surface]:
    return list(dict.fromkeys(run.surface for run in runs))


def _names(runs: Sequence[Run]) -> list[str]:
    return list(dict.fromkeys(run.entrant.name for run in runs))


def _look(place: int) -> dict:
    return {**LINE_STYLES[place % MOST], "linewidth": 1.3, "markersize": 4.5, "markeredgewidth": 1.2}


def _title(runs: Sequence[Run]) -> str:
    return f"Where optimizers go: {len(runs[0].positions) - 1} steps from the same start, learning rates tuned alike"


def _table(axes, runs: Sequence[Run]) -> None:
    """The numbers of every run, a row for each optimizer; the quickest on each surface in bold."""
    surfaces, names = _surfaces(runs), _names(runs)
    cells = [["", *(surface.name for surface in surfaces)], *([name] for name in names)]
    bold = set()
    for column, surface in enumerate(surfaces, start=1):
        here = [run for run in runs if run.surface is surface]
        fewest = min((run.steps for run in here if run.steps is not None), default=None)
        for row, run in enumerate(here, start=1):
            cells[row].append(_cell(run))
            if fewest is not None and run.steps == fewest:
                bold.add((row, column))
    title = "Steps to a minimum, or in brackets f at the end, at the best learning rate. Bold: the fewest steps."
    line_styles.table(axes, cells, title, bold)


def _cell(run: Run) -> str:
    return f"{run.ending} at {run.learning_rate:g}{'*' if run.at_edge else ''}"


def _footer(runs: Sequence[Run]) -> str:
    lines = [
        RULE,
        "A curve ends where its run has arrived to stay. Markers, and thicker lines, after 1, 2, 4, 8, ... steps.",
    ]
    if any(run.entrant.noisy for run in runs):
        lines.append(f"Noise: normal, seeded, standard deviation {NOISE:g} of the gradient's length at the start.")
    if any(run.at_edge for run in runs):
        lines.append("* at the edge of the grid of rates: a better one may lie beyond.")
    return "\n".join([*lines[:1], " ".join(lines[1:3]), *lines[3:]])


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
    axes.contour(x, y, above, levels=levels, colors="0.85" if small else "0.72", linewidths=0.6, antialiased=not small)
    axes.set(xlim=(left, right), ylim=(bottom, top))
    size = 7 if small else 9
    axes.set_title(surface.title, fontsize=8.5 if small else 12)
    axes.tick_params(labelsize=size - 1, length=2)
    axes.set_xlabel("x", fontsize=size, labelpad=1)
    axes.set_ylabel("y", fontsize=size, labelpad=1)


def _marks(axes, surface: Surface) -> None:
    """The start, a ring, and the minima, stars."""
    axes.plot(*surface.start, marker="o", markersize=9, color="white", markeredgecolor="black", zorder=4)
    beside = {"textcoords": "offset points", "ha": "center", "fontsize": 8, "zorder": 6, "path_effects": [_HALO]}
    axes.annotate("start", surface.start, (0, 7), **beside)
    for minimum in surface.minima:
        axes.plot(*minimum, marker="*", markersize=13, color="white", markeredgecolor="black", zorder=6)


def _drawn(run: Run) -> np.ndarray:
    """The positions up to the arrival, or to the step that left the picture for good; else all."""
    if run.left is not None:
        return np.clip(np.nan_to_num(run.positions[: run.left + 1], nan=1e3), -1e3, 1e3)
    return run.positions if run.steps is None else run.positions[: run.steps + 1]


def _doublings(count: int) -> list[int]:
    """Places 1, 2, 4, 8, ... of a curve of `count` points, and its last."""
    return sorted({*(2**power for power in range(count.bit_length()) if 2**power < count), count - 1})


def _trajectory(axes, positions: np.ndarray, look: dict) -> None:
    """A path that begins thin, since all paths lie close at the start, and is thicker from each marker on."""
    places = _doublings(len(positions))
    line = {key: value for key, value in look.items() if key != "marker"}
    for stage, (start, end) in enumerate(itertools.pairwise([0, *places])):
        axes.plot(*positions[start : end + 1].T, **{**line, "linewidth": min(0.4 + 0.15 * stage, 1.6)})
    axes.plot(*positions[places].T, **{**look, "linestyle": "none"})


def _mark_exit(axes, run: Run, colour: str) -> None:
    """An arrow head of the curve's colour where it leaves the picture."""
    if not run.left:
        return
    inside, out = _drawn(run)[-2:]
    left, right, bottom, top = run.surface.frame
    low, high, way = np.array([left, bottom]), np.array([right, top]), out - inside
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(way > 0, (high - inside) / way, np.where(way < 0, (low - inside) / way, np.inf))
    edge = inside + way * min(1.0, float(np.nanmin(shares)))
    axes.annotate(
        "",
        edge,
        inside,
        arrowprops={"arrowstyle": "-|>", "color": colour, "shrinkA": 0, "shrinkB": 0},
        annotation_clip=False,
    )

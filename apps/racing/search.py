"""Runs optimizers over surfaces, every one at every learning rate of the same grid, and keeps each one's best run.

The rule for "best", the same for all: from three starts, the one that is drawn and two beside it, the rate that brings
all three within `surfaces.ARRIVED` of a global minimum, to stay there to the end, in the fewest steps; the slowest of
the three counts. Where no rate does, the rate whose highest end is lowest. Ties go to the smaller rate. Three starts,
because among many rates one will by luck leap from a single start straight into the minimum.

The optimizers are ours, as they train networks. Each (surface, start, rate) is a variable of its own, two numbers, and
one optimizer moves them all, with the rate as its parameter group's multiplier: a learning rate is a scalar, and rules
with a norm of the variable must not see two runs as one. Rules that look at all variables at once get an optimizer for
each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

import optimizers
from apps.racing.entrants import Entrant
from apps.racing.surfaces import ARRIVED, Surface

RATES = tuple(float(f"{10 ** (third / 3):.3g}") for third in range(-10, 3))  # 0.000464 ... 4.64, three to a decade
STARTS = ((0.0, 0.0), (0.1, 0.05), (-0.05, -0.1))  # from the surface's own
NOISE = 0.1  # standard deviation of SGD's noise, in lengths of the gradient at the start
RULE = (
    f"Learning rate of each curve: the best of the same {len(RATES)}, {RATES[0]:g} to {RATES[-1]:g}, by the slowest of "
    f"{len(STARTS)} neighbouring starts to come within {ARRIVED:g} of the minimum and stay (else by the highest end)."
)


@dataclass(frozen=True)
class Run:
    """The best run of one optimizer on one surface.

    Attributes:
        surface: Where.
        entrant: Who.
        learning_rate: The best of the grid.
        positions: `[steps + 1, 2]`, float64, the surface's start first.
        tried: How many runs chose the rate: rates times starts.
    """

    surface: Surface
    entrant: Entrant
    learning_rate: float
    positions: np.ndarray
    tried: int

    @property
    def steps(self) -> int | None:
        """Steps until it is at a minimum to stay; None if it does not arrive."""
        return arrival(self.surface, self.positions)

    @property
    def left(self) -> int | None:
        """The step that took it out of the picture for good; None if it ends inside."""
        outside = self.surface.outside(self.positions)
        return None if not outside[-1] else len(outside) - int(np.argmin(outside[::-1])) if not outside.all() else 0

    @property
    def value(self) -> float:
        """f at the end; infinite where that is no number."""
        return _values(self.surface, self.positions[-1])

    @property
    def at_edge(self) -> bool:
        """True if the best rate is the grid's first or last: a better one may lie beyond."""
        return self.learning_rate in (RATES[0], RATES[-1])

    @property
    def ending(self) -> str:
        """Steps to the minimum, the step that left the picture, or in brackets f at the end; for tables."""
        if self.steps is not None:
            return str(self.steps)
        return f"left at {self.left}" if self.left is not None else f"({self.value:.2g})"

    def to_dict(self, path: bool = False) -> dict:
        """The row of the table, for JSON; with `path`, the trajectory too."""
        end = self.positions[-1]
        told = {
            "surface": self.surface.name,
            "optimizer": self.entrant.name,
            "learning_rate": self.learning_rate,
            "runs_tried": self.tried,
            "rate_at_edge": self.at_edge,
            "steps": self.steps,
            "value": _number(self.value),
            "distance": _number(float(self.surface.distance(end))),
            "left_picture_at": self.left,
        }
        return told | ({"path": [[_number(float(c)) for c in point] for point in self.positions]} if path else {})


def race(
    surfaces: Sequence[Surface], entrant: Entrant, steps: int, seed: int, rates: Sequence[float] = RATES
) -> list[Run]:
    """The best run of one optimizer on each surface.

    Args:
        surfaces: Where to run.
        entrant: Who runs.
        steps: Steps of every run.
        seed: Seeds the noise, which is the same for every rate and every entrant that has noise.
        rates: The grid.

    Returns:
        One run for each surface, in their order.
    """
    positions = trajectories(surfaces, entrant, rates, steps, seed)  # S R K T 2
    runs = []
    for surface, of_rates in zip(surfaces, positions, strict=True):
        scores = [max(_score(surface, path) for path in paths) for paths in of_rates]
        best = min(range(len(rates)), key=scores.__getitem__)
        runs.append(Run(surface, entrant, rates[best], of_rates[best, 0], len(rates) * len(STARTS)))
    return runs


def trajectories(
    surfaces: Sequence[Surface], entrant: Entrant, rates: Sequence[float], steps: int, seed: int
) -> np.ndarray:
    """Runs every rate from every start on every surface: float64 `[surfaces, rates, starts, steps + 1, 2]`."""
    shape = [len(surfaces), len(rates), len(STARTS)]
    points = [
        keras.Variable(np.add(surface.start, beside), dtype="float32", name=f"{surface.name}_{place}")
        for surface in surfaces
        for place in range(len(rates))
        for beside in STARTS
    ]
    if _looks_at_all_variables(entrant):
        every = np.broadcast_to(np.array(rates)[:, None], shape).reshape(-1).tolist()
        movers = [(entrant.make(rate), [point]) for rate, point in zip(every, points, strict=True)]
    else:
        groups = [{"match": f"_{place}$", "multiplier": rate} for place, rate in enumerate(rates)]
        movers = [(entrant.make(1.0, groups=groups), points)]
    for optimizer, moved in movers:
        optimizer.build(moved)
    noise = tf.constant(_noise(surfaces, steps, seed) * entrant.noisy, tf.float32)  # T S 1 1 2

    def gradients(step):
        here = tf.reshape(tf.stack([point.value for point in points]), [*shape, 2])  # S R K 2
        with tf.GradientTape() as tape:
            tape.watch(here)
            height = sum(
                tf.reduce_sum(surface.value(here[place, ..., 0], here[place, ..., 1]))
                for place, surface in enumerate(surfaces)
            )
        gradient = tape.gradient(height, here)
        return here, tf.unstack(tf.reshape(gradient + noise[step] if entrant.noisy else gradient, [-1, 2]))

    def move(step, trace):
        here, slopes = gradients(step)
        slope = dict(zip(map(id, points), slopes, strict=True))
        for optimizer, moved in movers:
            optimizer.apply([slope[id(point)] for point in moved], moved)
        return step + 1, trace.write(step, here)

    @tf.function(autograph=False)
    def run():
        trace = tf.TensorArray(tf.float32, steps + 1, element_shape=[*shape, 2])
        _, trace = tf.while_loop(lambda step, _: step < steps, move, (tf.constant(0), trace), parallel_iterations=1)
        return trace.write(steps, gradients(steps - 1)[0]).stack()

    return np.moveaxis(run().numpy().astype(np.float64), 0, 3)  # T S R K 2 -> S R K T 2


def arrival(surface: Surface, positions: np.ndarray) -> int | None:
    """Steps until the positions `[T, 2]` are at a minimum to stay; None if they are not there at the end."""
    away = ~(surface.distance(positions) <= ARRIVED)  # NaN is away
    if away[-1]:
        return None
    return int(len(away) - np.argmax(away[::-1])) if away.any() else 0


def _score(surface: Surface, positions: np.ndarray) -> tuple[float, float]:
    """Less is better: steps, and for those that do not arrive the height of the end."""
    steps = arrival(surface, positions)
    return (np.inf, _values(surface, positions[-1])) if steps is None else (steps, 0.0)


def _values(surface: Surface, point: np.ndarray) -> float:
    value = float(surface.value(*np.asarray(point, np.float64)))
    return value if np.isfinite(value) else float("inf")


def _noise(surfaces: Sequence[Surface], steps: int, seed: int) -> np.ndarray:
    """Noise `[steps, surfaces, 1, 1, 2]`; a surface's is the same whichever others run beside it."""
    parts = []
    for surface in surfaces:
        generator = np.random.default_rng([seed, *surface.name.encode()])
        scale = NOISE * np.linalg.norm(slope(surface, surface.start))
        parts.append(scale * generator.standard_normal((steps, 1, 1, 2)))
    return np.stack(parts, axis=1)


def slope(surface: Surface, point) -> np.ndarray:
    """The gradient at one point, float64 `[2]`."""
    x, y = (tf.Variable(coordinate, dtype=tf.float64) for coordinate in point)
    with tf.GradientTape() as tape:
        value = surface.value(x, y)
    return np.array([float(part) for part in tape.gradient(value, [x, y])])


def _looks_at_all_variables(entrant: Entrant) -> bool:
    """True if one variable's step may depend on the others: by numbers that are remembered for all of them together."""
    made = type(entrant.make(1.0))
    whole = ("advance", "_apply_now", "_plan", "_clip_gradients", "apply")
    return any(getattr(made, name) is not getattr(optimizers.Optimizer, name) for name in whole)


def _number(value: float) -> float | None:
    return round(value, 6) if np.isfinite(value) else None

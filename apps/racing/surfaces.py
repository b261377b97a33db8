"""The surfaces of `zoo race`: functions of two numbers, each with one difficulty that optimizers are known by.

The constants are chosen so that start, minima and pictures come out in plain numbers. A saddle has no minimum of its
own: the two here are bent up by a fourth power far from the middle, so that there is somewhere to arrive.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from zoo.errors import UserError, nearest

Point = tuple[float, float]

ARRIVED = 0.1  # distance from a minimum that counts as being there


@dataclass(frozen=True)
class Surface:
    """A function to go down on.

    Attributes:
        name: As `--surfaces` takes it.
        title: What the picture says.
        value: f(x, y), of tensors or arrays of one shape, by operators and `keras.ops`.
        start: Where every optimizer begins.
        minima: The global minima, all of the same value.
        frame: (left, right, bottom, top) of the picture, in units of x and y.
        logarithmic: Whether levels are drawn at equal ratios of f's height above its minimum: for steep walls.
    """

    name: str
    title: str
    value: Callable
    start: Point
    minima: tuple[Point, ...]
    frame: tuple[float, float, float, float]
    logarithmic: bool = True

    def distance(self, positions):
        """From positions `[..., 2]` to the nearest minimum `[...]`, as a NumPy array."""
        import numpy as np

        offsets = np.asarray(positions)[..., None, :] - np.array(self.minima)  # ... M 2
        return np.sqrt(np.square(offsets).sum(-1)).min(-1)

    def outside(self, positions):
        """True if positions `[..., 2]` are outside the picture, or no numbers any more."""
        import numpy as np

        left, right, bottom, top = self.frame
        x, y = np.moveaxis(np.asarray(positions), -1, 0)
        return ~((left <= x) & (x <= right) & (bottom <= y) & (y <= top))  # false for NaN: outside


def ravine(x, y):
    """A valley fifty times steeper across than along, and along neither axis."""
    cosine, sine = math.cos(math.pi / 9), math.sin(math.pi / 9)
    along, across = cosine * x + sine * y, cosine * y - sine * x
    return (along**2 + 50 * across**2) / 2


def two_minima(x, y):
    """f'(x) = 4 (x + 1) (x - 0.4) (x - 0.9): a local minimum at 0.9, a pass at 0.4, the global minimum at -1.

    No learning rate with which gradient descent settles in the global minimum throws it over the pass from the start.
    """
    return x**4 - 0.4 * x**3 - 1.88 * x**2 + 1.44 * x + 2 * y**2


def saddle(x, y):
    """Up along x, down along y; the fourth power makes minima of height -1/4 at y = -1 and 1."""
    return x**2 / 2 - y**2 / 2 + y**4 / 4


def plateau(x, y):
    """A hollow in a plain: at the start, the gradient is a thousandth of what it is on the slope."""
    from keras import ops

    return 1 - ops.exp(-(x**2 + 2 * y**2) / 2)


def rosenbrock(x, y):
    """A bent valley whose floor is almost level (Rosenbrock 1960)."""
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def rastrigin(x, y):
    """A bowl full of dents (Rastrigin 1974)."""
    from keras import ops

    return 20 + x**2 + y**2 - 10 * (ops.cos(2 * math.pi * x) + ops.cos(2 * math.pi * y))


def beale(x, y):
    """A flat middle between steep corners (Beale 1958)."""
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def monkey_saddle(x, y):
    """Three ways up and three down, level where they meet; the fourth power makes minima at distance 1."""
    return x**3 - 3 * x * y**2 + 0.75 * (x**2 + y**2) ** 2


_THIRD = math.sqrt(3) / 2

SURFACES = (
    Surface("ravine", "Ravine, 50 times steeper across", ravine, (-2.4, -1.6), ((0, 0),), (-3.5, 1.5, -2.3, 1.3)),
    Surface(
        "local-minimum",
        "Local minimum before the global one",
        two_minima,
        (1.3, 0.8),
        ((-1, 0),),
        (-1.8, 1.8, -1.2, 1.2),
        logarithmic=False,
    ),
    Surface("saddle", "Saddle", saddle, (-1.4, 0.001), ((0, -1), (0, 1)), (-1.8, 1.8, -1.5, 1.5), logarithmic=False),
    Surface("plateau", "Plateau", plateau, (-3.0, 1.2), ((0, 0),), (-3.6, 1.8, -1.8, 1.8), logarithmic=False),
    Surface("rosenbrock", "Rosenbrock's bent valley", rosenbrock, (-1.4, 1.6), ((1, 1),), (-2, 2, -1, 3.4)),
    Surface(
        "rastrigin", "Rastrigin's dents", rastrigin, (-2.3, 1.4), ((0, 0),), (-3.4, 1.4, -1.4, 2.4), logarithmic=False
    ),
    Surface("beale", "Beale's flat middle", beale, (1.0, 1.6), ((3, 0.5),), (-0.8, 4.6, -1.4, 2.2)),
    Surface(
        "monkey-saddle",
        "Monkey saddle",
        monkey_saddle,
        (0.7, 0.001),
        ((-1, 0), (0.5, -_THIRD), (0.5, _THIRD)),
        (-1.6, 1.3, -1.4, 1.4),
        logarithmic=False,
    ),
)


def names() -> list[str]:
    """The names that `get` takes, in the order of the picture."""
    return [surface.name for surface in SURFACES]


def get(name: str) -> Surface:
    """A surface by its name (case ignored, "_" and blanks for "-").

    Raises:
        UserError: No such surface; the nearest names are given.
    """
    wanted = name.strip().lower().replace("_", "-").replace(" ", "-")
    for surface in SURFACES:
        if surface.name == wanted:
            return surface
    raise UserError(f"no surface named {name!r}{nearest(wanted, names())}")

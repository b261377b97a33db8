"""The entrants of a race: the names that `--optimizers` takes, and the optimizers behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import optimizers
from zoo.errors import UserError, nearest

DEFAULT = ("batch-gradient-descent", "sgd", "momentum", "adagrad", "rmsprop", "adam", "lion")

# Names beside the classes' own: what a lecture tells apart and one class does.
_SPECIAL = {
    "momentum": ("SGD", "momentum", {"momentum": 0.9}),
    "nesterov": ("SGD", "Nesterov", {"momentum": 0.9, "nesterov": True}),
}
_LABELS = {"BatchGradientDescent": "gradient descent"}

# On a surface the only variable is a point, a vector of two numbers.
_ON_A_POINT = {
    "Muon": "Muon makes matrices orthogonal; a point is a vector, for which it takes Adam's step",
    "LARS": "LARS scales the steps of matrices; a point is a vector, for which it takes a step of momentum",
}


@dataclass(frozen=True)
class Entrant:
    """One who takes part.

    Attributes:
        name: As the tables give it.
        optimizer: Name of one of our classes.
        arguments: The constructor's, without the learning rate.
        noisy: On surfaces, whether its gradients carry noise, as those of mini-batches do.
        note: What is worth knowing before its curve is read; empty for most.
    """

    name: str
    optimizer: str
    arguments: Mapping = field(default_factory=dict)
    noisy: bool = False
    note: str = ""

    def make(self, learning_rate, **more):
        """The optimizer itself."""
        return optimizers.get(self.optimizer, learning_rate=learning_rate, **{**self.arguments, **more})

    @property
    def default_rate(self) -> float:
        """The learning rate that its constructor has."""
        return float(optimizers.get(self.optimizer, **self.arguments).learning_rate)


def get(name: str, surfaces: bool) -> Entrant:
    """An entrant by its name: one of ours, "momentum" or "nesterov".

    Args:
        name: Case, "_" and "-" are ignored.
        surfaces: Whether it is to run on surfaces, where plain SGD gets noisy gradients: without, it is batch
            gradient descent.

    Raises:
        UserError: No such optimizer; the nearest names are given.
    """
    folded = _folded(name)
    if folded in _SPECIAL:
        optimizer, label, arguments = _SPECIAL[folded]
        return Entrant(label, optimizer, arguments)
    for known in optimizers.names():
        if _folded(known) == folded:
            noisy = surfaces and known == "SGD"
            label = "SGD, noisy gradients" if noisy else _LABELS.get(known, known)
            return Entrant(label, known, noisy=noisy, note=_ON_A_POINT.get(known, "") if surfaces else "")
    raise UserError(f"no optimizer named {name!r}{nearest(folded, [*map(str.lower, optimizers.names()), *_SPECIAL])}")


def _folded(name: str) -> str:
    return name.strip().lower().replace("_", "").replace("-", "").replace(" ", "")

"""Raw examples with targets of any kind: boxes, masks, numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from zoo.errors import UserError


@dataclass(frozen=True)
class Records:
    """Raw examples and what is to be learned of each; cutting and splitting never copies the raw data.

    Attributes:
        raw: N objects, as `Task.encode` takes them.
        targets: Name -> N values, all of one type and shape, as `Task.record` stacks them. Empty where the examples
            themselves are learned.
        source: Where they came from, for messages and cards.
        names: Names of classes that targets count.
        notes: Sentences on how the source was understood, where that was a guess.
    """

    raw: np.ndarray
    targets: Mapping[str, np.ndarray] = field(default_factory=dict)
    source: str = ""
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self):
        for name, values in self.targets.items():
            if len(values) != len(self.raw):
                raise ValueError(f"{len(self.raw)} raw examples, {len(values)} {name}")

    def __len__(self) -> int:
        return len(self.raw)

    def take(self, indices: Sequence[int] | slice | np.ndarray) -> Records:
        """The examples at the given indices."""
        targets = {name: values[indices] for name, values in self.targets.items()}
        return replace(self, raw=self.raw[indices], targets=targets)

    def renamed(self, names: Sequence[str]) -> Records:
        """The same examples, of a task that counts the same classes.

        Raises:
            UserError: It counts others.
        """
        if tuple(names) != self.names:
            raise UserError(f"{self.source}: its classes are {', '.join(self.names)}, the model's {', '.join(names)}")
        return self

    def split(self, fraction: float, seed: int) -> tuple[Records, Records]:
        """Cuts off a share, the same one for the same seed.

        Args:
            fraction: Share to hold back, in (0, 1).
            seed: Chooses the examples.

        Returns:
            The rest and the held examples, both in their original order; either has at least one where there are two.
        """
        if not 0 < fraction < 1:
            raise UserError(f"expected a validation share between 0 and 1, got {fraction}")
        count = min(max(1, round(fraction * len(self))), len(self) - 1)
        held = np.zeros(len(self), bool)
        held[np.random.default_rng(seed).permutation(len(self))[: max(count, 0)]] = True
        return self.take(~held), self.take(held)

"""The arguments of one call of `fit`, and the checks that need no data."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from zoo import preset
from zoo.data.batching import memory
from zoo.errors import UserError
from zoo.recipe import Recipe
from zoo.scaling import workers
from zoo.training.run_state import resumable


@dataclasses.dataclass(frozen=True)
class Job:
    """One training, as `fit` takes it; see there.

    Attributes:
        before: Minutes that were trained before, in what the recipe starts from.
    """

    recipe: Recipe
    out: Path
    strategy: tf.distribute.Strategy
    source: object = None
    columns: Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    validation: object = None
    init: str | None = None
    resume: bool = False
    save_every: float = 60.0
    command: str = ""
    say: Callable[[str], None] = print
    begin: Callable[[], None] | None = None
    verbose: str | int = "auto"
    callbacks: Sequence[keras.callbacks.Callback] = ()
    keep: float = memory.KEEP
    record_divergence: bool = False
    before: float = 0.0

    @property
    def name(self) -> str:
        """The name of what is trained: the recipe's, or of one's own data the folder's."""
        return self.out.name if self.source is not None else self.recipe.name

    @property
    def several(self) -> bool:
        """True if replicas share each batch."""
        return self.strategy.num_replicas_in_sync > 1

    def quiet_unless_chief(self) -> Job:
        """The same, for a worker that is not the chief without a word."""
        return self if workers.is_chief(self.strategy) else dataclasses.replace(self, say=say_nothing, verbose=0)


def say_nothing(sentence: str) -> None:
    """Says nothing."""


def check_out(out: Path, resume: bool) -> None:
    """Refuses a folder that cannot be written, or in which there is nothing to resume.

    Raises:
        UserError: With the reason.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: expected a folder to write into, it is a file")
    if resume and not resumable(out):
        finished = (out / "config.json").is_file()
        raise UserError(
            f"{out}: nothing to resume, " + ("its training has ended" if finished else "no interrupted training in it")
        )
    if not resume and out.is_dir() and any(out.iterdir()):
        interrupted = " (an interrupted training: go on with --resume)" if resumable(out) else ""
        raise UserError(f"{out}: not empty{interrupted}; choose another --out")
    preset.check_replaceable(out)

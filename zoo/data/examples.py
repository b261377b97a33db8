"""Labelled raw examples held in memory, as they came: encoded images (or their paths) and texts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from zoo.data import class_names
from zoo.errors import UserError

Held = TypeVar("Held")  # anything with `raw`, `take` and a length


@dataclass(frozen=True)
class Examples:
    """Raw examples and their labels; cutting and splitting never copies the raw data.

    Attributes:
        raw: N objects: `bytes` of an encoded image, a `Path` of an image file, or `str`.
        labels: N int32 indices into `names`; -1 where there is no label.
        names: Names of the classes, in the order of their indices.
        source: Where they came from, for messages and cards.
        notes: Sentences on how the source was understood, where that was a guess.
    """

    raw: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    source: str
    notes: tuple[str, ...] = ()

    def __post_init__(self):
        if len(self.raw) != len(self.labels):
            raise ValueError(f"{len(self.raw)} raw examples, {len(self.labels)} labels")

    def __len__(self) -> int:
        return len(self.raw)

    @property
    def targets(self) -> dict[str, np.ndarray]:
        """The labels, as `Task.record` takes them."""
        return {"label": self.labels}

    def take(self, indices: Sequence[int] | np.ndarray) -> Examples:
        """The examples at the given indices."""
        return replace(self, raw=self.raw[indices], labels=self.labels[indices])

    def split(self, fraction: float, seed: int) -> tuple[Examples, Examples]:
        """Cuts off a stratified share, the same one for the same seed.

        Args:
            fraction: Share to hold back, in (0, 1), of every class.
            seed: Chooses the examples.

        Returns:
            The rest and the held examples, both in their original order. A class of two or more has at least one
            example on either side.
        """
        if not 0 < fraction < 1:
            raise UserError(f"expected a validation share between 0 and 1, got {fraction}")
        generator = np.random.default_rng(seed)
        held = np.zeros(len(self), bool)
        for label in np.unique(self.labels):
            members = generator.permutation(np.flatnonzero(self.labels == label))
            if len(members) > 1:
                count = min(max(1, round(fraction * len(members))), len(members) - 1)
                held[members[:count]] = True
        return self.take(~held), self.take(held)

    def renamed(self, names: Sequence[str]) -> Examples:
        """The same examples with labels counted in the order of `names`, as a trained model counts and spells them.

        Raises:
            UserError: A label of the examples is not among `names`.
        """
        names = tuple(names)
        if names == self.names:
            return self
        found = class_names.places(self.names, names)
        if unknown := [self.names[i] for i in np.unique(self.labels[self.labels >= 0]) if found[i] is None]:
            raise UserError(
                f"{self.source}: the label {unknown[0]!r} is unknown to the model, which knows {', '.join(names)}"
            )
        table = np.array([-1 if place is None else place for place in found] + [-1], np.int32)
        return replace(self, labels=table[self.labels], names=names)


def objects(values: Iterable) -> np.ndarray:
    """A one-dimensional array of objects: NumPy would make fixed-width strings, or look into sequences."""
    values = list(values)
    array = np.empty(len(values), object)
    array[:] = values
    return array


def content(raw: object) -> bytes:
    """A fingerprint of one raw example; texts that differ in case or outer blanks only have the same."""
    if isinstance(raw, Mapping):
        raw = b"".join(content(raw[name]) for name in sorted(raw))
    if isinstance(raw, Path):
        raw = raw.read_bytes()
    if isinstance(raw, str):
        raw = raw.strip().lower().encode()
    if not isinstance(raw, bytes):
        raw = np.ascontiguousarray(raw).tobytes()
    return hashlib.blake2b(raw, digest_size=16).digest()


TRAINED = "trained.npy"  # in a preset's folder: fingerprints of the user's own training examples


def some(examples: Held, most: int) -> Held:
    """All examples, or so many of them, the same ones each time."""
    return examples if len(examples) <= most else examples.take(chosen(len(examples), most))


def chosen(count: int, most: int) -> np.ndarray:
    """Places of `most` of `count` examples in their order, the same ones each time."""
    return np.sort(np.random.default_rng(0).permutation(count)[:most])


def fingerprints(examples: Held) -> np.ndarray:
    """A number for each raw example, uint32: of two different ones it is the same once in four thousand million."""
    return np.array([int.from_bytes(content(raw)[:4], "little") for raw in examples.raw], np.uint32)


def remember(folder: Path, train: Held) -> None:
    """Writes down in a preset's folder what it was trained on."""
    np.save(folder / TRAINED, np.unique(fingerprints(train)), allow_pickle=False)


def trained_on(folder: Path, examples: Held) -> int:
    """Number of the examples that the preset of a folder was trained on; 0 where it does not remember."""
    path = folder / TRAINED
    if not path.is_file():
        return 0
    try:
        known = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise UserError(f"{path}: cannot be read ({error}); is it cut?") from None
    return overlap(known, examples)


def overlap(known: np.ndarray, examples: Held) -> int:
    """Number of the examples that have one of these fingerprints."""
    return int(np.isin(fingerprints(examples), known).sum())


def readable(examples: Held, raw: Callable[[object], object]) -> tuple[Held, list[str]]:
    """Leaves out what cannot be read.

    Args:
        examples: What a person has brought: Examples, or Pairs of texts.
        raw: The task's `raw`, which raises UserError for a bad item.

    Returns:
        The readable examples, and a sentence about the others if there are any.
    """
    bad = {}
    for place, item in enumerate(examples.raw):
        try:
            raw(item)
        except (UserError, OSError) as error:
            bad[place] = error
    return without(examples, bad)


def without(examples: Held, bad: Mapping[int, Exception]) -> tuple[Held, list[str]]:
    """Leaves out the examples at the places of `bad`; see `readable`."""
    if not bad:
        return examples, []
    told = []
    for place, error in list(bad.items())[:3]:
        item = examples.raw[place]
        told.append(f"{item.name}: {error}" if isinstance(item, Path) else f"example {place + 1}: {error}")
    more = f", and {len(bad) - 3} more" if len(bad) > 3 else ""
    note = f"{len(bad)} of {len(examples)} examples cannot be read and are left out ({'; '.join(told)}{more})."
    return examples.take([place for place in range(len(examples)) if place not in bad]), [note]


def check(train: Examples, validation: Examples) -> list[str]:
    """Looks for what spoils a training before it starts.

    Returns:
        Sentences about what is worth knowing: small or uneven classes, duplicates between the two sets.

    Raises:
        UserError: There is nothing to learn from: no examples, or a single class.
    """
    for examples in (train, validation):
        if not len(examples):
            raise UserError(f"{examples.source}: no examples found")
    counts = np.bincount(train.labels[train.labels >= 0], minlength=len(train.names))
    present = np.flatnonzero(counts)
    if len(present) < 2:
        found = train.names[present[0]] if len(present) else "none"
        raise UserError(f"{train.source}: expected at least two classes, found one: {found!r}")
    notes = []
    if absent := [train.names[i] for i in np.flatnonzero(counts == 0)]:
        notes.append(f"No training example has the label {', '.join(map(repr, absent[:5]))}.")
    least, most = present[np.argmin(counts[present])], present[np.argmax(counts[present])]
    if counts[most] >= 5 * counts[least]:
        notes.append(
            f"The classes are uneven: {counts[most]:,} examples of {train.names[most]!r}, "
            f"{counts[least]:,} of {train.names[least]!r}; look at each class's score, not at accuracy alone."
        )
    if counts[least] < 10:
        notes.append(f"Only {counts[least]} training examples of {train.names[least]!r}: expect little of that class.")
    return notes + shared(train.raw, validation.raw)


def shared(train: np.ndarray, validation: np.ndarray) -> list[str]:
    """A sentence about the raw validation examples that stand in the training data too, if any do."""
    seen = {content(raw) for raw in train}
    count = sum(content(raw) in seen for raw in validation)
    if not count:
        return []
    return [
        f"{count:,} of {len(validation):,} validation examples stand in the training data too: "
        "the validation score is too good by that much."
    ]

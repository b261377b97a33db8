"""Pairs of texts: a source, and one or more targets that would all be right answers."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from zoo.data import builders, tfds_sets
from zoo.data.examples import content, objects, shared
from zoo.data.tables import headerless, languages, reader
from zoo.data.tables.frames import Frame, framed
from zoo.errors import NoSplitError, UserError

SLICE = re.compile(r"(?P<name>\w+)\[(?P<first>\d*%?):(?P<last>\d*%?)\]")

FEW = 1000  # training pairs below which a sentence is said
LOPSIDED = 4  # proportion of lengths, against the median's, up to which no pair is suspicious
LONG = 60  # characters from which lengths tell something


@dataclass(frozen=True)
class Pairs:
    """Pairs held in memory; cutting and splitting never copies the texts.

    Attributes:
        raw: N sources, `str`.
        targets: N tuples of one or more `str`: the references. What is trained on has one each.
        source: Where they came from, for messages and cards.
        notes: Sentences on how the source was understood, where that was a guess.
    """

    raw: np.ndarray
    targets: np.ndarray
    source: str
    notes: tuple[str, ...] = ()

    def __post_init__(self):
        if len(self.raw) != len(self.targets):
            raise ValueError(f"{len(self.raw)} sources, {len(self.targets)} targets")

    def __len__(self) -> int:
        return len(self.raw)

    def take(self, indices: Sequence[int] | slice | np.ndarray) -> Pairs:
        """The pairs at the given indices."""
        return replace(self, raw=self.raw[indices], targets=self.targets[indices])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of classes, of which pairs have none."""
        return ()

    def renamed(self, names: Sequence[str]) -> Pairs:
        """The same pairs: they have no labels to count anew."""
        return self

    def split(self, fraction: float, seed: int) -> tuple[Pairs, Pairs]:
        """Cuts off a share, the same one for the same seed; pairs with an equal source stay together.

        Args:
            fraction: Share to hold back, in (0, 1), of the different sources.
            seed: Chooses them.

        Returns:
            The rest and the held pairs, both in their original order; either has at least one source where there
            are two.
        """
        if not 0 < fraction < 1:
            raise UserError(f"expected a validation share between 0 and 1, got {fraction}")
        groups = {}
        group = np.array([groups.setdefault(content(raw), len(groups)) for raw in self.raw], np.int64)
        count = min(max(1, round(fraction * len(groups))), len(groups) - 1)
        chosen = np.random.default_rng(seed).permutation(len(groups))[: max(count, 0)]
        held = np.isin(group, chosen)
        return self.take(~held), self.take(held)


def check(train: Pairs, validation: Pairs) -> list[str]:
    """Looks for what spoils a training before it starts.

    Returns:
        Sentences about what is worth knowing: few pairs, equal sides, lengths that do not fit one another, duplicates
        between the two sets.

    Raises:
        UserError: There is nothing to learn from.
    """
    for pairs in (train, validation):
        if not len(pairs):
            raise UserError(f"{pairs.source}: no pairs found")
    notes = []
    if len(train) < FEW:
        notes.append(f"Only {len(train):,} training pairs: expect little of what is learned from so few.")
    equal = [content(raw) == content(targets[0]) for raw, targets in zip(train.raw, train.targets, strict=True)]
    if 2 * sum(equal) > len(train):
        raise UserError(f"{train.source}: {sum(equal):,} of {len(train):,} pairs have the same text on both sides")
    if any(equal):
        notes.append(f"{sum(equal):,} of {len(train):,} training pairs have the same text on both sides.")
    lopsided = _lopsided(train)
    if len(lopsided):
        notes.append(
            f"In {len(lopsided):,} of {len(train):,} training pairs one side is far too long for the other, first in "
            f"pair {lopsided[0] + 1}: do they belong together?"
        )
    return notes + shared(train.raw, validation.raw)


def _lopsided(pairs: Pairs) -> np.ndarray:
    """Places of the pairs whose lengths, in characters, stand in quite another proportion than those of most pairs.

    A summary is always shorter than its source, and subject lines vary more than translations do: what counts is the
    distance from the median proportion, against the quartiles' distance. Short sides vary freely."""
    lengths = np.array([(len(raw), len(targets[0])) for raw, targets in zip(pairs.raw, pairs.targets, strict=True)])
    proportions = np.log(lengths[:, 1] / lengths[:, 0])
    low, middle, high = np.quantile(proportions, (0.25, 0.5, 0.75))
    far = np.abs(proportions - middle) > max(np.log(LOPSIDED), 3 * (high - low))
    return np.flatnonzero(far & (lengths.max(1) >= LONG))


def load(
    source: str | os.PathLike,
    split: str | None = None,
    *,
    source_column: str | None = None,
    target_column: str | None = None,
    languages: tuple[str, str] | None = None,
) -> Pairs:
    """Loads pairs of texts.

    Args:
        source: "multi30k", "anki/spa-eng", "anki/fra-eng" or "dialogsum"; the name of a TFDS data set with two
            features of text; a table: .csv, .tsv, .jsonl, each also with .gz, or a data frame; or several of these
            joined by "+", of which a data set that lacks the split stays out.
        split: Of a data set, its split ("train", "train[:1000]", "train[5%:]"). A table has none. None: all there is.
        source_column: Feature or column of the sources: for translation the language, "de".
        target_column: Feature or column of the targets. A data set that has supervised keys needs neither.
        languages: Source and target language; a table whose header names both, as "de", "DE", "deu" or "German", is
            read by them, else by `source_column` and `target_column`. Of a table without a header the first two
            columns are read, in the order that their words tell; one whose order cannot be told is refused.

    Raises:
        UserError: The source is nowhere, empty, or not of the expected form.
    """
    source = framed(source)
    if isinstance(source, Frame):
        return _table(source, source_column, target_column, languages)
    path, name = Path(source), str(source)
    if not path.exists() and "+" in name:
        columns = {"source_column": source_column, "target_column": target_column, "languages": languages}
        return _joined(name, _with_split(name.split("+"), split, columns))
    if reader.is_table(name):
        return _table(path, source_column, target_column, languages)
    builder = builders.find(name)
    if builder is not None:
        keys = _keys(name, builder.info.features, builder.info.supervised_keys, source_column, target_column)
        return _plain(name, builder, split, keys)
    if path.exists() or path.is_absolute() or (os.sep in name and path.parent.exists()):
        expected = f"a table of pairs ({', '.join(reader.SUFFIXES[:3])})"
        raise UserError(f"{path}: {'expected' if path.exists() else 'no such file; expected'} {expected}")
    return _tfds(name, split, source_column, target_column)


def _with_split(names: Sequence[str], split: str | None, columns: dict) -> list[Pairs]:
    """The sources that have the split; where none has, the first one's error."""
    parts, errors = [], []
    for name in names:
        try:
            parts.append(load(name, split, **columns))
        except NoSplitError as error:
            errors.append(error)
    if not parts:
        raise errors[0]
    return parts


def _table(
    path: Path | Frame, source_column: str | None, target_column: str | None, pair: tuple[str, str] | None
) -> Pairs:
    usual = pair or ("source", "target")
    named = (source_column or usual[0], target_column or usual[1])
    chosen = named != usual
    wanted = [_called(*usual, pair), _called(*named, pair)] if chosen else [_called("source", "target", None)]
    if pair and not chosen:
        wanted.append(_called(*pair, pair))
    notes = []
    rows = reader.columns(path, wanted, lambda rows: None if chosen else _headerless(path, rows, pair), notes)
    raw, targets = [], []
    for place, values in rows:
        for role, value in zip(wanted[-1], values, strict=True):
            if not isinstance(value, str):
                raise UserError(f"{path}: {place}: expected a text as {wanted[-1][role][0]!r}, got {value!r:.60}")
            if not _is_unicode(value):
                raise UserError(f"{path}: {place}: the {role} holds half a character (a lone surrogate)")
        source, target = (unicodedata.normalize("NFC", value.strip()) for value in values)
        raw.append(source)
        targets.append((target,))
    if not raw:
        raise UserError(f"{path}: no pairs found, the file is empty")
    return Pairs(objects(raw), objects(targets), str(path), tuple(notes))


def _called(source: str, target: str, pair: tuple[str, str] | None) -> reader.Wanted:
    """Names that the columns may have: a language any of its own."""
    return {
        role: languages.spellings(name) if name in (pair or ()) else (name,)
        for role, name in (("source", source), ("target", target))
    }


def _headerless(path: Path, rows: list[list[str]], pair: tuple[str, str] | None) -> reader.Headerless | None:
    try:
        return headerless.paired(rows, pair)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _is_unicode(text: str) -> bool:
    """False where JSON's escapes have made a string that UTF-8 cannot write."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _keys(name: str, features, supervised, source_column: str | None, target_column: str | None) -> tuple[str, str]:
    """The features of source and target, by name or as the data set declares them."""
    declared = supervised or (None, None)
    keys = (source_column or declared[0], target_column or declared[1])
    for role, key in zip(("source", "target"), keys, strict=True):
        if key is None:
            raise UserError(f"{name}: name the {role} by --{role}-column; there are: {', '.join(features)}")
        if key not in features:
            raise UserError(f"{name} has no {key!r}; there are: {', '.join(features)}")
    return keys


def _plain(name: str, builder, split: str | None, keys: tuple[str, str]) -> Pairs:
    """A set of ours, read from its files; slices count what is left after gathering references."""
    parts = []
    for wanted in [split] if split else builder.SPLITS:
        sliced = SLICE.fullmatch(wanted)
        part = sliced["name"] if sliced else wanted
        pairs = _pairs(name, builder.examples(part), keys)
        if part in builder.REFERENCES:
            pairs = _gathered(pairs)
        if sliced:
            pairs = pairs.take(slice(*(_bound(sliced[end], len(pairs)) for end in ("first", "last"))))
        parts.append(pairs)
    return _joined(name, parts)


def _bound(text: str, count: int) -> int | None:
    if not text:
        return None
    return round(int(text[:-1]) / 100 * count) if text.endswith("%") else int(text)


def _tfds(name: str, split: str | None, source_column: str | None, target_column: str | None) -> Pairs:
    """A data set of TFDS with two features of text."""
    builder = tfds_sets.open_set(name, own=builders.NAMES)
    keys = _keys(name, builder.info.features, builder.info.supervised_keys, source_column, target_column)
    return _pairs(name, tfds_sets.records(builder, split), keys)


def _pairs(name: str, records: Iterable[dict], keys: tuple[str, str]) -> Pairs:
    """Pairs of records; a feature that is a sequence holds several references."""
    raw, targets, empty = [], [], 0
    for record in records:
        (source,), references = (_texts(record[key]) for key in keys)
        if not source or not all(references):
            empty += 1
            continue
        raw.append(source)
        targets.append(references)
    notes = (f"{name}: {empty:,} pairs with an empty side are left out.",) if empty else ()
    return Pairs(objects(raw), objects(targets), name, notes)


def _texts(value: str | bytes | Iterable) -> tuple[str, ...]:
    values = [value] if isinstance(value, str | bytes) else value
    return tuple((text.decode() if isinstance(text, bytes) else text).strip() for text in values)


def _gathered(pairs: Pairs) -> Pairs:
    """One pair for each different source, in the order of their first, with all its different targets."""
    places, references = {}, {}
    for place, (raw, targets) in enumerate(zip(pairs.raw, pairs.targets, strict=True)):
        key = content(unicodedata.normalize("NFC", raw))
        places.setdefault(key, place)
        references.setdefault(key, {}).update(dict.fromkeys(targets))
    return replace(pairs.take(list(places.values())), targets=objects(map(tuple, references.values())))


def _joined(name: str, parts: Sequence[Pairs]) -> Pairs:
    if len(parts) == 1:
        return parts[0]
    raw, targets = (np.concatenate([getattr(part, field) for part in parts]) for field in ("raw", "targets"))
    return Pairs(raw, targets, name, tuple(note for part in parts for note in part.notes))

"""The models that are served: which versions of each are in memory, and which one a request means.

Served are the newest version of each model that can be loaded, and those that have a label. A folder that appears is
loaded once it holds still, in a thread of its own; a bad one is reported, and what was served before goes on.
"""

from __future__ import annotations

import dataclasses
import gc
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from apps.serving import model_folders
from apps.serving.errors import Refusal, invalid
from apps.serving.signatures import Version
from zoo.errors import UserError

Told = Callable[..., None]  # event, and its fields
Load = Callable[[Path, int], Version]  # raises UserError


@dataclasses.dataclass(frozen=True)
class State:
    """State of a version: AVAILABLE, or END with the reason."""

    state: str
    code: str = "OK"
    message: str = ""


class Model:
    """One model and its versions.

    Args:
        name: Under which it is asked for.
        folder: Versions, or one version.
        single: Whether the folder is one version; nothing is looked for later.
        labels: Label -> version.
        tell: Hears of versions that come, go and fail.
        load: Makes a version of a folder and a number.

    Raises:
        UserError: No version can be loaded, or one that has a label cannot.
    """

    def __init__(
        self, name: str, folder: Path, single: bool, labels: Mapping[str, int], tell: Told, load: Load = Version
    ):
        self.name = name
        self.folder = folder
        self.labels = dict(labels)
        self._single = single
        self._tell = tell
        self._load = load
        self._states: dict[int, State] = {}
        self._failed: dict[int, tuple] = {}  # version -> what its folder was like
        self._seen: dict[int, tuple] = {}
        # The newest version's number, and all by number: replaced as a whole, so that a request needs no lock.
        self._current: tuple[int, dict[int, Version]] = (-1, {})
        found = self._found()
        for label, number in self.labels.items():
            if number not in found:
                there = ", ".join(map(str, sorted(found))) or "none"
                raise UserError(f"--label {name}:{label}={number}: there is no such version; there are: {there}")
        self._update(found, patient=False)
        if not self._current[1]:
            reason = self._states[max(self._states)].message if self._states else f"{folder}: no version is there"
            raise UserError(reason)
        for label, number in self.labels.items():
            if number not in self._current[1]:
                raise UserError(f"--label {name}:{label}={number}: {self._states[number].message}")

    def get(self, number: int | None = None, label: str | None = None) -> Version:
        """The version that a request means; the newest where it names none.

        Raises:
            Refusal: It is not served.
        """
        if label is not None:
            number = self.labels.get(label)
            if number is None:
                raise invalid(f"Unrecognized servable version label: {label}")
        latest, serving = self._current
        version = serving.get(latest if number is None else number)
        if version is None:
            asked = f"Latest({self.name})" if number is None else f"Specific({self.name}, {number})"
            raise Refusal("NOT_FOUND", f"Servable not found for request: {asked}")
        return version

    def states(self, number: int | None = None) -> dict[int, State]:
        """States of all versions, or of one, newest first.

        Raises:
            Refusal: That version has never been seen.
        """
        states = dict(self._states)
        if number is None:
            return dict(sorted(states.items(), reverse=True))
        if number not in states:
            raise Refusal("NOT_FOUND", f"Could not find version {number} of model {self.name}")
        return {number: states[number]}

    def refresh(self) -> None:
        """Looks for new versions, and loads and drops what is to be."""
        if self._single:
            return
        try:
            found = self._found()
        except UserError:  # the folder is away for a moment, or for good: what is in memory goes on
            return
        self._update(found, patient=True)

    def _found(self) -> dict[int, Path]:
        if not self._single:
            return model_folders.versions(self.folder)
        own = self.folder.resolve().name
        return {int(own) if re.fullmatch("[0-9]{1,19}", own) else 1: self.folder}

    def _update(self, found: Mapping[int, Path], patient: bool) -> None:
        latest, serving = self._current[0], dict(self._current[1])
        for number in self.labels.values():
            if number in found and number not in serving:
                self._try(number, found[number], serving, patient)
        for number in sorted(found, reverse=True):
            if number in serving or self._try(number, found[number], serving, patient):
                latest = number
                break
        keep = {latest, *self.labels.values()}
        gone = serving.keys() - keep
        self._current = latest, {number: version for number, version in serving.items() if number in keep}
        for number in gone:
            self._states[number] = State("END")
            self._tell("unloaded", model=self.name, version=number)
        if gone:
            del serving
            gc.collect()  # a graph's objects refer to one another in circles

    def _try(self, number: int, folder: Path, serving: dict[int, Version], patient: bool) -> bool:
        """Loads a version into `serving`, unless it failed before as it is, or still changes."""
        mark = _fingerprint(folder)
        if self._failed.get(number) == mark:
            return False
        if patient and self._seen.get(number) != mark:  # perhaps it is being copied
            self._seen[number] = mark
            return False
        try:
            serving[number] = self._load(folder, number)
        except UserError as error:
            self._failed[number] = mark
            self._states[number] = State("END", "INVALID_ARGUMENT", str(error))
            self._tell("failed", model=self.name, version=number, error=str(error))
            return False
        self._failed.pop(number, None)
        self._states[number] = State("AVAILABLE")
        self._tell("loaded", model=self.name, version=number)
        return True


class Models:
    """All models, and the thread that looks for new versions.

    Args:
        models: At least one.
        every: Seconds between two looks.
    """

    def __init__(self, models: Iterable[Model], every: float = 0.5):
        self._models = {model.name: model for model in models}
        self._every = every
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="versions", daemon=True)

    def __iter__(self):
        return iter(self._models.values())

    def __contains__(self, name: str) -> bool:
        return name in self._models

    def version(self, name: str, number: int | None = None, label: str | None = None) -> Version:
        """The version that a request means; see `Model.get`."""
        if not name:
            raise invalid("ModelSpec has no name specified.")
        if name in self._models:
            return self._models[name].get(number, label)
        if label is not None:
            raise invalid(f"Unrecognized servable version label: {label}")
        asked = f"Latest({name})" if number is None else f"Specific({name}, {number})"
        raise Refusal("NOT_FOUND", f"Servable not found for request: {asked}")

    def states(self, name: str, number: int | None = None) -> dict[int, State]:
        """States of a model's versions; see `Model.states`."""
        if name in self._models:
            return self._models[name].states(number)
        told = "any versions" if number is None else f"version {number}"
        raise Refusal("NOT_FOUND", f"Could not find {told} of model {name}")

    def watch(self) -> None:
        """Starts looking for new versions."""
        self._watcher.start()

    def stop(self) -> None:
        """Ends the looking; a version that is being loaded is waited for."""
        self._stopping.set()
        if self._watcher.is_alive():
            self._watcher.join()

    def _watch(self) -> None:
        while not self._stopping.wait(self._every):
            for model in self._models.values():
                model.refresh()


def _fingerprint(folder: Path) -> tuple:
    """Names, sizes and times of all files in a folder: what changes while it is being written."""
    marks = []
    for path in sorted(folder.rglob("*")):
        try:
            status = path.stat()
        except OSError:  # it has just gone
            continue
        marks.append((str(path), status.st_size, status.st_mtime_ns))
    return tuple(marks)

"""Sources of `zoo serve`: `[NAME=]PRESET_OR_EXPORT` -> a name and a place. Nothing heavy is loaded here."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

from zoo import preset
from zoo.errors import UserError, nearest

SAVED_MODEL = "saved_model.pb"
_NAME = re.compile(r"[^/:\x00-\x20\x7f]+")  # what TF Serving's addresses can hold, and a person can type
MOST = 2**63 - 1  # the largest version


@dataclasses.dataclass(frozen=True)
class Source:
    """One model to serve.

    Attributes:
        name: Under which it is asked for.
        folder: A preset folder, or a folder of versions, or one version.
        kind: "preset", "versions" or "version".
    """

    name: str
    folder: Path
    kind: str


def sources(items: Sequence[str]) -> list[Source]:
    """Sources that the command line names.

    Raises:
        UserError: One of them is nowhere, or two have the same name.
    """
    found: dict[str, Source] = {}
    for item in items:
        source = _source(item)
        if source.name in found:
            raise UserError(
                f"two models are named {source.name!r}: {found[source.name].folder} and {source.folder}; "
                "give one of them another name: NAME=PRESET_OR_EXPORT"
            )
        found[source.name] = source
    return list(found.values())


def labels(given: Sequence[str], known: Sequence[Source]) -> dict[str, dict[str, int]]:
    """`MODEL:LABEL=VERSION` -> model -> label -> version."""
    found: dict[str, dict[str, int]] = {source.name: {} for source in known}
    for text in given:
        matched = re.fullmatch(r"([^/:]+):([^/:=]+)=([0-9]{1,19})", text)
        if not matched or int(matched[3]) > MOST:
            raise UserError(f"--label: expected MODEL:LABEL=VERSION, such as sentiment-imdb:stable=3, got {text!r}")
        model, label, version = matched.groups()
        if model not in found:
            raise UserError(f"--label {text}: no model {model!r} is served{nearest(model, found)}")
        if label in found[model]:
            raise UserError(f"--label {text}: {model} has a label {label!r} already")
        found[model][label] = int(version)
    return found


def versions(folder: Path) -> dict[int, Path]:
    """The folders of the versions, by number."""
    try:
        children = [child for child in folder.iterdir() if re.fullmatch("[0-9]{1,19}", child.name) and child.is_dir()]
    except OSError as error:
        raise UserError(f"{folder}: cannot be read: {error.strerror}") from error
    return {number: child for child in children if (number := int(child.name)) <= MOST}


def _source(item: str) -> Source:
    name, place = None, item
    if "=" in item and not Path(item).exists():
        name, _, place = item.partition("=")
        if not _NAME.fullmatch(name):
            raise UserError(f"{item!r}: expected a name without '/', ':' and spaces before the '=', got {name!r}")
    folder = Path(place)
    if place in preset.names() or (folder / "config.json").is_file():
        folder = preset.find(place)
        return _named(name or preset.read_config(folder)["name"], folder, "preset")
    own = folder.resolve().name
    if (folder / SAVED_MODEL).is_file():
        numbered = re.fullmatch("[0-9]{1,19}", own)
        return _named(name or (folder.resolve().parent.name if numbered else own), folder, "version")
    if not folder.is_dir():
        if folder.is_file() or len(folder.parts) > 1 or place in ("", ".", ".."):
            raise UserError(f"{place!r}: expected a preset, or the folder of an export; there is no such folder")
        raise UserError(f"no preset and no folder named {place!r}{nearest(place, preset.names())}")
    if versions(folder):
        return _named(name or own, folder, "versions")
    inside = sorted(child.name for child in folder.iterdir() if child.is_dir() and versions(child))
    hint = f"; it holds {', '.join(inside[:5])}: name them" if inside else f" (no {SAVED_MODEL}, no folder 1/)"
    raise UserError(f"{folder}: not a preset, and not an export{hint}")


def _named(name: str, folder: Path, kind: str) -> Source:
    if not _NAME.fullmatch(name):
        raise UserError(f"{folder}: cannot be served as {name!r}; give it a name: NAME={folder}")
    return Source(name, folder, kind)

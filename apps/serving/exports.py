"""Exports of presets that `zoo serve` makes for itself, and keeps for its next start.

They stand in XDG_CACHE_HOME (by default ~/.cache), in `keras-menagerie/exports/KEY/`, where KEY follows from the
preset's files and from the code that exports them: another preset or another version has another key. An entry is
valid once its `files.json` is there and names files of these sizes. Whoever exports holds a lock on `KEY.lock`, and so
does the process that it starts: of two servers that start at once one exports and the other waits, and the lock of a
server that is killed ends with the last of both. What is left half written is removed by the next one.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import TextIO

import apps
import zoo
from apps.serving.model_folders import SAVED_MODEL
from zoo import preset
from zoo.errors import UserError

UNUSED = 30 * 24 * 3600  # seconds after which an export that no server has begun with is removed
_BESIDE = frozenset(("card.md", "curve.png", "history.csv", "scores.json"))  # files that do not change the answers
_EVERY = 10  # seconds between two lines about an export that goes on
_WRITERS = ("keras", "tensorflow", "tensorflow-text")
Say = Callable[[str], None]


def exported(name: str, folder: Path, stack: contextlib.ExitStack, say: Say) -> Path:
    """The folder of a version that answers as the preset does; exported now unless an earlier start has kept it.

    Args:
        name: Under which the preset is served, for messages.
        folder: The preset's.
        stack: Removes at its end what could not be kept.
        say: Takes a sentence where this takes a while.

    Raises:
        UserError: The preset cannot be exported.
    """
    try:
        place = _home() / key(folder)
        lock = open(place.with_suffix(".lock"), "w")
    except OSError as error:
        say(f"{name}: its export cannot be kept for the next start: {error.filename}: {error.strerror}")
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zoo-serve-")))
        return _export(name, folder, place, say, None)
    with lock:
        _wait_for(lock, lambda: say(f"another server is exporting {name}; waiting for it"))
        if version := _complete(place):
            os.utime(place)
            return version
        shutil.rmtree(place, ignore_errors=True)
        version = _export(name, folder, place, say, lock.fileno())
        _finish(place, version)
        _prune(place.parent)
    return version


def key(folder: Path) -> str:
    """A digest of all that an export depends on: the preset's files, our code, the versions of what writes it."""
    digest = hashlib.sha256()
    own = Path(zoo.__file__).parent
    sources = [(path, path.relative_to(own)) for path in own.rglob("*.py")]
    files = [
        (path, path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.name not in _BESIDE
    ]
    for group in (sources, files):
        for path, relative in sorted(group, key=lambda pair: str(pair[1])):
            content = path.read_bytes()
            digest.update(f"{relative}\0{len(content)}\0".encode("utf-8", "surrogateescape") + content)
    for package in _WRITERS:
        digest.update(f"{package} {metadata.version(package)}\0".encode())
    return digest.hexdigest()[:32]


def _home() -> Path:
    """The folder of all kept exports; a relative XDG_CACHE_HOME counts as none, as its specification has it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not cache.is_absolute():
        cache = Path(os.path.expanduser("~")) / ".cache"
    if not cache.is_absolute():
        raise FileNotFoundError(errno.ENOENT, "there is no home folder", "XDG_CACHE_HOME")
    home = cache / "keras-menagerie" / "exports"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home


def _wait_for(lock: TextIO, waiting: Callable[[], None]) -> None:
    """Takes the lock, until its file is closed; `waiting` is called where another process has it at first."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting()
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError:  # a file system without locks: two exports at once replace one another whole
        pass


def _export(name: str, folder: Path, place: Path, say: Say, lock: int | None) -> Path:
    """Exports into a folder by a process of its own: this one stays without Keras."""
    started = time.monotonic()
    say(f"exporting {name}, which may take a minute")
    with subprocess.Popen(
        apps.command("export", "--quiet", str(folder), str(place)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=() if lock is None else (lock,),
    ) as child:
        try:
            while child.returncode is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    out, err = child.communicate(timeout=_EVERY)
                    break
                say(f"exporting {name}, {time.monotonic() - started:.0f} s so far")
        except BaseException:  # Ctrl-C or SIGTERM
            child.kill()
            raise
    if child.returncode:
        told = err.strip().splitlines()[-1:] or ["no message"]
        raise UserError(f"{name}: cannot be exported: {told[0].removeprefix('zoo: ')}")
    say(f"exported {name} in {time.monotonic() - started:.0f} s" + (f", kept in {place}" if lock is not None else ""))
    return Path(out.splitlines()[-1])


def _complete(place: Path) -> Path | None:
    """The version in a kept entry; None where it is not whole."""
    try:
        kept = json.loads((place / "files.json").read_text(encoding="utf-8"))
        if all((place / name).stat().st_size == size for name, size in kept.items()):
            return next((place / name).parent for name in kept if name.endswith(f"/{SAVED_MODEL}"))
    except (OSError, ValueError, AttributeError, StopIteration):  # not there, or damaged: it is made anew
        pass
    return None


def _finish(place: Path, version: Path) -> None:
    files = {str(path.relative_to(place)): path.stat().st_size for path in version.rglob("*") if path.is_file()}
    partial = place / ".files.json"
    preset.write_json(partial, files)
    partial.replace(place / "files.json")


def _prune(home: Path) -> None:
    """Removes exports that nobody has begun with for long; a server that runs has its model in memory."""
    for entry in home.iterdir():
        with contextlib.suppress(OSError):
            if entry.is_dir() and time.time() - entry.stat().st_mtime > UNUSED:
                shutil.rmtree(entry, ignore_errors=True)
                entry.with_suffix(".lock").unlink(missing_ok=True)

"""Exports that `zoo serve` keeps: made once, made anew when the preset changes, whole after whatever happened."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from apps.serving import exports
from zoo.errors import UserError

ROOT = Path(__file__).parents[3]
# In place of Python: -P -c CODE export --quiet PRESET PLACE
EXPORTER = """\
#!/bin/sh
echo started >> "$0.log"
[ -e "$6/broken" ] && { echo "zoo: no such layer" >&2; exit 2; }
mkdir -p "$7/mine/1"
printf half > "$7/mine/1/saved_model.pb"
sleep 0.2
printf whole > "$7/mine/1/saved_model.pb"
echo "$7/mine/1"
"""


@pytest.fixture
def exporter(tmp_path, monkeypatch):
    """Stands in for the process that exports; its log has a line for each export."""
    path = tmp_path / "exporter"
    path.write_text(EXPORTER)
    path.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return lambda: Path(f"{path}.log").read_text().count("started")


@pytest.fixture
def folder(tmp_path):
    """A preset."""
    folder = tmp_path / "preset"
    (folder / "weights").mkdir(parents=True)
    for name in ("config.json", "weights/model.weights.h5", "card.md"):
        (folder / name).write_text(name)
    return folder


def begin(folder):
    """(the export's content, its folder, what was said) of one start."""
    said = []
    with contextlib.ExitStack() as stack:
        version = exports.exported("mine", folder, stack, said.append)
        return (version / "saved_model.pb").read_text(), version, said


def test_the_second_start_exports_nothing_and_says_nothing(exporter, folder, tmp_path):
    content, first, said = begin(folder)
    assert content == "whole" and first.is_relative_to(tmp_path / "cache" / "keras-menagerie" / "exports")
    assert said[0] == "exporting mine, which may take a minute" and said[1].startswith("exported mine in ")
    assert begin(folder) == ("whole", first, []) and exporter() == 1


def test_another_content_is_another_export(exporter, folder, monkeypatch):
    begin(folder)
    (folder / "card.md").write_text("other words")  # which no answer depends on
    begin(folder)
    assert exporter() == 1
    (folder / "weights" / "model.weights.h5").write_text("other weights")
    begin(folder)
    assert exporter() == 2
    monkeypatch.setattr(exports.metadata, "version", lambda package: "99")
    begin(folder)
    assert exporter() == 3


def test_of_two_starts_at_once_one_exports(exporter, folder):
    found = []
    threads = [threading.Thread(target=lambda: found.append(begin(folder))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert exporter() == 1 and [content for content, _, _ in found] == ["whole"] * 3
    assert sum("another server is exporting mine; waiting for it" in said for _, _, said in found) == 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_start_that_is_killed_leaves_nothing_half_written(exporter, folder, number):
    code = f"""
import contextlib, sys
from pathlib import Path
from apps.serving import exports
sys.executable = {sys.executable!r}
exports.exported("mine", Path({str(folder)!r}), contextlib.ExitStack(), lambda sentence: print(sentence, flush=True))
"""
    python = os.path.realpath("/proc/self/exe")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
    with subprocess.Popen(
        [python, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as p:
        p.stdout.readline()
        deadline = time.monotonic() + 20
        while not list(folder.parent.glob("cache/keras-menagerie/exports/*/mine/1/saved_model.pb")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        p.send_signal(number)
    # Killed at once, it leaves its exporter behind, which still holds the lock.
    assert begin(folder)[0] == "whole"
    assert begin(folder)[2] == []


@pytest.mark.parametrize("content", [None, b"cut", b""])
def test_a_damaged_export_is_made_anew(exporter, folder, content):
    _, version, _ = begin(folder)
    if content is None:
        (version.parents[1] / "files.json").unlink()
        (version / "left.over").touch()
    else:
        (version / "saved_model.pb").write_bytes(content)
    assert begin(folder)[0] == "whole" and exporter() == 2 and not (version / "left.over").exists()


@pytest.mark.parametrize("cache", ["/proc/nowhere", "/dev/null"])
def test_where_nothing_can_be_kept_it_exports_all_the_same(exporter, folder, monkeypatch, cache):
    monkeypatch.setenv("XDG_CACHE_HOME", cache)
    for count in (1, 2):
        content, version, said = begin(folder)
        assert content == "whole" and exporter() == count and not version.exists()
        assert said[0].startswith(f"mine: its export cannot be kept for the next start: {cache}")


def test_the_cache_is_under_home_unless_told_otherwise(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", "relative/path"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert exports._home() == tmp_path / ".cache" / "keras-menagerie" / "exports"


def test_an_export_that_fails_is_one_line_and_is_not_kept(exporter, folder):
    (folder / "broken").touch()
    for count in (1, 2):
        with pytest.raises(UserError, match="^mine: cannot be exported: no such layer$"):
            begin(folder)
        assert exporter() == count


def test_what_nobody_begins_with_for_long_is_removed(exporter, folder):
    _, old, _ = begin(folder)
    entry = old.parents[1]
    os.utime(entry, (0, time.time() - exports.UNUSED + 60))
    (folder / "config.json").write_text("another")
    begin(folder)
    assert old.exists()
    os.utime(entry, (0, time.time() - exports.UNUSED - 60))
    (folder / "config.json").write_text("a third one")
    begin(folder)
    assert not entry.exists()

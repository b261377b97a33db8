"""Fixtures of the applications' tests: presets without weights, and `zoo` with a task that answers at once."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.apps.processes import interruptible

ROOT = Path(__file__).parents[2]
FAKE = Path(__file__).with_name("fake.py")


@pytest.fixture
def folders(tmp_path):
    """The folders of a text preset and an image preset; only their configuration is there."""
    own = {"labels": ["bad", "good"]}
    return {kind: _preset(tmp_path / f"{kind}-preset", f"{kind}-classification", own) for kind in ("text", "image")}


@pytest.fixture
def writers(tmp_path, monkeypatch):
    """The same of text makers: presets that are shipped, in place of the real ones, and a folder of one's own."""
    from zoo import preset

    monkeypatch.setattr(preset, "ROOT", tmp_path / "shipped")
    decoding = {"beam": 2, "n_best": 1}
    made = {}
    for name, languages in (
        ("translate-de-en", "de en"),
        ("translate-en-de", "en de"),
        ("translate-de-en-lstm", "de en"),
        ("mine", "cs hu"),
    ):
        own = {"languages": languages.split(), "decoding": decoding}
        place = tmp_path / ("" if name == "mine" else "shipped") / name
        made[name] = _preset(place, "translation", own)
    made["summary"] = _preset(tmp_path / "shipped" / "summarize-dialogue", "summarization", {"decoding": decoding})
    return made


def _preset(folder, task, own):
    folder.mkdir(parents=True)
    config = {"format": 1, "name": folder.name, "task": task, "model": "fake", "arguments": {}, "preprocess": {}}
    (folder / "config.json").write_text(json.dumps(config | own))
    return folder


@pytest.fixture
def fake(monkeypatch):
    """Makes `zoo.load` give the fake task, in this process."""
    import zoo

    specification = importlib.util.spec_from_file_location("fake_task", FAKE)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    monkeypatch.setattr(zoo, "load", module.load)
    return module


@pytest.fixture
def zoo_main(capsys):
    """Runs `zoo` in this process: (status, lines of stdout, stderr)."""
    from apps import cli

    def run(*argv):
        status = cli.main([str(argument) for argument in argv])
        out, err = capsys.readouterr()
        return status, out.splitlines(), err

    return run


@pytest.fixture
def start():
    """Starts the fake `zoo` as a process of its own."""
    started = []

    def run(*argv, closed=(), **options):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", **options.pop("env", {})}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        command = [sys.executable, str(FAKE), *map(str, argv)]
        if closed:
            command = ["sh", "-c", f'exec "$@" {" ".join(f"{number}>&-" for number in closed)}', "sh", *command]
        with interruptible():
            process = subprocess.Popen(command, env=environment, **pipes)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()

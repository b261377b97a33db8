"""`zoo quickstart` keeps its promises, and the commands that it ends with work when pasted."""

import io
import shlex
from contextlib import redirect_stdout

import pytest

from apps import cli


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    """The printed lines, and the folder in which it ran."""
    folder = tmp_path_factory.mktemp("quickstart")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("ZOO_DATA_DIR", raising=False)
        with redirect_stdout(io.StringIO()) as printed:
            status = cli.main(["quickstart"])
    assert status == 0
    return printed.getvalue().splitlines(), folder


def test_accuracy_and_files(quickstart):
    lines, folder = quickstart
    accuracy = next(float(line.split()[1].rstrip("%")) for line in lines if line.strip().startswith("accuracy"))
    assert accuracy >= 98
    for name in ("card.md", "curve.png", "scores.json", "config.json", "weights/model.weights.h5"):
        assert (folder / "runs/quickstart" / name).is_file()
    assert (folder / "runs/export/quickstart/1/saved_model.pb").is_file()


def test_the_task_and_the_export_say_the_same(quickstart):
    lines, _ = quickstart
    task, export = (line.split("says")[1].strip() for line in lines if " says " in line)
    assert task == export


def test_the_last_five_lines_are_commands_that_work(quickstart, monkeypatch, capsys):
    lines, folder = quickstart
    monkeypatch.chdir(folder)
    commands = [shlex.split(line) for line in lines[-5:]]
    assert [command[0] for command in commands] == ["zoo"] * 5
    for command in commands:
        assert cli.main(command[1:]) == 0, command
        assert capsys.readouterr().out.strip(), command

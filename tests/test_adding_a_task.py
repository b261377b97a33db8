"""Tasks with their applications, added to a copy of the package: few existing files are edited, and all of it works.

The three small tasks of `tests/zoo/small_tasks.py` become files of the copy, and are trained, asked, exported and
served there by the command line. README, CHANGELOG, NOTICE and generated pages do not count.
"""

import base64
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.zoo import small_tasks

ROOT = Path(__file__).parent.parent
MOST = 6  # existing files that are edited
NAMES = {"box": "boxes", "rated": "rated", "spots": "spots"}  # task -> application
pytestmark = pytest.mark.matrix


class Copy:
    """A copy of the package, in which files are added and edited."""

    def __init__(self, folder: Path):
        self.folder, self.edited = folder, set()
        for package in ("apps", "optimizers", "zoo"):
            ignored = shutil.ignore_patterns("presets", "__pycache__")
            shutil.copytree(ROOT / package, folder / package, ignore=ignored)

    def add(self, path: str, content: str) -> None:
        """Writes a new file."""
        assert not (self.folder / path).exists()
        (self.folder / path).write_text(content, encoding="utf-8")

    def edit(self, path: str, after: str, lines: str) -> None:
        """Writes lines after a line of a file that is there."""
        text = (self.folder / path).read_text(encoding="utf-8")
        assert text.count(after) == 1, (path, after)
        (self.folder / path).write_text(text.replace(after, after + lines), encoding="utf-8")
        self.edited.add(path)

    def command(self, *words) -> list[str]:
        """`zoo` of the copy."""
        return [sys.executable, "-m", "apps.cli", *map(str, words)]

    def start(self, command: list[str], **options) -> subprocess.Popen:
        """Starts a process that has the copy before anything else."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "TF_CPP_MIN_LOG_LEVEL": "3"}
        environment["XDG_CACHE_HOME"] = str(self.folder / "cache")
        return subprocess.Popen(command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, text=True, **options)

    def run(self, *words) -> list[str]:
        """The lines of a command that must succeed."""
        process = self.start(self.command(*words), stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, (words, err)
        return out.splitlines()


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    copy = Copy(tmp_path_factory.mktemp("copy"))
    small = ROOT / "tests" / "apps" / "small"
    copy.add("zoo/tasks/small_tasks.py", (ROOT / "tests/zoo/small_tasks.py").read_text(encoding="utf-8"))
    copy.add("apps/answering/plain.py", (small / "plain.py").read_text(encoding="utf-8"))
    entries = models = recipes = commands = ""
    for task, app in NAMES.items():
        content = (small / f"{app}.py").read_text(encoding="utf-8")
        copy.add(f"apps/{app}.py", content.replace("tests.apps.small.plain", "apps.answering.plain"))
        recipe = next(
            name for name, each in vars(small_tasks).items() if each is small_tasks.RECIPES.get(f"small-{task}")
        )
        copy.add(
            f"zoo/recipes/small_{task}.py", f"from zoo.tasks.small_tasks import {recipe} as RECIPE  # noqa: F401\n"
        )
        where = "zoo.tasks.small_tasks"
        entries += f"    Entry({task!r}, '{where}:{recipe_class(task)}', ('item', 'label')),\n"
        models += f"    Entry('{model(task)}', '{where}:{model(task)}', {task!r}, 'none', 0),\n"
        recipes += f"    'small-{task}',\n"
        commands += f"    {app!r}: ('apps.{app}', 'a small one'),\n"
    copy.edit("zoo/task_catalog.py", "CATALOG: tuple[Entry, ...] = (\n", entries)
    copy.edit("zoo/catalog.py", "CATALOG: tuple[Entry, ...] = (\n", models)
    copy.edit("zoo/recipes/__init__.py", "_NAMES = (\n", recipes)
    copy.edit("apps/cli.py", "COMMANDS = {\n", commands)
    for number, content in enumerate(small_tasks.pictures(2, 1).raw):
        (copy.folder / f"{number}.png").write_bytes(content)
    (copy.folder / "asked.csv").write_text('text,stars\nfine,"[1, 2, 3]"\ngood,"[5, 5, 5]"\n', encoding="utf-8")
    for task in NAMES:
        copy.run("train", f"small-{task}", "--out", f"runs/{task}", "--quiet")
    return copy


def recipe_class(task: str) -> str:
    """The name of the task's class."""
    classes = (small_tasks.BoxTask, small_tasks.RatedTask, small_tasks.SpotTask)
    return next(cls.__name__ for cls in classes if cls.name == task)


def model(task: str) -> str:
    """The name of the task's architecture."""
    return small_tasks.RECIPES[f"small-{task}"].model


def asked(copy: Copy) -> dict[str, list[dict]]:
    """The answers of the three commands."""
    words = {
        "box": ("boxes", "0.png", "1.png"),
        "rated": ("rated", "--csv", "asked.csv"),
        "spots": ("spots", "--count", 2, "--seed", 7),
    }
    return {
        task: [json.loads(line) for line in copy.run(*word, "--model", f"runs/{task}", "--json")]
        for task, word in words.items()
    }


def test_few_existing_files_are_edited(copy):
    assert len(copy.edited) <= MOST, copy.edited


def test_they_are_listed_told_of_and_evaluated(copy):
    assert any(line.startswith("small-box") for line in copy.run("list", "recipes"))
    assert any("box_model" in line for line in copy.run("show", "runs/box"))
    (last,) = copy.run("evaluate", "runs/rated", "--json")[-1:]
    assert 0 <= json.loads(last)["metrics"]["accuracy"] <= 1


def test_a_table_of_answers_is_written(copy):
    copy.run("boxes", "0.png", "1.png", "--model", "runs/box", "--csv-out", "boxes.csv")
    copy.run("rated", "--csv", "asked.csv", "--model", "runs/rated", "--csv-out", "rated.csv")
    with open(copy.folder / "rated.csv", encoding="utf-8") as file:
        assert [row["item"] for row in csv.DictReader(file)] == ["fine", "good"]
    with open(copy.folder / "boxes.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["item"], row["corner"]) for row in rows] == [
        (name, corner) for name in ("0.png", "1.png") for corner in ("left", "top", "right", "bottom")
    ]


def test_the_server_answers_as_the_commands(copy):
    expected = asked(copy)
    for task in NAMES:
        copy.run("export", f"runs/{task}", "served", "--quiet")
    names = [f"served/small-{task}" for task in NAMES]
    server = copy.start(copy.command("serve", *names, "--port", "0", "--grpc-port", "0"))
    try:
        ready = next(line for line in map(json.loads, server.stdout) if line["event"] == "ready")
        picture = base64.b64encode((copy.folder / "0.png").read_bytes()).decode()
        given = {
            "box": [{"b64": picture}],
            "rated": [{"text": "fine", "stars": [1, 2, 3]}],
            "spots": [7],
        }
        found = {}
        for task, instances in given.items():
            address = f"http://{ready['rest'].removeprefix('http://')}/v1/models/small-{task}:predict"
            request = urllib.request.Request(address, json.dumps({"instances": instances}).encode())
            with urllib.request.urlopen(request, timeout=60) as answer:
                (found[task],) = json.load(answer)["predictions"]
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)
    assert found["box"] == pytest.approx(expected["box"][0]["corners"], abs=1e-5)
    assert found["spots"] == pytest.approx(expected["spots"][0]["numbers"], abs=1e-5)
    assert found["rated"]["labels"][0] == expected["rated"][0]["label"]
    assert found["rated"]["scores"][0] == pytest.approx(expected["rated"][0]["probability"], abs=1e-5)


def test_the_page_has_a_tab_for_the_one_that_declares_it(copy):
    code = """
import pathlib, tempfile
from apps import web
from apps.pages.loaded_tasks import Models
from zoo import preset
folders = {name: pathlib.Path("runs") / name for name in ("box",)}
configs = {name: preset.read_config(folder) for name, folder in folders.items()}
(tab,) = web._desks(Models(folders), configs, pathlib.Path(tempfile.mkdtemp()))
((item, result),) = tab.answer("box", "0.png")
print(tab.name, len(result.corners))
"""
    process = copy.start([sys.executable, "-c", code], stderr=subprocess.PIPE)
    out, err = process.communicate(timeout=120)
    assert out.split() == ["boxes", "4"], err

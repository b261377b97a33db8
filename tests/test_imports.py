"""Importing stays light, and the import contracts of setup.cfg hold what they promise."""

import configparser
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("statement", ["import zoo", "import apps.cli", "import zoo.catalog", "import zoo.recipes"])
def test_import_loads_nothing_heavy(statement):
    heavy = ("tensorflow", "keras", "keras_hub", "jax", "torch", "cv2", "matplotlib", "sklearn", "tensorflow_datasets")
    script = f"import json, sys; {statement}; print(json.dumps([m for m in {heavy!r} if m in sys.modules]))"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == []


def test_contracts_hold():
    # `lint_imports` runs in this process, where pytest has already put the checkout on the path.
    assert lint_imports(config_filename=str(ROOT / "setup.cfg"), no_cache=True, no_logo=True) == 0


# Module written, what it imports, and the edge or module that lint-imports has to name.
BREACHES = [
    ("optimizers/one.py", "import zoo.errors", "optimizers.one -> zoo.errors"),
    ("zoo/errors.py", "import apps.cli", "zoo.errors -> apps.cli"),
    ("zoo/layers/one.py", "import zoo.classifiers.resnet", "zoo.layers.one -> zoo.classifiers.resnet"),
    ("zoo/layers/two.py", "import tensorflow", "zoo.layers.two -> tensorflow"),
    ("zoo/classifiers/one.py", "import zoo.data", "zoo.classifiers.one -> zoo.data"),
    ("zoo/classifiers/two.py", "import optimizers", "zoo.classifiers.two -> optimizers"),
    ("zoo/classifiers/three.py", "import zoo.lstms.bilstm", "zoo.classifiers.three -> zoo.lstms.bilstm"),
    ("zoo/classifiers/four.py", "import zoo.classifiers.resnet", "zoo.classifiers.four -> zoo.classifiers.resnet"),
    ("zoo/lstms/one.py", "def later():\n    import zoo.tasks", "zoo.lstms.one -> zoo.tasks"),
    ("zoo/data/one.py", "import zoo.tasks", "zoo.data.one -> zoo.tasks"),
    ("zoo/tasks/one.py", "import zoo.training", "zoo.tasks.one -> zoo.training"),
    ("zoo/training/one.py", "import zoo.recipes", "zoo.training.one -> zoo.recipes"),
    ("zoo/stray.py", "", "zoo.stray"),
]


@pytest.fixture(scope="module")
def complaints(tmp_path_factory) -> str:
    """The output of lint-imports for a copy of the project in which every rule is broken."""
    house = tmp_path_factory.mktemp("house")
    for package in ("apps", "zoo", "optimizers"):
        shutil.copytree(ROOT / package, house / package, ignore=shutil.ignore_patterns("presets", "__pycache__"))
    shutil.copy(ROOT / "setup.cfg", house)
    for module, breach, _ in BREACHES:
        with (house / module).open("a") as file:
            file.write(f"\n{breach}\n")
    # A process of its own: in this one the checkout is found before the copy.
    script = (
        "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"
    )
    environment = {**os.environ, "PYTHONPATH": str(house)}
    run = subprocess.run([sys.executable, "-c", script], cwd=house, env=environment, capture_output=True, text=True)
    assert run.returncode == 1, run.stdout + run.stderr
    return run.stdout


@pytest.mark.parametrize("named", [named for _, _, named in BREACHES])
def test_a_breach_is_found(complaints, named):
    assert named in complaints


def test_every_architecture_stands_in_the_contracts():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    pure = config["importlinter:contract:architectures"]["source_modules"].split()
    alone = config["importlinter:contract:one-architecture-a-file"]["modules"].split()
    rooms = {path.name for path in (ROOT / "zoo").iterdir() if (path / "__init__.py").is_file()}
    composed = {"detectors", "gans", "segmenters"}
    single = {"classifiers", "lstms", "transformers"}
    assert set(pure) == {f"zoo.{room}" for room in rooms & (composed | single | {"layers"})}
    assert set(alone) == {f"zoo.{room}.*" for room in rooms & single}

"""The distribution holds and needs what setup.cfg and the files beside it say."""

import ast
import configparser
import glob
import hashlib
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("apps", "optimizers", "zoo")
PRESETS = ROOT / "zoo" / "presets"

# Distribution whose name differs from the module that it brings.
DISTRIBUTIONS = {
    "PIL": "pillow",
    "cv2": "opencv-python",
    "google": "protobuf",
    "grpc": "grpcio",
    "importlinter": "import-linter",
    "keras_hub": "keras-nlp",
    "markdown_it": "markdown-it-py",
    "prometheus_client": "prometheus-client",
    "rouge_score": "rouge-score",
    "sklearn": "scikit-learn",
    "tensorflow_datasets": "tensorflow-datasets",
    "tensorflow_serving": "tensorflow-serving-api",
    "tensorflow_text": "tensorflow-text",
    "yaml": "pyyaml",
}
# Asked for without an import of ours: the first is how keras-hub comes, tensorflow-datasets forgets the second,
# build and ruff are commands, pytest loads its plug-in, uvicorn imports the next two, and the last is our own with the
# extras [serve,web].
NEVER_IMPORTED = {
    "keras-nlp",
    "importlib_resources",
    "build",
    "ruff",
    "pytest-xdist",
    "httptools",
    "uvloop",
    "keras-menagerie",
}
# Makers of fixtures run in an environment of their own.
PEERS = {"pytorch_optimizer", "transformers"}


@pytest.fixture(scope="module")
def config() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def _names(requirements: str) -> set[str]:
    return {re.match(r"[\w-]+", line).group() for line in requirements.split("\n") if line}


def _sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in (ROOT / folder).rglob("*.py")]


def _imported(paths: list[Path]) -> set[str]:
    """Distributions that the files import, at their heads or inside functions."""
    modules = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules.update(name.name for name in node.names)
            elif isinstance(node, ast.ImportFrom):
                modules.add(node.module)
    heads = {module.split(".")[0] for module in modules} - sys.stdlib_module_names - {*PACKAGES, "tests"}
    return {DISTRIBUTIONS.get(head, head) for head in heads}


def test_console_script_exists(config):
    assert config["options.entry_points"]["console_scripts"].strip() == "zoo = apps.cli:main"
    tree = ast.parse((ROOT / "apps" / "cli.py").read_text(encoding="utf-8"))
    assert "main" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_build_system_is_named():
    assert 'build-backend = "setuptools.build_meta"' in (ROOT / "pyproject.toml").read_text()


def test_requirements_are_what_is_imported(config):
    required = _names(config["options"]["install_requires"])
    assert "tensorflow-cpu" not in required
    extras = {
        name: [*_sources(f"apps/{room}"), ROOT / "apps" / f"{name}.py"]
        for name, room in (("serve", "serving"), ("web", "pages"))
    }
    extras["ray"] = [ROOT / "apps" / "launching" / "on_ray.py"]
    others = [path for path in _sources(*PACKAGES) if not any(path in paths for paths in extras.values())]
    assert _imported(others) | (NEVER_IMPORTED & required) == required
    for name, paths in extras.items():
        extra = _names(config["options.extras_require"][name])
        assert (_imported(paths) - required) | (NEVER_IMPORTED & extra) == extra


def test_extras_are_what_the_tests_import(config):
    required = _names(config["options"]["install_requires"])
    extras = {name: _names(wanted) for name, wanted in config["options.extras_require"].items()}
    assert set(extras) == {"test", "backends", "ray", "serve", "web"}
    assert "keras-menagerie[serve,web]" in config["options.extras_require"]["test"].split()
    everything = required.union(*extras.values())
    used = _imported(_sources("tests"))
    assert used - PEERS <= everything
    assert extras["test"] - NEVER_IMPORTED <= used


def test_every_package_has_an_init(config):
    patterns = config["options.packages.find"]["include"].split()
    assert patterns == [pattern for package in PACKAGES for pattern in (package, f"{package}.*")]
    folders = {path.parent for path in _sources(*PACKAGES)}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_every_preset_file_is_package_data(config):
    # The standard library's glob reads "**" as setuptools does: files too, and nothing hidden.
    packaged = {
        path
        for pattern in config["options.package_data"]["zoo"].split()
        for name in glob.glob(pattern, root_dir=ROOT / "zoo", recursive=True)
        if (path := ROOT / "zoo" / name).is_file()
    }
    assert {ROOT / "zoo" / "py.typed", *(path for path in PRESETS.rglob("*") if path.is_file())} == packaged


def test_presets_stay_small():
    assert sum(path.stat().st_size for path in PRESETS.rglob("*") if path.is_file()) < 95_000_000


def test_notice_names_the_data_of_every_preset(config):
    assert config["metadata"]["license_files"].split() == ["LICENSE", "NOTICE"]
    # The wording of the Apache Software Foundation, to the byte.
    assert hashlib.md5((ROOT / "LICENSE").read_bytes()).hexdigest() == "3b83ef96387f14655fc854ddc3c6bd57"
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    for path in PRESETS.glob("*/config.json"):
        preset = json.loads(path.read_text(encoding="utf-8"))
        assert preset["name"] in notice
        assert preset["data"].split("/")[0] in notice


def test_changelog_opens_with_this_version(config):
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[:2] == ["Unreleased", config["metadata"]["version"]]


def test_readme_gives_the_two_commands():
    lines = [line.strip() for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()]
    assert "pip install -e . && zoo quickstart" in lines
    # .ci/run takes this line out of the README and runs it.
    assert 'pip install -e ".[test]" && pytest' in lines


@pytest.mark.matrix
def test_wheel_holds_every_file(tmp_path, config):
    """The wheel, built from the source distribution, has every module, type marker, preset file and licence."""
    subprocess.run([sys.executable, "-m", "build", "--outdir", str(tmp_path)], cwd=ROOT, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == f"keras_menagerie-{config['metadata']['version']}-py3-none-any.whl"
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    others = [path for path in PRESETS.rglob("*") if path.is_file()]
    others += [path for folder in PACKAGES for path in (ROOT / folder).rglob("py.typed")]
    assert held == {path.relative_to(ROOT).as_posix() for path in _sources(*PACKAGES) + others}
    licences = {name.split("/")[-1] for name in zipfile.ZipFile(wheel).namelist() if "/licenses/" in name}
    assert licences == {"LICENSE", "NOTICE"}

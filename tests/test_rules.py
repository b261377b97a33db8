"""Rules of the house that no linter knows."""

import ast
import re
from pathlib import Path

import pytest

from zoo import recipes, task_catalog
from zoo.data import builders

ROOT = Path(__file__).parent.parent
ALL = sorted(
    path for top in ("apps", "benchmarks", "optimizers", "tests", "zoo") for path in (ROOT / top).rglob("*.py")
)
OUTSIDE = [path for path in ALL if path.is_relative_to(ROOT / "zoo") or path.is_relative_to(ROOT / "apps")]
OUTSIDE = [path for path in OUTSIDE if not path.is_relative_to(ROOT / "zoo" / "tasks")]
OPENER = re.compile(r"(What|Where|Who|How|Whether|Which|When|Why)(ever)?\b")


def branches_on_tasks(source: str) -> list[int]:
    """The lines where something is decided by a task's name, the suffix of a name, or whether it has labels."""
    names = set(task_catalog.names())
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare | ast.MatchValue):
            constants = {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
            if names & {value for value in constants if isinstance(value, str)} or "TAB.task" in ast.unparse(node):
                found.append(node.lineno)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if isinstance(node.func.value, ast.Constant):
                continue
            if node.func.attr in ("endswith", "startswith", "partition", "split", "removesuffix"):
                if "task" in ast.unparse(node.func.value).split(".")[-1]:
                    found.append(node.lineno)
        if isinstance(node, ast.If | ast.IfExp | ast.While):
            tested = [node.test]
            while tested:
                test = tested.pop()
                tested += test.values if isinstance(test, ast.BoolOp) else []
                tested += [test.operand] if isinstance(test, ast.UnaryOp) else []
                tested += test.args if isinstance(test, ast.Call) and ast.unparse(test.func) == "bool" else []
                if isinstance(test, ast.Attribute) and ast.unparse(test) in ("task.labels", "cls.labels"):
                    found.append(node.lineno)
    return found


def riddles(source: str) -> list[str]:
    """The docstrings whose first line says what a thing is like instead of what it is or does."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    documented = [ast.get_docstring(node) for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]
    return [text.splitlines()[0] for text in documented if text and OPENER.match(text)]


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_docstring_opens_with_a_question(path):
    assert riddles(path.read_text(encoding="utf-8")) == []


def test_a_docstring_that_opens_with_a_question_is_found():
    source = """
def f():
    "Whether it is so."
async def g():
    "What?"
class Whitespace:
    "Whitespace of texts."
"""
    assert riddles(source) == ["Whether it is so.", "What?"]


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_outside_of_the_tasks_branches_on_a_task(path):
    assert branches_on_tasks(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        'if task == "translation": pass',
        'x = 1 if config["task"] in ("summarization", "chat") else 2',
        "if not task.labels: pass",
        'x = [each for each in configs if each["task"] == TAB.task]',
        "x = 64 if bool(task.labels) and y else 32",
        'kind = recipe.task.partition("-")[0]',
        'x = name.task.endswith("classification")',
    ],
)
def test_a_branch_on_a_task_is_found(source):
    assert branches_on_tasks(source) == [1]


def test_only_commands_stand_at_the_top_of_apps():
    from apps import cli

    commands = {module.removeprefix("apps.") for module, _ in cli.COMMANDS.values()}
    assert {path.stem for path in (ROOT / "apps").glob("*.py")} == commands | {"__init__", "cli"}


def imported(source: str) -> set[str]:
    """Full names of what is imported, and what strings name: "module:attribute", and "script.py" as it is."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 100:
            found |= {node.value.partition(":")[0], node.value}
    return found


def test_every_module_has_an_importer_or_a_test():
    used = set().union(*(imported(path.read_text(encoding="utf-8")) for path in ALL))
    used |= {f"zoo.recipes.{name.replace('-', '_')}" for name in recipes.names()}
    used |= {f"zoo.data.builders.{name.partition('/')[0]}" for name in builders.NAMES}
    modules = [path for path in ALL if path.relative_to(ROOT).parts[0] in ("apps", "optimizers", "zoo")]
    unused = []
    for path in modules:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        run_by_itself = path.name in used or path.stem == "__main__"
        if path.stem != "__init__" and name not in used and not run_by_itself:
            unused.append(name)
    assert unused == []


def missing(source: str) -> list[str]:
    """Imports of ours that are not there, which an installed copy of an older state would hide."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        for module in modules:
            place = ROOT.joinpath(*module.split("."))
            if module.split(".")[0] not in ("apps", "optimizers", "zoo"):
                continue
            if not (place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()):
                found.append(module)
            elif isinstance(node, ast.ImportFrom) and place.is_dir():
                told = (place / "__init__.py").read_text(encoding="utf-8")
                there = {path.stem for path in place.iterdir()}
                names = [alias.name for alias in node.names]
                found += [
                    f"{module}.{name}" for name in names if name not in there and not re.search(rf"\b{name}\b", told)
                ]
    return found


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_imported_of_ours_is_there(path):
    assert missing(path.read_text(encoding="utf-8")) == []


def test_what_is_missing_is_found():
    source = "import zoo.nothing\nfrom zoo import reload_, preset, build\nfrom zoo.data.nothing import x\nimport json"
    assert missing(source) == ["zoo.nothing", "zoo.reload_", "zoo.data.nothing"]

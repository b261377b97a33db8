"""Rules of the house that no linter knows."""

import ast
from pathlib import Path

import pytest

from zoo import task_catalog

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for top in ("zoo", "apps") for path in (ROOT / top).rglob("*.py"))
OUTSIDE = [path for path in SOURCES if ROOT / "zoo" / "tasks" not in path.parents]


def branches_on_tasks(source: str) -> list[int]:
    """The lines where something is decided by a task's name, the suffix of a name, or whether it has labels."""
    names = set(task_catalog.names())
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare | ast.MatchValue):
            constants = {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
            if names & {value for value in constants if isinstance(value, str)}:
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


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_outside_of_the_tasks_branches_on_a_task(path):
    assert branches_on_tasks(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        'if task == "translation": pass',
        'x = 1 if config["task"] in ("summarization", "chat") else 2',
        "if not task.labels: pass",
        "x = 64 if bool(task.labels) and y else 32",
        'kind = recipe.task.partition("-")[0]',
        'x = name.task.endswith("classification")',
    ],
)
def test_a_branch_on_a_task_is_found(source):
    assert branches_on_tasks(source) == [1]

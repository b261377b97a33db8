"""Docstrings and arguments read from source files: importing these modules would load TensorFlow first."""

from __future__ import annotations

import ast
import importlib.util
import inspect
from functools import cache
from pathlib import Path

Definition = ast.ClassDef | ast.FunctionDef


def module(name: str) -> ast.Module:
    """The syntax tree of a module of ours, by its full name."""
    package, *rest = name.split(".")
    home = Path(importlib.util.find_spec(package).origin).parent
    path = home.joinpath(*rest).with_suffix(".py") if rest else home / "__init__.py"
    return ast.parse(path.read_text(encoding="utf-8"))


def found(tree: ast.Module, name: str) -> Definition:
    """The class or function of that name."""
    return next(node for node in tree.body if isinstance(node, Definition) and node.name == name)


def docstring(node: ast.AST) -> str:
    """The docstring, without its indentation."""
    return inspect.cleandoc(ast.get_docstring(node, clean=False) or "")


@cache
def optimizers() -> dict[str, str]:
    """Name -> full name of its module, in the order of `optimizers.names()`."""
    homes, listed = {}, ()
    for node in module("optimizers").body:
        if isinstance(node, ast.ImportFrom):
            homes.update({each.name: node.module for each in node.names})
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_ALL":
            listed = [element.id for element in node.value.elts]
    return {name: homes[name] for name in listed}


def optimizer(name: str) -> tuple[str, list[str], str]:
    """An optimizer's docstring in three parts: its first paragraph as one line, the lines of its rule, and the rest."""
    about, rule, rest = docstring(found(module(optimizers()[name]), name)).split("\n\n", 2)
    return " ".join(about.split()), inspect.cleandoc("\n" + rule).split("\n"), rest

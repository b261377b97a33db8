"""`zoo show`: all about one preset, model, recipe or optimizer."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from zoo.errors import UserError, nearest

EXAMPLES = """\
examples:
  zoo show sentiment-imdb                          a preset's card
  zoo show runs/mine
  zoo show resnet18                                a model
  zoo show classify-photos                         a recipe
  zoo show sentiment-imdb --kind recipe            where a preset has its name
  zoo show lion                                    an optimizer
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `zoo show` takes."""
    parser.description = (
        "Tell all about a preset (what it does, its data and their terms, its scores and limits), a model, a recipe or "
        "an optimizer."
    )
    parser.epilog = EXAMPLES
    parser.add_argument("name", metavar="NAME", help="a name (zoo list presets|models|...), or a preset's folder")
    parser.add_argument("--kind", choices=KINDS, help="what it is the name of, where it is the name of several things")


def run(arguments: argparse.Namespace) -> int:
    """Prints it; formatted on a terminal, as Markdown elsewhere."""
    text = _text(arguments.name, arguments.kind)
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(text))
    else:
        print(text.rstrip("\n"))
    return 0


def _text(name: str, kind: str | None) -> str:
    if kind in (None, "preset") and Path(name).is_dir():
        return _card(name)
    known = {each: names() for each, (names, _) in KINDS.items() if kind in (None, each)}
    for each, names in known.items():
        for spelled in names:
            if _folded(spelled) == _folded(name):
                return KINDS[each][1](spelled)
    what = f"no {kind} is" if kind else "no preset, model, recipe or optimizer is"
    raise UserError(f"{what} named {name!r}{nearest(name, {each for names in known.values() for each in names})}")


def _folded(name: str) -> str:
    """Names are found whatever their case, "-" and "_", as `optimizers.get` finds them."""
    return name.lower().replace("_", "").replace("-", "")


def _presets() -> Sequence[str]:
    from zoo import preset

    return preset.names()


def _models() -> Sequence[str]:
    from zoo import catalog

    return catalog.models()


def _recipes() -> Sequence[str]:
    from zoo import recipes

    return recipes.names()


def _optimizers() -> Sequence[str]:
    from apps.reading import definitions

    return list(definitions.optimizers())


def _card(name: str) -> str:
    from zoo import preset

    path = preset.find(name) / "card.md"
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None


def _model(name: str) -> str:
    from apps.reading import definitions
    from zoo import catalog, preset, recipes

    entry = catalog.entry(name)
    home, function = entry.builder.split(":")
    module = definitions.module(home)
    builder = definitions.found(module, function)
    trained = [each for each in preset.names() if preset.read_config(preset.find(each))["model"] == name]
    own = "".join(f", {key}={value!r}" for key, value in entry.arguments.items())
    lines = [
        f"# {name}\n",
        f"{_first(definitions.docstring(module))}\n",
        f"- Answers: {entry.task}",
        f"- Paper: {entry.paper}",
        f"- Parameters: {entry.parameters:,}",
        f"- Licence of the code: {entry.licence}",
        f"- Build it: `zoo.build({name!r})`, which is `{home}.{function}({own[2:]})`",
        f"- Presets of it: {', '.join(trained) or 'none'}",
        f"- Recipes of it: {', '.join(each for each in recipes.names() if recipes.get(each).model == name) or 'none'}",
        "\n## Arguments\n",
        *(f"- {argument}" for argument in _arguments(builder)),
        f"\n## From its source\n\n```text\n{definitions.docstring(module)}\n\n{definitions.docstring(builder)}\n```",
    ]
    return "\n".join(lines)


def _recipe(name: str) -> str:
    from zoo import recipes
    from zoo.metrics import shown

    recipe = recipes.get(name)
    plain = {
        each.name: getattr(recipe, each.name)
        for each in dataclasses.fields(recipe)
        if each.name not in ("name", "about", "limits", "comparisons", "expected", "tolerance", "start", "data_terms")
    }
    command = f"zoo train {name}" if recipe.data else f"zoo train {recipe.app} --recipe {name} --data YOURS"
    lines = [f"# {name}\n", f"{recipe.about}\n", f"- Run it: `{command} --out runs/mine`"]
    if recipe.expected is not None:
        lines.append(f"- Expected: {recipe.metric} {shown(recipe.metric, recipe.expected)}, ± {recipe.tolerance:g}")
    if recipe.start is not None:
        lines.append(f"- Starts from: {recipe.start.name}, trained on {recipe.start.data} before")
    lines += [f"- {key}: {_value(value)}" for key, value in plain.items() if value not in (None, {}, (), "")]
    lines += [f"\n## Data and terms\n\n{recipe.data_terms}"]
    if recipe.limits:
        lines += ["\n## Limits\n", *(f"- {limit}" for limit in recipe.limits)]
    return "\n".join(lines)


def _optimizer(name: str) -> str:
    from apps.reading import definitions

    about, rule, rest = definitions.optimizer(name)
    lines = [
        f"# {name}\n\n{about}\n",
        "```text",
        *rule,
        "```\n",
        "w is a weight, g its gradient, lr the learning rate and t the number of the step, from 1.\n",
        f"{_listed(rest)}\n",
        f"- In Python: `optimizers.{name}(...)`, or `optimizers.get({name.lower()!r})`",
        f"- In a training: `zoo train RECIPE --optimizer {name.lower()}`",
    ]
    return "\n".join(lines)


def _listed(text: str) -> str:
    """The heads of a docstring ("When to use:", "Memory:") and its arguments as items of lists."""
    text = re.sub(r"^(When to use|Memory|Paper|Defaults):", r"- **\1**:", text, flags=re.MULTILINE)
    return re.sub(r"^    (\w+): ", r"- `\1`: ", text, flags=re.MULTILINE).replace("Args:\n", "Arguments:\n\n")


def _first(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split())


def _arguments(builder: ast.FunctionDef) -> Iterator[str]:
    """Each argument with its type and default, as the source has them."""
    given = builder.args
    positional = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(positional) - len(given.defaults)) + given.defaults + given.kw_defaults
    for argument, default in zip([*positional, *given.kwonlyargs], defaults, strict=True):
        kind = f": {ast.unparse(argument.annotation)}" if argument.annotation else ""
        yield f"`{argument.arg}{kind}{'' if default is None else ' = ' + ast.unparse(default)}`"


def _value(value: object) -> str:
    """A field of a recipe in one line; of a function, its name."""
    return value.__name__ if callable(value) else f"`{dict(value) if isinstance(value, Mapping) else value}`"


# Kind -> its names, and what is told of one. The first kind that has a name is meant by it.
KINDS: dict[str, tuple[Callable[[], Sequence[str]], Callable[[str], str]]] = {
    "preset": (_presets, _card),
    "model": (_models, _model),
    "recipe": (_recipes, _recipe),
    "optimizer": (_optimizers, _optimizer),
}

if __name__ == "__main__":
    from apps import cli

    sys.exit(cli.main(["show", *sys.argv[1:]]))

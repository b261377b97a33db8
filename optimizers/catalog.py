"""The page of all optimizers and wrappers, made from their docstrings and signatures.

python -m optimizers.catalog > optimizers/README.md
"""

import inspect
import re
from collections.abc import Iterable

import optimizers

HEADS = ("When to use", "Memory", "Paper", "Defaults")
LONGEST_RULE = 6  # lines

OPENING = """\
# Optimizers

Written from the code by `python -m optimizers.catalog > optimizers/README.md`; a test says when it is stale. Memory is
what is kept besides the weights. A name leads to its rule, in which w is a weight, g its gradient, lr the learning rate
and t the number of the step, from 1. The wrappers, which go around another optimizer, stand at the end.

[FROM_KERAS.md](FROM_KERAS.md) says what differs from Keras's own. [FROM_ADDONS.md](FROM_ADDONS.md) names the successor
of each class of tensorflow-addons.
"""


def page() -> str:
    """The page in Markdown: a table, then the rules."""
    columns = ("name", "what", *(head.lower() for head in HEADS), "where the defaults come from")
    table = [row(columns), row(["---"] * len(columns))]
    rules = []
    for cls in classes():
        told = heads(cls)
        arguments = signature(cls)
        table.append(
            row(
                [
                    f"[{cls.__name__}](#{cls.__name__.lower()})",
                    _plain(re.split(r"; |\.$", summary(cls))[0]),
                    _plain(told["When to use"]),
                    _plain(told["Memory"]),
                    linked(told["Paper"]),
                    f"`{arguments}`" if arguments else "",
                    _plain(told["Defaults"]),
                ]
            )
        )
        rules += [f"### {cls.__name__}", "", _plain(summary(cls)), "", "```text", *rule(cls), "```", ""]
    return "\n".join([OPENING, *table, "", "## Rules", "", *rules]).rstrip() + "\n"


def classes() -> list[type]:
    """All that the page tells of, by name: the optimizers, then the wrappers, and other classes that have the heads."""
    first = [getattr(optimizers, name) for name in optimizers.names()]
    public = [getattr(optimizers, name) for name in optimizers.__all__]
    others = [cls for cls in public if inspect.isclass(cls) and cls not in (optimizers.Optimizer, *first)]
    others = [cls for cls in others if issubclass(cls, optimizers.Optimizer) or "When to use" in heads(cls)]
    return [cls for group in (first, others) for cls in sorted(group, key=lambda cls: cls.__name__.lower())]


def summary(cls: type) -> str:
    """The first paragraph of the docstring, as one line."""
    return " ".join(inspect.getdoc(cls).split("\n\n")[0].split())


def rule(cls: type) -> list[str]:
    """The indented lines that follow the first paragraph, without their indentation."""
    block = inspect.getdoc(cls).split("\n\n")[1].split("\n")
    return [line[4:] for line in block] if all(line.startswith("    ") for line in block) else []


def heads(cls: type) -> dict[str, str]:
    """The texts after "When to use:", "Memory:", "Paper:" and "Defaults:"; a head that is missing is missing."""
    told, open_head = {}, None
    for line in inspect.getdoc(cls).split("\n"):
        name, colon, rest = line.partition(":")
        if colon and name in HEADS:
            open_head = name
            told[name] = rest.strip()
        elif not line.strip() or colon and re.fullmatch(r"[A-Z]\w*", name):  # a blank line, or "Args:", ends a head
            open_head = None
        elif open_head:
            told[open_head] += " " + line.strip()
    return told


def signature(cls: type) -> str:
    """The arguments of the class's own constructor and, where they pass through `**kwargs`, of those it inherits."""
    shown, positional = [], True
    for parameter in arguments(cls).values():
        if positional and parameter.kind is parameter.KEYWORD_ONLY and parameter.default is not parameter.empty:
            positional = False
            shown.append("*")
        if parameter.default is not parameter.empty:
            shown.append(f"{parameter.name}={parameter.default!r}")
    return ", ".join(shown)


def arguments(cls: type) -> dict[str, inspect.Parameter]:
    """Those of `signature`, by name; inherited ones only by keyword."""
    found, absent = {}, getattr(cls, "absent", ())
    for owner in cls.__mro__:
        if owner is optimizers.Optimizer or not owner.__module__.startswith("optimizers."):
            break
        own = inspect.signature(owner.__init__).parameters if "__init__" in vars(owner) else {}
        own = [p for p in own.values() if p.kind is not p.VAR_KEYWORD and p.name not in ("self", *found)]
        found.update({p.name: p.replace(kind=p.KEYWORD_ONLY) if found else p for p in own})
    return {name: parameter for name, parameter in found.items() if name not in absent}


def linked(paper: str) -> str:
    """The text with its arXiv identifiers as links."""
    return re.sub(r"arXiv:(\d{4}\.\d{4,5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", _plain(paper))


def row(cells: Iterable[str]) -> str:
    """A line of a table in Markdown."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _plain(text: str) -> str:
    """Text that Markdown shows as it stands, code spans excepted."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([*_<>])", r"\\\1", part) for part in parts)


if __name__ == "__main__":
    print(page(), end="")

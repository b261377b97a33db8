"""Error messages for arguments and patterns that do not fit: what was expected, what came, what to do."""

import difflib
import inspect
import re

import keras


def nearest(name: str, names) -> str:
    """The names most like `name`, as the end of a sentence; all of them when none is alike."""
    close = difflib.get_close_matches(name.lower().replace("_", ""), [_folded(n) for n in names], n=3, cutoff=0.6)
    alike = [n for folded in close for n in names if _folded(n) == folded]
    return f"Did you mean {' or '.join(repr(n) for n in alike)}?" if alike else f"There are: {', '.join(names)}."


def _folded(name):
    return name.lower().replace("_", "")


def check_arguments(cls, given):
    """Raises TypeError when `given` holds a keyword that no constructor of `cls` takes."""
    known = []
    for base in cls.__mro__:
        if "__init__" in vars(base) and base is not object:
            parameters = inspect.signature(base.__init__).parameters.values()
            known += [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    known = sorted(set(known) - {"self", *cls.absent})
    for name in given:
        if name not in known:
            raise TypeError(f"{cls.__name__} has no argument `{name}`. {nearest(name, known)}")


def exclusions(variables, excluded, owner) -> list[str | int]:
    """`excluded`, patterns and places among `variables`; raises ValueError for one that matches none of them."""
    for each in excluded:
        if not any(_matches(each, place, variable) for place, variable in enumerate(variables)):
            raise ValueError(
                f"{owner}: `exclude_from_weight_decay` has {each!r}, which matches none of the {len(variables)} "
                f"variables: {paths_in_short(variables)}."
            )
    return excluded


def decayed(variables, excluded) -> list[bool]:
    """For each variable, True if it is decayed: not if a pattern of `excluded` matches, or its place is in there."""
    return [not any(_matches(each, place, variable) for each in excluded) for place, variable in enumerate(variables)]


def _matches(pattern, place, variable):
    if isinstance(pattern, str):
        return any(re.search(pattern, text) for text in texts(variable))
    return pattern == place


def texts(variable):
    """The texts that a pattern is held against; the last one is the fullest."""
    return (variable.name, variable.path) if isinstance(variable, keras.Variable) else (variable.name,)


def paths_in_short(variables):
    paths = [texts(variable)[-1] for variable in variables]
    return ", ".join(paths[:6]) + (", ..." if len(paths) > 6 else "")

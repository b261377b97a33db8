"""Mutants of default hyper-parameters, for `mutate`: each default of each constructor, inherited ones too, is changed.

A mutant is caught by the oracle if a run at the defaults leaves the oracle at those of `defaults`; else by the
signature if that no longer has the values of `defaults`; or refused if the constructor itself raises.
"""

import contextlib

import optimizers
from tests.optimizers import at_defaults, defaults, problem
from tests.optimizers.test_defaults import signature

STEPS = 12
TOLERANCE = 1e-9  # of the total movement, in float64
# The mutated value of an argument whose default is None.
INSTEAD_OF_NONE = {
    "warmup_steps": 40,
    "exclude_layers": ["w2"],
    "match": "w2",
    "adam_weight_decay": 0.5,
    "rms_rate": 0.2,
}


def changed(argument, value):
    """Another value of the same kind."""
    if value is None:
        return INSTEAD_OF_NONE[argument]
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return "gauss-newton-bartlett"
    if isinstance(value, tuple):
        return value[:-1]
    if isinstance(value, int):
        return value // 2 if value > 1 else value + 1
    return value / 2 if value else 0.5


@contextlib.contextmanager
def default(cls, argument, value):
    """The class with another default; it is changed where it is written down, be it in a base class."""
    owners = (owner for owner in cls.__mro__ if "__init__" in vars(owner))
    constructor = next(c for c in (vars(owner)["__init__"] for owner in owners) if argument in _defaults(c))
    before = constructor.__defaults__, constructor.__kwdefaults__
    if argument in (constructor.__kwdefaults__ or {}):
        constructor.__kwdefaults__ = {**constructor.__kwdefaults__, argument: value}
    else:
        constructor.__defaults__ = tuple({**_positional(constructor), argument: value}.values())
    try:
        yield
    finally:
        constructor.__defaults__, constructor.__kwdefaults__ = before


def _positional(constructor):
    values = constructor.__defaults__ or ()
    names = constructor.__code__.co_varnames[: constructor.__code__.co_argcount]
    return dict(zip(names[len(names) - len(values) :], values, strict=True))


def _defaults(constructor):
    return {**_positional(constructor), **(constructor.__kwdefaults__ or {})}


def away(name) -> bool:
    """True if a run at the defaults leaves the oracle."""
    gradients, weights = problem.gradients(STEPS), at_defaults.start()
    if name in at_defaults.AROUND:
        ends, oracle = at_defaults.wrapper_ends(name, at_defaults.wrapped(name), gradients)
    elif name in defaults.OPTIMIZERS:
        ends = at_defaults.reached(getattr(optimizers, name)(), gradients, weights, "float64", "eager")
        oracle = at_defaults.expected(name, gradients, weights)
    else:  # a model around a model: test_sam.py and test_curvature.py have their oracles
        return False
    return not at_defaults.missed(ends, oracle, weights) < TOLERANCE


def noticed_by(name, argument, value) -> str:
    """ "oracle", "signature", "refused", or "" for a mutant that survives."""
    cls = getattr(optimizers, name)
    table = {**defaults.OPTIMIZERS, **defaults.WRAPPERS}[name]
    with default(cls, argument, value):
        try:
            if away(name):
                return "oracle"
        except (TypeError, ValueError):
            return "refused"
        return "signature" if signature(cls) != table else ""


def survivors(names) -> tuple[int, int]:
    """Prints every mutant and who noticed it; how many there were, and how many survived."""
    counts = {"oracle": 0, "signature": 0, "refused": 0, "": 0}
    for name in {**defaults.OPTIMIZERS, **defaults.WRAPPERS}:
        if names and name not in names:
            continue
        if away(name):
            raise AssertionError(f"{name} leaves its oracle at the defaults without any mutation")
        for argument, value in signature(getattr(optimizers, name)).items():
            other = changed(argument, value)
            by = noticed_by(name, argument, other)
            counts[by] += 1
            print(f"{f'caught by {by}' if by else 'SURVIVED'} {name}: {argument}={value!r} -> {other!r}", flush=True)
    print("mutants of defaults caught by: " + ", ".join(f"{by} {count}" for by, count in counts.items() if by))
    return sum(counts.values()), counts[""]

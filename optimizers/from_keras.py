"""The page for those who come from Keras's own optimizers, made from the signatures of both and the table below.

python -m optimizers.from_keras > optimizers/FROM_KERAS.md
"""

import inspect
from dataclasses import dataclass, field

import keras

import optimizers
from optimizers import catalog


@dataclass(frozen=True)
class Pair:
    """A class of Keras's and ours of the same rule. What the signatures tell is not repeated here.

    Attributes:
        theirs: the class in `keras.optimizers`.
        ours: the class in `optimizers`.
        given: arguments with which Keras's class is this rule; ours has a class for it.
        rule: how the rule differs, and why; empty where it does not.
        config: what `from_config` makes of Keras's configuration beside taking it over.
        state: why neither can go on from the other's state; empty where both can.
        state_given: the arguments under which `state` holds; empty: always.
    """

    theirs: str
    ours: str
    given: dict = field(default_factory=dict)
    rule: str = ""
    config: str = ""
    state: str = ""
    state_given: dict = field(default_factory=dict)

    @property
    def their_class(self) -> type:
        return getattr(keras.optimizers, self.theirs)

    @property
    def our_class(self) -> type:
        return getattr(optimizers, self.ours)


PAIRS = (
    Pair("Adadelta", "Adadelta"),
    Pair(
        "Adafactor",
        "Adafactor",
        rule="`relative_step=False` takes the learning rate as it is; Keras still holds it below 1 / sqrt(t).",
        state="Keras keeps the whole second moment of matrices besides.",
    ),
    Pair(
        "Adagrad",
        "AdaGrad",
        rule="Epsilon stands outside the root, as in torch. Nothing apart at 0.",
    ),
    Pair(
        "Adam",
        "Adam",
        rule="Epsilon is divided by the bias correction, as in Algorithm 1 of the paper, torch and optax; in Keras "
        "it is not (section 2). Nothing apart at 0.",
    ),
    Pair(
        "Adam",
        "AMSGrad",
        {"amsgrad": True},
        rule="As for Adam. `Adam(amsgrad=True)` is the same rule.",
        config="takes `amsgrad=True`, and refuses False",
    ),
    Pair("AdamW", "AdamW", rule="As for Adam."),
    Pair("Adamax", "AdaMax"),
    Pair(
        "Ftrl",
        "FTRL",
        rule="`l2_regularization_strength` is the paper's lambda 2; Keras doubles it. (Both double the shrinkage.)",
        config="doubles `l2_regularization_strength`",
    ),
    Pair(
        "Lamb",
        "LAMB",
        rule="The weight decay belongs to the direction, inside the trust ratio, as in the paper and optax; in Keras "
        "it stands outside. Nothing apart without decay.",
    ),
    Pair("Lion", "Lion"),
    Pair(
        "Muon",
        "Muon",
        rule="Kernels of convolutions count as matrices, as in the authors' code; Keras gives them Adam's step, so "
        "that neither reads the other's state of a model that has some. Adam's epsilon is divided by the bias "
        "correction. `rms_rate=None` scales by sqrt(max(1, columns / rows)), as the authors do; Keras does not scale "
        "then. `adam_weight_decay=None` is `weight_decay`, in Keras none.",
        config="makes `adam_weight_decay=None` 0.0, and refuses `rms_rate=None`",
    ),
    Pair(
        "Nadam",
        "NAdam",
        rule="The momentum follows Dozat's schedule with psi 0.004, as in torch; Keras leaves psi out, which is 1.0.",
        config="sets `psi=1.0`, Keras's rule",
    ),
    Pair(
        "RMSprop",
        "RMSProp",
        rule="Epsilon stands outside the root and the learning rate outside the momentum, as in torch: a schedule acts "
        "at once. Nothing apart at epsilon 0 and a constant rate.",
        state="Our slot is the mean square divided by 1 - rho, which saves a pass over memory.",
    ),
    Pair(
        "SGD",
        "SGD",
        rule="The learning rate stands outside the velocity, as in torch and optax: a schedule acts at once. Nothing "
        "apart at a constant rate. `nesterov=True` needs a momentum above 0.",
        state="Keras's velocity is -learning_rate times ours.",
        state_given={"momentum": 0.9},
    ),
    Pair(
        "ScheduleFreeAdamW",
        "ScheduleFreeAdamW",
        rule="Keras reads x after it has been overwritten, on TensorFlow and torch, weighs all steps alike, and cannot "
        "evaluate at x; ours weighs them by the square of the rate, and `EvaluationWeights` evaluates at x.",
        state="Ours keeps x besides z, two numbers for the weights of the steps, and whether x is in the model.",
    ),
)

OPENING = f"""\
# Coming from Keras's optimizers

Written from the code of both by `python -m optimizers.from_keras > optimizers/FROM_KERAS.md`; tests say when it is
stale, and hold each row against Keras {keras.__version__}. All arguments of Keras's have the same names here.

- *By position*: the arguments that stand at the same place in both. All others are given by name; a number that would
  mean another thing here raises TypeError.
- *Defaults* that differ, Keras's in brackets; ours are the papers' or the authors'.
- *What differs* in the rule, and why. `OURS.from_config(keras_optimizer.get_config())` takes Keras's configuration,
  schedules included, and keeps its numbers, apart from what is said there. A configuration of another rule raises
  TypeError, which names the argument.
- *State*: whether Keras's class goes on from a file that ours has saved, and ours from Keras's. Where the state means
  another thing, both warn and leave it out.
"""

CLOSING = """\
## Of all of them

- An unknown argument raises TypeError with the nearest names; in Keras ValueError.
- `exclude_from_weight_decay` is an argument too, and saved with the configuration; Keras forgets it. A pattern that
  matches no variable raises ValueError, since a misspelled one would decay what it was to keep; Keras ignores it.
- `AdamW(weight_decay=None)` raises ValueError, as in Keras.
- With `use_ema=True` ours keeps one more variable (whether the average is in the model), so that Keras's class does not
  read that state.
- Gradients are clipped after they are summed over the replicas, in Keras before. With `gradient_accumulation_steps`
  schedules count updates, in Keras batches.
- `keras.optimizers.LossScaleOptimizer` goes around ours as around Keras's, and like there its copies lose the state.
"""


def page() -> str:
    """The page in Markdown."""
    columns = ("`keras.optimizers`", "here", "by position", "defaults", "what differs", "state")
    rows = [catalog.row(columns), catalog.row(["---"] * len(columns)), *(catalog.row(_cells(pair)) for pair in PAIRS)]
    return "\n".join([OPENING, *rows, "", CLOSING])


def by_position(pair: Pair) -> list[str]:
    """The arguments that ours takes by position."""
    return [p.name for p in catalog.arguments(pair.our_class).values() if p.kind is p.POSITIONAL_OR_KEYWORD]


def defaults(pair: Pair) -> dict[str, tuple]:
    """{argument: (Keras's default, ours)} where they differ."""
    theirs, ours = parameters(pair.their_class), {**parameters(keras.optimizers.Optimizer), **_own(pair)}
    both = {name: (theirs[name].default, ours[name].default) for name in theirs if name in ours}
    return {name: pair_ for name, pair_ in both.items() if pair_[0] != pair_[1] and name not in pair.given}


def only_here(pair: Pair) -> dict[str, object]:
    """{argument: default} of our class alone; those that all of ours have are left out."""
    return {name: p.default for name, p in _own(pair).items() if name not in parameters(pair.their_class)}


def parameters(cls: type) -> dict[str, inspect.Parameter]:
    """All named arguments of one of Keras's constructors."""
    found = {}
    for owner in cls.__mro__:
        if "__init__" in vars(owner) and owner is not object:
            own = list(inspect.signature(owner.__init__).parameters.values())[1:]
            found.update({p.name: p for p in own if p.kind is p.POSITIONAL_OR_KEYWORD and p.name not in found})
    return found


def _own(pair):
    return catalog.arguments(pair.our_class)


def _cells(pair):
    differing = [f"`{name}` {ours!r} ({theirs!r})" for name, (theirs, ours) in defaults(pair).items()]
    differing += [f"`{name}` {default!r} (not in Keras)" for name, default in only_here(pair).items()]
    rule = pair.rule or "Nothing."
    state = f"No{_with(pair.state_given)}. {pair.state}" if pair.state else "Yes."
    return [
        f"`{pair.theirs}({_arguments(pair.given)})`" if pair.given else f"`{pair.theirs}`",
        f"[`{pair.ours}`](README.md#{pair.ours.lower()})",
        ", ".join(f"`{name}`" for name in by_position(pair)),
        "<br>".join(differing) or "Keras's",
        f"{rule} `from_config` {pair.config}." if pair.config else rule,
        state,
    ]


def _with(given):
    return f" with `{_arguments(given)}`" if given else ""


def _arguments(given):
    return ", ".join(f"{name}={value!r}" for name, value in given.items())


if __name__ == "__main__":
    print(page(), end="")

"""Breaks the optimizers on purpose and reports what no oracle notices: python -m tests.optimizers.mutate [ROW ...]

Mutants of a class: an epsilon moved into or out of a root, a bias correction left out, two betas swapped, one constant
of the rule changed. Each runs against the oracles of the class's rows in float64, by fused kernels and by keras.ops; it
is caught when a run leaves its oracle. Exits with 1 when one survives.
"""

import inspect
import re
import sys

import numpy as np

from optimizers import kernels
from tests.optimizers import problem
from tests.optimizers.running import run, schedule
from tests.optimizers.table import TABLE

STEPS = 12
FUSED = kernels.fused
CONSTANTS = (
    "momentum|rho|alpha|trust_coefficient|psi|clip_threshold|decay_ratio|delta|final_ratio|gamma|initial_distance"
    "|lambd|nu|nu_1|nu_2"
)


def mutants(source: str):
    """(what was done, the source with it)"""
    for match in re.finditer(r"ops\.sqrt\((\w+)\) \+ ((?:self\.)?epsilon)", source):
        yield "epsilon into the root", _replaced(source, match, rf"ops.sqrt({match[1]} + {match[2]})")
    for match in re.finditer(r"ops\.sqrt\((\w+) \+ (self\.epsilon)\)", source):
        yield "epsilon out of the root", _replaced(source, match, rf"(ops.sqrt({match[1]}) + {match[2]})")
    for match in re.finditer(r"self\._bias_correction\(self\.beta_\d, [^()]+\)", source):
        yield f"no bias correction: {match[0]}", _replaced(source, match, "ops.ones_like(step)")
    rule = min(at for at in map(source.find, ("def advance", "def step_scalars", "def update_step")) if at >= 0)
    for one, other in (("beta_1", "beta_2"), ("beta_2", "beta_3"), ("epsilon_1", "epsilon_2")):
        if one in source[rule:] and other in source[rule:]:
            swapped = re.sub(rf"\b({one}|{other})\b", lambda m: other if m[0] == one else one, source[rule:])  # noqa: B023
            end = swapped.find("def get_config")
            yield (
                f"{one} and {other} swapped",
                source[:rule] + (swapped if end < 0 else swapped[:end] + source[rule:][end:]),
            )
    end = source.find("def get_config", rule)
    for match in re.finditer(rf"(?<=self\.)({CONSTANTS})\b(?!\w| else|:)", source[rule:end]):
        at = rule + match.start()
        yield f"half of {match[0]}", source[:at] + f"{match[0]} * 0.5" + source[at + len(match[0]) :]


def _replaced(source, match, text):
    return source[: match.start()] + text + source[match.end() :]


def caught(mutant, module, row) -> bool:
    """Whether the mutated class leaves the oracle of this row."""
    namespace = dict(vars(module))
    exec(compile(mutant, row.build.__name__, "exec"), namespace)
    few = problem.gradients(STEPS)
    decay = {"weight_decay": row.decay} if row.decay else {}
    for fused in (FUSED, lambda variable: False):
        kernels.fused = fused
        made = namespace[row.build.__name__](schedule(row.rate), **{**row.arguments, **row.extra, **decay})
        reached = run(made, "float64", gradients=few)
        kernels.fused = FUSED
        expected = row.trajectory(row.decay)[STEPS - 1]
        # NaN is a difference too.
        if not max(np.abs(a - b).max() for a, b in zip(reached, expected, strict=True)) < 1e-9:
            return True
    return False


def main(names):
    total = missed = 0
    for build in dict.fromkeys(row.build for row in TABLE):
        rows = [row for row in TABLE if row.build is build and not row.wrap]
        if names and not any(row.name in names for row in rows):
            continue
        module = sys.modules[build.__module__]
        source = inspect.getsource(build)
        source = source[source.index("class ") :]  # without the registration
        for what, mutant in mutants(source):
            noticed = any(caught(mutant, module, row) for row in rows)
            total, missed = total + 1, missed + (not noticed)
            print(f"{'caught  ' if noticed else 'SURVIVED'} {build.__name__}: {what}", flush=True)
    print(f"{total} mutants, {missed} survived")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

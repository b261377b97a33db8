"""Breaks the optimizers on purpose and reports what no oracle notices: python -m tests.optimizers.mutate [NAME ...]

A NAME is a row of the table, a wrapper, or a class (of which the defaults are mutated). Mutants of a row: an epsilon
moved into or out of a root, a bias correction left out, two betas swapped, one constant of the rule changed; of a
wrapper: one line or number of its rule, from the list below. Each runs against the oracles of the class's rows in
float64, by fused kernels and by keras.ops; it is caught when a run leaves its oracle. Mutants of a class's defaults are
in `default_mutants`. Exits with 1 when one survives.
"""

import inspect
import re
import sys

import numpy as np

import optimizers
from optimizers import kernels
from tests.optimizers import averaging_oracles, default_mutants, oracles, problem
from tests.optimizers.running import run, schedule, variables
from tests.optimizers.table import TABLE

STEPS = 12
FUSED = kernels.fused
EXAMPLE_OF = {"Adam": "AdaptiveMoments"}  # bases that are no optimizers by themselves
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
    heads = map(source.find, ("def advance", "def step_scalars", "def update_step"))
    rule = min((at for at in heads if at >= 0), default=len(source))  # a class may have other defaults only
    end = source.find("def get_config", rule)
    body, rest = (source[rule:end], source[end:]) if end >= 0 else (source[rule:], "")
    for one, other in (("beta_1", "beta_2"), ("beta_2", "beta_3"), ("epsilon_1", "epsilon_2")):
        if re.search(rf"\b{one}\b", body) and re.search(rf"\b{other}\b", body):
            swapped = re.sub(rf"\b({one}|{other})\b", lambda m: other if m[0] == one else one, body)  # noqa: B023
            yield f"{one} and {other} swapped", source[:rule] + swapped + rest
    for match in re.finditer(rf"(?<=self\.)({CONSTANTS})\b(?!\w| else|:)", source[rule:end]):
        at = rule + match.start()
        yield f"half of {match[0]}", source[:at] + f"{match[0]} * 0.5" + source[at + len(match[0]) :]


# Wrapper -> (what is in its source, what stands there instead). A line taken out is one that `pass` replaces.
WRAPPERS = {
    "AdaptiveGradientClipping": (
        ("longer, limit /", "longer, 2 * limit /"),
        ("_unit_norms(variable), epsilon)", "_unit_norms(variable), 0 * epsilon)"),
        ("_unit_norms(variable), epsilon", "_unit_norms(gradient), epsilon"),
        ("limit = self.clipping * larger", "limit = larger"),
    ),
    "Cautious": (
        ("update * gradient > 0", "update * gradient < 0"),
        ("ops.sum(agrees) + 1", "ops.sum(agrees)"),
        ("agrees * (size / (ops.sum(agrees) + 1))", "agrees"),
    ),
    "GradientCentralization": (
        ("len(variable.shape) > 1", "len(variable.shape) > 2"),
        ("range(len(variable.shape) - 1)", "range(1, len(variable.shape))"),
        ("total / inputs", "0.5 * total / inputs"),
    ),
    "Lookahead": (
        ("ops.mod(step, self.sync_period), 0)", "ops.mod(step, self.sync_period), 1)"),
        ("due * self.slow_step_size", "due * (1 - self.slow_step_size)"),
        ("due * value + (1 - due) * variable", "variable"),
        ("self._begun(slow, variable)", "self._begun(slow, 0 * variable)"),
    ),
    "SWA": (
        ("max(self.start, 1)", "max(self.start, 1) - 1"),
        ("begun * taken + 1", "begun * taken + 2"),
        ("begun * due", "begun"),
        ("variable - before", "before - variable"),
        ("1 - begun + ", ""),
    ),
    "SkipNonFinite": (
        ("ops.isfinite(gradient)", "~ops.isnan(gradient)"),
        ("ops.all(ops.isfinite", "ops.any(ops.isfinite"),
        ("ops.logical_and(accepted, finite)", "ops.logical_or(accepted, finite)"),
    ),
    "LazySparse": (
        ("ops.where(kept_rows, value,", "ops.where(~kept_rows, value,"),
        (
            "for each, value in zip(kept, before, strict=True)",
            "for each, value in zip(kept[:1], before[:1], strict=True)",
        ),
        ("self.inner.apply_decay(variable, learning_rate)\n", "pass\n"),
        ("ops.all(ops.equal(gradient, 0)", "ops.any(ops.equal(gradient, 0)"),
    ),
}


# The same for rules that the patterns of `mutants` say little of.
RULES = {
    "ScheduleFreeSGD": (
        ("self.beta_1 * (x - z)", "(1 - self.beta_1) * (x - z)"),
        ("weight * (z - x)", "0.5 * weight * (z - x)"),
        ("larger(before, ", "(0 * before + "),
        ("ops.square(before /", "(before /"),
        ("self._begun(fast, variable) - step", "self._begun(fast, variable) - 0.5 * step"),
        ("smaller(step / self.warmup_steps, ops.ones_like(step))", "(step / self.warmup_steps)"),
        ("self._begun(fast, variable)", "variable"),
        ("step = step + (rate * self._decay_of(variable)) * ops.convert_to_tensor(variable)", "pass"),
    ),
    "ScheduleFreeAdamW": (
        ("self._complement(self.beta_2, step.dtype)", "1"),
        ("rate * scale, self", "rate, self"),
        ("self.epsilon * scale", "self.epsilon"),
        ("averaged.value, weight, apart", "averaged.value, 0.5 * weight, apart"),
        ("self.beta_1 * (weight - 1)", "-self.beta_1 * weight / weight"),
        ("kernels.scale(squares, self.beta_2)", "pass"),
        ("kernels.gradient_descent(fast.value, rate * self._decay_of(variable), y)", "pass"),
        ("self.assign(fast, kernels.either(begins, y, z))", "pass"),
        ("x = kernels.either(begins, y, x)", "pass"),
    ),
    "Adam": (
        ("self.assign(self._maxima[index], second)", "pass"),
        ("second = larger(self._maxima[index], second)", "second = self._maxima[index] + second"),
        ("if kernels.fused(variable) and not self.amsgrad", "if kernels.fused(variable)"),
    ),
    "FTRL": (
        ("(self.l2_regularization_strength + self.beta", "(2 * self.l2_regularization_strength + self.beta"),
        ("self.beta / learning_rate,", "self.beta,"),
        ("quadratic / 2", "quadratic"),
        ("z + 2 * shrinkage", "z + shrinkage"),
        ("l2, shrinkage, power)", "l2, 0.0, power)"),
        ("l2, shrinkage, power)", "l2, shrinkage, -0.5)"),
        ("n**-self.learning_rate_power", "ops.sqrt(n)"),
        ("== -0.5 else n**-self", "== -0.5 else n**self"),
        ("ops.sign(z) * l1 - z", "-z"),
    ),
    "Muon": (
        ("gradient + self.momentum * velocity if self.nesterov", "velocity if self.nesterov"),
        ("self.muon_a, self.muon_b, self.muon_c\n", "self.muon_a, self.muon_c, self.muon_b\n"),
        ("max(1, columns / rows)", "max(1, rows / columns)"),
        ("self.rms_rate * math.sqrt(max(columns, rows))", "self.rms_rate * math.sqrt(min(columns, rows))"),
        ("if self.rms_rate is not None", "if False"),
        ("self.adam_lr_ratio * rate", "rate"),
        ("beta_1=adam_beta_1, beta_2=adam_beta_2", "beta_1=adam_beta_2, beta_2=adam_beta_1"),
    ),
}


def listed_mutants(name, source):
    for old, new in WRAPPERS.get(name, RULES.get(name, ())):
        if old not in source:
            raise ValueError(f"{name} has no {old!r} any more: change the list in mutate.py")
        yield f"{old.strip()} -> {new.strip()}", source.replace(old, new)


# What each wrapper is around, its arguments, and its oracle around that of the inner rule.
AROUND = {
    "AdaptiveGradientClipping": ({"clipping": 0.4, "epsilon": 3.3}, oracles.adaptive_clipping),
    "Cautious": ({}, oracles.cautious),
    "GradientCentralization": ({}, oracles.centralization),
    "Lookahead": ({"sync_period": 4, "slow_step_size": 0.3}, oracles.lookahead),
    "SWA": ({"start": 3, "period": 2}, None),
    "SkipNonFinite": ({}, None),
    "LazySparse": ({"match": "w[1-4]"}, None),
}
MOMENTUM = {"momentum": 0.8}


def wrapper_leaves(build) -> bool:
    """True if a wrapper, mutated or not, leaves its oracle; around SGD with momentum and decay."""
    arguments, around = AROUND[build.__name__]
    name, given = build.__name__, problem.gradients(STEPS)
    decay = 0.1
    if name == "LazySparse":  # rows that are not touched, some in part
        for step, gradients in enumerate(given):
            for gradient in gradients[1:]:
                gradient[step % len(gradient)] = 0
    rule = (lambda: around(oracles.sgd(**MOMENTUM), **arguments)) if around else lambda: oracles.sgd(**MOMENTUM)
    if name == "LazySparse":
        rule = lambda: averaging_oracles.lazy(oracles.sgd, decay=decay, **MOMENTUM)  # noqa: E731
    rules, weights, path = [rule() for _ in problem.SHAPES], problem.weights(), []
    for t, (gradients, rate) in enumerate(zip(given, problem.rates(0.01), strict=False), 1):
        kept = 0 if name == "LazySparse" else decay
        pairs = zip(rules, weights, gradients, strict=True)
        weights = [one((1 - rate * (decay if np.ndim(w) == 0 else kept)) * w, g, t, rate) for one, w, g in pairs]
        path.append(weights)
    if name == "SkipNonFinite":
        for at, bad in ((5, np.inf), (0, np.nan)):
            worse = [gradient.copy() for gradient in given[at]]
            worse[1][3] = bad
            given.insert(at, worse)
    on = variables("float64")
    made = build(optimizers.SGD(schedule(0.01), weight_decay=decay, **MOMENTUM), **arguments)
    reached, expected = run(made, "float64", gradients=given, on=on), path[-1]
    if name == "SWA":
        made.swap_evaluation_weights()
        reached, expected = [v.numpy() for v in on], averaging_oracles.swa(path, **arguments)
        early = build(optimizers.SGD(schedule(0.01), weight_decay=decay, **MOMENTUM), start=99)
        on = variables("float64")
        run(early, "float64", gradients=given, on=on)
        early.swap_evaluation_weights()
        reached, expected = [*reached, *(v.numpy() for v in on)], [*expected, *path[-1]]
    return not max(np.abs(a - b).max() for a, b in zip(reached, expected, strict=True)) < 1e-9


def main_of_wrappers(names) -> tuple[int, int]:
    total = missed = 0
    for name in WRAPPERS:
        if names and name not in names:
            continue
        build = getattr(optimizers, name)
        if wrapper_leaves(build):
            raise AssertionError(f"{name} leaves its oracle without any mutation")
        module, source = sys.modules[build.__module__], inspect.getsource(build)
        for what, mutant in listed_mutants(name, source[source.index("class ") :]):
            namespace = dict(vars(module))
            exec(compile(mutant, name, "exec"), namespace)
            noticed = wrapper_leaves(namespace[name])
            total, missed = total + 1, missed + (not noticed)
            print(f"{'caught  ' if noticed else 'SURVIVED'} {name}: {what}", flush=True)
    return total, missed


def parts(build) -> list[str]:
    """The source of the class, and before it that of the base that its rule stands in, if it is that base's example."""
    classes = [base for base in build.__mro__ if base.__name__ == EXAMPLE_OF.get(build.__name__)] + [build]
    sources = [inspect.getsource(each) for each in classes]
    return [source[source.index("class ") :] for source in sources]  # without the registration


def _replaced(source, match, text):
    return source[: match.start()] + text + source[match.end() :]


def caught(mutant, module, row) -> bool:
    """True if the mutated class leaves the oracle of this row."""
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
    total, missed = main_of_wrappers(names)
    for build in dict.fromkeys(row.build for row in TABLE):
        rows = [row for row in TABLE if row.build is build and not row.wrap]
        if names and not any(row.name in names for row in rows):
            continue
        module = sys.modules[build.__module__]
        whole = "\n\n".join(parts(build))
        changes = [(what, whole.replace(part, mutant)) for part in parts(build) for what, mutant in mutants(part)]
        for what, mutant in [*changes, *listed_mutants(build.__name__, whole)]:
            noticed = any(caught(mutant, module, row) for row in rows)
            total, missed = total + 1, missed + (not noticed)
            print(f"{'caught  ' if noticed else 'SURVIVED'} {build.__name__}: {what}", flush=True)
    of_defaults, missed_there = default_mutants.survivors(names)
    total, missed = total + of_defaults, missed + missed_there
    print(f"{total} mutants, {missed} survived")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

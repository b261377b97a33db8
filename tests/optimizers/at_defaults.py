"""Every optimizer at its default hyper-parameters beside its oracle at those of `defaults`."""

import keras
import numpy as np

import optimizers
from tests.optimizers import averaging_oracles, defaults, oracles, problem
from tests.optimizers.running import run
from tests.optimizers.table import TABLE

# Arguments that no oracle takes: at their defaults they change nothing, or (the decay) are applied here.
APART = ("learning_rate", "weight_decay", "steps_per_epoch", "last_batch", "adapt_vectors", "exclude_layers")
APART += ("empirical_fisher", "amsgrad", "adam_weight_decay", "exclude_embeddings")
# Wrappers around SGD with momentum, and what goes around its oracle.
MOMENTUM = {"momentum": 0.8}
AROUND = {
    "AdaptiveGradientClipping": oracles.adaptive_clipping,
    "Cautious": oracles.cautious,
    "GradientCentralization": oracles.centralization,
    "Lookahead": oracles.lookahead,
    "SkipNonFinite": lambda rule: rule,
    "SWA": lambda rule: rule,
    "LazySparse": lambda rule: rule,  # lazy is what a pattern names, or comes as a sparse gradient
}
SWA_START = 3


def row_of(name):
    return next(row for row in TABLE if row.build.__name__ == name and not row.wrap)


def start(scale=1.0) -> list[np.ndarray]:
    """The problem's weights times `scale`, rounded to float32."""
    return [np.float32(scale * weight).astype("float64") for weight in problem.weights()]


def expected(name, gradients, weights, between=(), rounded=lambda weight: weight) -> list[np.ndarray]:
    """The last weights of the oracle.

    Args:
        between: {step: steps to leave out before it}: the counter jumps, the state stays.
        rounded: what becomes of each weight after the decay and after the step.
    """
    values = defaults.OPTIMIZERS[name]
    arguments = {argument: value for argument, value in values.items() if argument not in APART}
    step = row_of(name)._step(arguments, len(weights))
    rate = float(np.float32(values["learning_rate"]))  # Keras keeps it in float32
    decay = values.get("weight_decay", 0)
    count = 0
    for number, each in enumerate(gradients, 1):
        count += 1 + dict(between).get(number, 0)
        if decay:
            weights = [rounded((1 - rate * decay) * weight) for weight in weights]
        weights = [rounded(weight) for weight in step(weights, each, count, rate)]
    return weights


def reached(optimizer, gradients, weights, dtype, mode="graph", between=()) -> list[np.ndarray]:
    """The last weights of the optimizer. Sophia is told g^2 for the Hessian's diagonal, as its oracle takes it."""
    on = [keras.Variable(value, dtype=dtype, name=f"w{i}") for i, value in enumerate(weights)]
    optimizer.build(on)
    jumps = dict(between)
    if isinstance(optimizer, optimizers.Sophia):
        mode = "eager"
        for each in gradients:
            tensors = [keras.ops.convert_to_tensor(np.asarray(g, dtype)) for g in each]
            optimizer.follow_curvature([keras.ops.square(g) for g in tensors], on)
            optimizer.apply(tensors, on)
    elif jumps:
        for number, each in enumerate(gradients, 1):
            optimizer.iterations.assign(optimizer.iterations + jumps.get(number, 0))
            run(optimizer, dtype, "eager", [each], on)
    else:
        run(optimizer, dtype, mode, gradients, on)
    return [keras.ops.convert_to_numpy(variable).astype("float64") for variable in on]


def missed(ends, oracle_ends, weights) -> float:
    """The largest difference, as a fraction of the largest movement; NaN where there is one."""
    moved = max(np.abs(end - weight).max() for end, weight in zip(oracle_ends, weights, strict=True))
    return max(np.abs(a - b).max() for a, b in zip(ends, oracle_ends, strict=True)) / moved


def wrapped(name):
    """The wrapper at its defaults around SGD with momentum; SWA's `start` and SGD's rate have none to test."""
    rest = {"start": SWA_START} if name == "SWA" else {}
    return getattr(optimizers, name)(optimizers.SGD(0.01, **MOMENTUM), **rest)


def wrapper_ends(name, optimizer, gradients, dtype="float64") -> tuple[list, list]:
    """The last weights of the wrapper and of its oracle; for SWA the means."""
    rate = float(np.float32(0.01))
    weights, path = start(), []
    values = defaults.WRAPPERS[name]
    arguments = {argument: value for argument, value in values.items() if argument not in (*APART, "match")}
    around = {} if name == "SWA" else arguments
    rules = [AROUND[name](oracles.sgd(**MOMENTUM), **around) for _ in weights]
    if name == "LazySparse":
        gradients = [_with_rows_of_zeros(each, step) for step, each in enumerate(gradients)]
    for count, each in enumerate(gradients, 1):
        weights = [rule(w, g, count, rate) for rule, w, g in zip(rules, weights, each, strict=True)]
        path.append(weights)
    ends = reached(optimizer, gradients, start(), dtype)
    if name == "SWA":
        slots = optimizer.evaluation_slots()
        ends = [keras.ops.convert_to_numpy(slot).astype("float64") for slot in slots]
        return ends, averaging_oracles.swa(path, start=SWA_START, **arguments)
    return ends, path[-1]


def _with_rows_of_zeros(gradients, step):
    """The gradients with a row of zeros in all but the scalar."""
    made = [np.array(gradient) for gradient in gradients]
    for gradient in made[1:]:
        gradient[step % len(gradient)] = 0
    return made

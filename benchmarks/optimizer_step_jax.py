"""The time of one optimizer step on Keras's JAX backend: ours, Keras's and, where it is installed, torch's.

    KERAS_BACKEND=jax python benchmarks/optimizer_step_jax.py [--optimizers adam,lion] [--rounds N] [--quick]

A step of Keras is one call of a jitted `stateless_apply` that gives its arguments' memory away (`donate_argnums`); of
torch, `optimizer.step()` with `fused=True`, or `foreach=True` where there is no fused one. The contenders take turns in
one process, in a new random order each round; printed are medians. For GPUs; on a CPU, `optimizer_step.py` measures
TensorFlow's kernels. On a GPU, benchmarks/results/optimizer_step_jax.md is written, line by line.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import os
import random
import statistics
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import keras
import numpy as np
import optimizer_step
import side_by_side

import optimizers

RESULTS = Path(__file__).parent / "results"
STEPS = 20  # a round


def of_keras(made, arrays):
    """A function that makes some steps and waits for the last."""
    variables = [keras.Variable(array, name=f"w{place}") for place, array in enumerate(arrays)]
    made.build(variables)
    step = jax.jit(made.stateless_apply, donate_argnums=(0, 2))
    gradients = [jax.numpy.asarray(array) for array in arrays]
    # Copies: what is given away is not to be the variables' own.
    state = [[v.value + 0 for v in made.variables], [v.value + 0 for v in variables]]

    def run(steps):
        slots, weights = state
        for _ in range(steps):
            weights, slots = step(slots, gradients, weights)
        state[:] = slots, weights
        jax.block_until_ready(state)

    return run


def of_torch(name, arguments, arrays):
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    parameters = [torch.nn.Parameter(torch.tensor(array, device=device)) for array in arrays]
    for parameter, array in zip(parameters, arrays, strict=True):
        parameter.grad = torch.tensor(array, device=device)
    # torch has no fused RMSprop, and a fused Adagrad on CPUs alone.
    kind = "foreach" if name == "RMSprop" or (name == "Adagrad" and device == "cuda") else "fused"
    made = getattr(torch.optim, name)(parameters, **arguments, **{kind: True})

    def run(steps):
        for _ in range(steps):
            made.step()
        if device == "cuda":
            torch.cuda.synchronize()

    return run


def measured(optimizer: str, problem: str, rounds: int, steps: int) -> dict[str, float]:
    """The median seconds of a step by contender: "ours", "keras", "torch"."""
    draw = np.random.RandomState(0)
    if problem == "quick":
        sizes = optimizer_step.QUICK_SHAPES
    elif (optimizer, problem) == ("muon", "matrices"):
        sizes = [[512, 512]] * 4
    else:
        sizes = optimizer_step.shapes(problem)
    arrays = [draw.normal(size=size).astype("float32") for size in sizes]
    ours, theirs, torchs, _ = optimizer_step.OPTIMIZERS[optimizer]
    if optimizer == "muon":  # the same work: Keras's leaves kernels of convolutions to Adam
        kept = [f"^w{place}$" for place, size in enumerate(sizes) if len(size) != 2]
        ours = (ours[0], {**ours[1], "exclude_layers": kept})
    runs = {
        "ours": of_keras(getattr(optimizers, ours[0])(**ours[1]), arrays),
        "keras": of_keras(getattr(keras.optimizers, theirs[0])(**theirs[1]), arrays),
    }
    if torchs and importlib.util.find_spec("torch"):
        runs["torch"] = of_torch(*torchs, arrays)
    times = {who: [] for who in runs}
    for run in runs.values():
        run(2)
    for _ in range(rounds):
        for who in random.sample(list(runs), len(runs)):
            started = time.perf_counter()
            runs[who](steps)
            times[who].append((time.perf_counter() - started) / steps)
    return {who: statistics.median(taken) for who, taken in times.items()}


def main() -> None:
    """Measures, prints and, on a GPU, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--optimizers", default=",".join(optimizer_step.OPTIMIZERS), help="names, with commas")
    parser.add_argument("--problems", default=",".join(optimizer_step.PROBLEMS), help="names, with commas")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--quick", action="store_true", help="tiny shapes and three rounds of two steps")
    arguments = parser.parse_args()
    names, problems = arguments.optimizers.split(","), arguments.problems.split(",")
    for given, known in ((names, optimizer_step.OPTIMIZERS), (problems, optimizer_step.PROBLEMS)):
        for name in given:
            if name not in known:
                parser.error(f"there is no {name!r}; there are {', '.join(known)}")
    device = jax.devices()[0]
    packages = [package for package in ("keras", "jax", "numpy", "torch") if importlib.util.find_spec(package)]
    versions = ", ".join(f"{name} {version}" for name, version in side_by_side.versions(packages).items())
    page = [
        "# One optimizer step on Keras's JAX backend\n",
        f"{datetime.date.today()}, {device.device_kind}; {versions}. Made by "
        f"`python benchmarks/optimizer_step_jax.py`: medians of rounds of {STEPS} steps, in milliseconds; torch eager, "
        "fused (RMSprop, Adagrad: foreach). Muon: 512 x 512 in place of the large matrices.\n",
        "| problem | optimizer | Keras | ours | ours / Keras | torch | ours / torch |",
        "|---|---|---|---|---|---|---|",
    ]
    print("\n".join(page), flush=True)
    for problem in ("quick",) if arguments.quick else problems:
        for name in names:
            found = measured(name, problem, 3 if arguments.quick else arguments.rounds, 2 if arguments.quick else STEPS)
            ours, theirs, torchs = (found.get(who) for who in ("ours", "keras", "torch"))
            beside = f"{1e3 * torchs:.3f} | {ours / torchs:.2f}" if torchs else " | "
            line = f"| {problem} | {name} | {1e3 * theirs:.3f} | {1e3 * ours:.3f} | {ours / theirs:.2f} | {beside} |"
            page.append(line)
            print(line, flush=True)
            if device.platform == "gpu" and not arguments.quick:
                (RESULTS / "optimizer_step_jax.md").write_text("\n".join(page) + "\n")


if __name__ == "__main__":
    main()

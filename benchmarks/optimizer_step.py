"""The time of one optimizer step: ours, Keras's and torch's, side by side in one run.

    python benchmarks/optimizer_step.py [--optimizers adam,lion] [--problems matrices] [--rounds N] [--quick]

Every library runs in processes of its own, one for each number of threads, which stay alive and are asked for a few
steps in turn, in a new random order each round: what slows the machine down for a while slows all of them. Gradients
are fixed tensors; a step is one call of a `tf.function` (torch: of `optimizer.step()`), after one that is not counted.
Printed are medians over the rounds, and ratios of medians: below 1, ours is faster. torch is left out where it is not
installed. A run over everything writes benchmarks/results/optimizer_step.json and .md.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import importlib.util
import json
import math
import os
import random
import statistics
import time
from pathlib import Path

import side_by_side

RESULTS = Path(__file__).parent / "results"
PROBLEMS = ("mobilenet_v2", "efficientnet_b0", "matrices")
THREADS = os.cpu_count() or 1
# name: ours, Keras's, torch's class and arguments, the most that ours may take of Keras's time on each problem.
OPTIMIZERS = {
    "adam": (("Adam", {}), ("Adam", {}), ("Adam", {}), (0.42, 0.42, 0.28)),
    "sgd-momentum": (
        ("SGD", {"momentum": 0.9}),
        ("SGD", {"momentum": 0.9}),
        ("SGD", {"lr": 0.01, "momentum": 0.9}),
        (0.50, 0.48, 0.45),
    ),
    "rmsprop": (("RMSProp", {}), ("RMSprop", {}), ("RMSprop", {}), (0.65, 0.65, 0.50)),
    "adagrad": (("AdaGrad", {}), ("Adagrad", {}), ("Adagrad", {}), (0.65, 0.65, 0.50)),
    "adadelta": (("Adadelta", {}), ("Adadelta", {}), None, (1, 1, 1)),
    "adafactor": (("Adafactor", {}), ("Adafactor", {}), None, (1, 1, 1)),
    "adamax": (("AdaMax", {}), ("Adamax", {}), None, (1, 1, 1)),
    "adamw": (("AdamW", {}), ("AdamW", {}), ("AdamW", {}), (0.42, 0.42, 0.28)),
    "amsgrad": (("AMSGrad", {}), ("Adam", {"amsgrad": True}), None, (1, 1, 1)),
    "ftrl": (("FTRL", {}), ("Ftrl", {}), None, (1, 1, 1)),
    "lamb": (("LAMB", {}), ("Lamb", {}), None, (1, 1, 1)),
    "lion": (("Lion", {}), ("Lion", {}), None, (1, 1, 1)),
    "muon": (("Muon", {}), ("Muon", {}), None, (1, 1, 1)),
    "nadam": (("NAdam", {}), ("Nadam", {}), None, (1, 1, 1)),
    "schedule-free-adamw": (("ScheduleFreeAdamW", {}), ("ScheduleFreeAdamW", {}), None, (1, 1, 1)),
}
TRACE_MUST = 0.35  # of Keras's tracing time; those that are more than a fused kernel:
TRACE_MUST_OF = dict.fromkeys(("adafactor", "lamb", "lion", "schedule-free-adamw"), 0.5)
TORCH_MUST = 1.5  # matrices, of torch fused with all threads
QUICK_SHAPES = [[3, 3, 4, 8], [8], [64, 32], [32]]


def shapes(problem: str) -> list[list[int]]:
    """The shapes of a problem's variables."""
    import keras

    if problem == "matrices":
        return [[2048, 2048]] * 4
    if problem == "mobilenet_v2":
        import zoo

        model = zoo.build("mobilenet_v2")
    else:
        model = keras.applications.EfficientNetB0(weights=None)
    return [list(variable.shape) for variable in model.trainable_variables]


# ---- a child: one library, one number of threads -----------------------------------------------------------------


class TensorFlow:
    """Ours and Keras's steps as graphs."""

    def __init__(self, threads: int):
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        self.cases = {}
        # What TensorFlow loads on first use is nobody's tracing time.
        for who in ("ours", "keras"):
            self.prepare(who, "adam", [[2]])

    def shapes(self, problem: str) -> list[list[int]]:
        return shapes(problem)

    def has(self, optimizer: str) -> bool:
        import optimizers

        return hasattr(optimizers, OPTIMIZERS[optimizer][0][0])

    def prepare(self, who: str, optimizer: str, shapes: list[list[int]]) -> dict:
        import gc

        import keras
        import numpy as np
        import tensorflow as tf

        import optimizers

        random = np.random.RandomState(0)
        variables = [
            keras.Variable(random.normal(size=s).astype("float32"), name=f"w{i}") for i, s in enumerate(shapes)
        ]
        gradients = [tf.constant(random.normal(size=s).astype("float32")) for s in shapes]
        name, arguments = OPTIMIZERS[optimizer][0 if who == "ours" else 1]
        if optimizer == "muon" and who == "ours":
            # The same work: Keras's leaves kernels of convolutions to Adam.
            arguments = {"exclude_layers": [f"^{v.path}$" for v in variables if len(v.shape) != 2]}
        made = getattr(optimizers if who == "ours" else keras.optimizers, name)(**arguments)
        started = time.perf_counter()
        made.build(variables)
        built = time.perf_counter()
        tracing = []
        while len(tracing) < 3 and sum(tracing) < 0.5:  # short ones again, since once is chance
            gc.collect()
            step = tf.function(lambda: made.apply(gradients, variables))
            begun = time.perf_counter()
            concrete = step.get_concrete_function()
            tracing.append(time.perf_counter() - begun)
        traced = time.perf_counter()
        step()
        self.cases[who] = step
        graph = concrete.graph.as_graph_def()
        return {
            "build_s": built - started,
            "trace_s": min(tracing),
            "first_s": time.perf_counter() - traced,
            "ops": len(graph.node) + sum(len(function.node_def) for function in graph.library.function),
            "slots": sum(int(np.prod(variable.shape)) for variable in made.variables),
        }

    def run(self, who: str, steps: int) -> float:
        return side_by_side.median_seconds(self.cases[who], steps)

    def forget(self) -> None:
        self.cases.clear()


class Torch:
    """torch's own steps, eager; `who` is foreach or fused."""

    def __init__(self, threads: int):
        import torch

        torch.set_num_threads(threads)
        self.cases = {}

    def prepare(self, who: str, optimizer: str, shapes: list[list[int]]) -> dict:
        import torch

        parameters = [torch.nn.Parameter(torch.randn(shape)) for shape in shapes]
        for parameter in parameters:
            parameter.grad = torch.randn_like(parameter)
        name, arguments = OPTIMIZERS[optimizer][2]
        made = getattr(torch.optim, name)(parameters, **arguments, **{who: True})
        made.step()
        self.cases[who] = made.step
        return {}

    run, forget = TensorFlow.run, TensorFlow.forget


def copy_bandwidth(threads: int) -> float:
    """Bytes a second, read and written, of copying arrays that no cache holds."""
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    pairs = [(np.ones(1 << 25, "float32"), np.zeros(1 << 25, "float32")) for _ in range(threads)]
    times = []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(7):
            started = time.perf_counter()
            list(pool.map(lambda pair: np.copyto(pair[1], pair[0]), pairs))
            times.append(time.perf_counter() - started)
    return 2 * sum(source.nbytes for source, _ in pairs) / statistics.median(times)


# ---- the parent: rounds and tables -------------------------------------------------------------------------------


def contenders(optimizer: str, children: dict) -> list[tuple[str, str]]:
    """(child, who): the threads that TensorFlow has by default for all, one thread for Adam."""
    ours, _, torch, _ = OPTIMIZERS[optimizer]
    found = [("tensorflow-all", "ours"), ("tensorflow-all", "keras")]
    if optimizer == "adam":
        found += [("tensorflow-1", "ours"), ("tensorflow-1", "keras")]
    if torch:
        kinds = ("foreach",) if torch[0] == "RMSprop" else ("foreach", "fused")  # torch has no fused RMSprop
        found += [(child, kind) for child in ("torch-all", "torch-1") for kind in kinds]
    return [(child, who) for child, who in found if child in children]


def measure(children: dict, optimizer: str, shapes: list, rounds: int, seconds: float) -> dict:
    """Medians of a step's seconds for each contender, and what tracing cost."""
    pairs = contenders(optimizer, children)
    about = {}
    for child, who in random.sample(pairs, len(pairs)):
        about[f"{who}, {child}"] = children[child].ask("prepare", who, optimizer, shapes)
    pilot = {pair: children[pair[0]].ask("run", pair[1], 1) for pair in pairs}
    steps = {pair: max(1, min(10, round(0.05 / taken))) for pair, taken in pilot.items()}
    whole = sum((steps[pair] + 1) * pilot[pair] for pair in pairs)
    times = {pair: [] for pair in pairs}
    for _ in range(max(3, min(rounds, int(seconds / whole)))):
        for pair in random.sample(pairs, len(pairs)):
            times[pair].append(children[pair[0]].ask("run", pair[1], steps[pair]))
    for child in children.values():
        child.ask("forget")
    return {
        "rounds": len(times[pairs[0]]),
        "seconds": {f"{who}, {child}": statistics.median(times[child, who]) for child, who in pairs},
        "about": about,
    }


def row(optimizer: str, problem: str, shapes: list, found: dict) -> dict:
    """A measurement with its ratios."""
    ours, keras = (found["about"][f"{who}, tensorflow-all"] for who in ("ours", "keras"))
    seconds = found["seconds"]
    step = seconds["ours, tensorflow-all"]
    parameters = sum(math.prod(shape) for shape in shapes)
    # Weights and slots are read and written, gradients are read.
    moved = 4 * (3 * parameters + 2 * ours["slots"])
    ratios = {name: step / taken for name, taken in seconds.items() if name.endswith("-all") and "ours" not in name}
    for name, taken in seconds.items():
        if name.endswith("-1") and not name.startswith("ours") and "ours, tensorflow-1" in seconds:
            ratios[name] = seconds["ours, tensorflow-1"] / taken
    return {
        "optimizer": optimizer,
        "problem": problem,
        "variables": len(shapes),
        "parameters": parameters,
        "rounds": found["rounds"],
        "milliseconds": {name: round(1e3 * taken, 3) for name, taken in seconds.items()},
        "ours_over": {name: round(ratio, 3) for name, ratio in ratios.items()},
        "trace_seconds": {"ours": round(ours["trace_s"], 3), "keras": round(keras["trace_s"], 3)},
        "trace_ours_over_keras": round(ours["trace_s"] / keras["trace_s"], 3),
        "first_step_seconds": {"ours": round(ours["first_s"], 3), "keras": round(keras["first_s"], 3)},
        "graph_ops": {"ours": ours["ops"], "keras": keras["ops"]},
        "bytes_moved": moved,
    }


HEAD = """| optimizer | Keras, ms | ours, ms | ours / Keras | at most | tracing / Keras | graph ops | bandwidth |
|---|---|---|---|---|---|---|---|"""


def table(result: dict) -> str:
    """The result as a page of Markdown."""
    parts = [
        "# One optimizer step",
        f"{result['date']}, {result['processor']}, {result['threads']} threads; "
        + ", ".join(f"{name} {version}" for name, version in result["versions"].items())
        + f". Copying moves {result['copy_gigabytes_per_second']['all']} GB/s (one thread: "
        f"{result['copy_gigabytes_per_second']['one']}). Made by `python benchmarks/optimizer_step.py`; medians of "
        "interleaved rounds, TensorFlow graphs with all threads unless said otherwise. Graph ops: ours / Keras's. "
        "Bandwidth: the bytes that our step cannot do without (weights and slots read and written, gradients read), as "
        'a share of what copying moves. "(over)": above what is allowed, which for tracing is '
        f"{TRACE_MUST} ({TRACE_MUST_OF['lion']} for {', '.join(TRACE_MUST_OF)}) and for the matrices {TORCH_MUST} "
        "of torch fused with all threads. Muon: 512 x 512 in place of "
        "the large matrices, and as in Keras, convolutions take Adam's step.",
    ]
    for problem in dict.fromkeys(row["problem"] for row in result["rows"]):
        rows = [row for row in result["rows"] if row["problem"] == problem]
        parts += [f"## {problem}: {rows[0]['variables']} variables, {rows[0]['parameters']:,} parameters"]
        lines = [HEAD]
        for row in rows:
            time_of, ratio = row["milliseconds"], row["ours_over"]["keras, tensorflow-all"]
            ops = " / ".join(f"{row['graph_ops'][who]:,}" for who in ("ours", "keras"))
            lines.append(
                f"| {row['optimizer']} | {time_of['keras, tensorflow-all']:.2f} | "
                f"{time_of['ours, tensorflow-all']:.2f} | {_marked(ratio, row['must'])} | "
                f"{row['must']:.2f} | {_marked(row['trace_ours_over_keras'], trace_must(row['optimizer']))} | {ops} | "
                f"{row['share_of_copy_bandwidth']:.0%} |"
            )
        parts.append("\n".join(lines))
        peers = [row for row in rows if any("torch" in name for name in row["ours_over"])]
        if peers:
            names = [
                "foreach, torch-all",
                "fused, torch-all",
                "foreach, torch-1",
                "fused, torch-1",
                "keras, tensorflow-1",
            ]
            lines = ["| ours / | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
            for row in peers:
                most = {"fused, torch-all": TORCH_MUST} if problem == "matrices" else {}
                ratios = [(row["ours_over"].get(name), most.get(name, math.inf)) for name in names]
                cells = ["" if ratio is None else _marked(ratio, allowed) for ratio, allowed in ratios]
                lines.append(f"| {row['optimizer']} | " + " | ".join(cells) + " |")
            parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def trace_must(optimizer: str) -> float:
    return TRACE_MUST_OF.get(optimizer, TRACE_MUST)


def _marked(ratio: float, most: float) -> str:
    return f"{ratio:.2f}{'' if ratio <= most else ' (over)'}"


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--optimizers", default=",".join(OPTIMIZERS), help="names, with commas between them")
    parser.add_argument("--problems", default=",".join(PROBLEMS), help="names, with commas between them")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=2, help="at most, for the rounds of one optimizer")
    parser.add_argument("--quick", action="store_true", help="tiny shapes and three rounds")
    parser.add_argument("--child", choices=["tensorflow", "torch"], help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        library = {"tensorflow": TensorFlow, "torch": Torch}[arguments.child]
        return side_by_side.serve(lambda: library(arguments.threads))
    for name, known in ((arguments.optimizers, OPTIMIZERS), (arguments.problems, PROBLEMS)):
        for each in name.split(","):
            if each not in known:
                parser.error(f"there is no {each!r}; there are {', '.join(known)}")
    with contextlib.ExitStack() as stack:
        result = benchmark(arguments, stack)
    page = table(result)
    print("\n" + page)
    everything = (arguments.optimizers, arguments.problems) == (",".join(OPTIMIZERS), ",".join(PROBLEMS))
    if everything and not arguments.quick:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "optimizer_step.json").write_text(json.dumps(result, indent=1) + "\n")
        (RESULTS / "optimizer_step.md").write_text(page)


def benchmark(arguments: argparse.Namespace, stack: contextlib.ExitStack) -> dict:
    """All rows; children live as long as `stack`."""
    libraries, packages = ["tensorflow"], ["keras", "tensorflow", "numpy"]
    if importlib.util.find_spec("torch"):
        libraries, packages = [*libraries, "torch"], [*packages, "torch"]
    else:
        print("torch is not installed: its columns stay empty")
    copied = {"all": 0.0, "one": 0.0}
    children = {}
    for library in libraries:
        for name, threads in (("all", THREADS), ("1", 1)):
            children[f"{library}-{name}"] = child = side_by_side.Child(
                __file__, ["--child", library, "--threads", str(threads)], threads
            )
            stack.callback(child.close)
    rows = []
    for problem in ["quick"] if arguments.quick else arguments.problems.split(","):
        for name, threads in (("all", THREADS), ("one", 1)):  # the best of a few: a bound, not an average
            copied[name] = max(copied[name], copy_bandwidth(threads))
        whole = QUICK_SHAPES if arguments.quick else children["tensorflow-all"].ask("shapes", problem)
        for optimizer in arguments.optimizers.split(","):
            if not children["tensorflow-all"].ask("has", optimizer):
                print(f"{optimizer}: not among ours, left out")
                continue
            # Newton-Schulz on 2048 x 2048 is a matter of matrix products, 7 s a step.
            muon = optimizer == "muon" and problem == "matrices"
            shapes = [[512, 512]] * 4 if muon else whole
            rounds = 3 if arguments.quick else arguments.rounds
            found = measure(children, optimizer, shapes, rounds, arguments.seconds)
            made = row(optimizer, problem, shapes, found)
            made["must"] = OPTIMIZERS[optimizer][3][PROBLEMS.index(problem) if problem in PROBLEMS else 0]
            rows.append(made)
            ratios = ", ".join(f"{ratio:.2f} of {name}" for name, ratio in made["ours_over"].items())
            print(f"{problem} {optimizer}: {ratios}; tracing {made['trace_ours_over_keras']:.2f}", flush=True)
    for made in rows:
        rate = 1e3 * made["bytes_moved"] / made["milliseconds"]["ours, tensorflow-all"]
        made["share_of_copy_bandwidth"] = round(rate / copied["all"], 3)
    return {
        "date": str(datetime.date.today()),
        "processor": side_by_side.processor(),
        "threads": THREADS,
        "versions": side_by_side.versions(packages),
        "copy_gigabytes_per_second": {name: round(rate / 1e9, 1) for name, rate in copied.items()},
        "rows": rows,
    }


if __name__ == "__main__":
    main()

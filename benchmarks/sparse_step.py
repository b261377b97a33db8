"""The time of one optimizer step on an embedding with a sparse gradient: ours and Keras's, side by side in one run.

    python benchmarks/sparse_step.py [--optimizers adam,sgd] [--rounds N] [--quick]

The embedding has 1,000,000 x 64 numbers, its gradient is a `tf.IndexedSlices` with values for 1,000 rows of which 100
are there twice. Each step is one call of a `tf.function` that gets the gradient as its argument. Ours, ours within
`LazySparse`, and Keras's class of the same name live in one process and are asked for a few steps in turn, in a new
random order each round. Printed are medians over the rounds, and ratios of medians: below 1, ours is faster. A run over
everything writes benchmarks/results/sparse_step.json and .md.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import random
import statistics
from pathlib import Path

import side_by_side

RESULTS = Path(__file__).parent / "results"
THREADS = os.cpu_count() or 1
SHAPE, QUICK_SHAPE = (1_000_000, 64), (1_000, 8)
ROWS, REPEATED = 1_000, 100
# name: our class, Keras's, arguments of both.
OPTIMIZERS = {
    "sgd": ("SGD", "SGD", {}),
    "sgd-momentum": ("SGD", "SGD", {"momentum": 0.9}),
    "adagrad": ("AdaGrad", "Adagrad", {}),
    "rmsprop": ("RMSProp", "RMSprop", {}),
    "adam": ("Adam", "Adam", {}),
    "adamw": ("AdamW", "AdamW", {}),
}
CONTENDERS = ("ours", "lazy", "keras")
MUST = 1.2  # the most that ours may take of Keras's time


class TensorFlow:
    """The child: steps as graphs."""

    def __init__(self):
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(THREADS)
        tf.config.threading.set_inter_op_parallelism_threads(THREADS)
        self.steps = {}

    def prepare(self, who: str, optimizer: str, shape: list[int]) -> None:
        import keras
        import numpy as np
        import tensorflow as tf

        import optimizers

        table = keras.Variable(keras.random.normal(shape, seed=0), name="embeddings")
        numbers = np.random.RandomState(0)
        rows = numbers.choice(shape[0], ROWS - REPEATED, replace=False)
        rows = tf.constant(np.concatenate([rows, rows[:REPEATED]]))
        values = tf.constant(numbers.normal(size=(ROWS, shape[1])).astype("float32"))
        ours, theirs, arguments = OPTIMIZERS[optimizer]
        made = getattr(*((keras.optimizers, theirs) if who == "keras" else (optimizers, ours)))(**arguments)
        made = optimizers.LazySparse(made) if who == "lazy" else made
        made.build([table])

        @tf.function
        def step(values, rows):
            made.apply([tf.IndexedSlices(values, rows, tf.constant(shape, rows.dtype))], [table])

        self.steps[who] = lambda: step(values, rows)
        self.steps[who]()

    def run(self, who: str, steps: int) -> float:
        return side_by_side.median_seconds(self.steps[who], steps)

    def forget(self) -> None:
        import gc

        self.steps.clear()
        gc.collect()


def measure(child, optimizer: str, shape: tuple, rounds: int) -> dict:
    """The row of one optimizer."""
    for who in random.sample(CONTENDERS, len(CONTENDERS)):
        child.ask("prepare", who, optimizer, shape)
    steps = {who: max(1, min(20, round(0.05 / child.ask("run", who, 1)))) for who in CONTENDERS}
    times = {who: [] for who in CONTENDERS}
    for _ in range(rounds):
        for who in random.sample(CONTENDERS, len(CONTENDERS)):
            times[who].append(child.ask("run", who, steps[who]))
    child.ask("forget")
    seconds = {who: statistics.median(taken) for who, taken in times.items()}
    return {
        "optimizer": optimizer,
        "rounds": rounds,
        "milliseconds": {who: round(1e3 * taken, 3) for who, taken in seconds.items()},
        "over_keras": {who: round(seconds[who] / seconds["keras"], 4) for who in ("ours", "lazy")},
        "must": MUST,
    }


def table(result: dict) -> str:
    """The result as a page of Markdown."""
    lines = [
        "# One optimizer step with a sparse gradient",
        "",
        f"{result['date']}, {result['processor']}, {result['threads']} threads; "
        + ", ".join(f"{name} {version}" for name, version in result["versions"].items())
        + f". An embedding of {result['shape'][0]:,} x {result['shape'][1]}, a gradient of {ROWS:,} rows, of which "
        f"{REPEATED} are there twice. Made by `python benchmarks/sparse_step.py`; medians of interleaved rounds, "
        "TensorFlow graphs. Ours counts a sparse gradient as the dense one; lazy is `LazySparse` around it, which "
        "moves only the rows of the gradient. Keras's has no lazy form; its Adagrad, RMSprop and Adam square repeated "
        'rows one by one, which gives another result than the dense gradient. "(over)": above what is allowed.',
        "",
        "| optimizer | Keras, ms | ours, ms | lazy, ms | ours / Keras | at most | lazy / Keras |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        taken, ratio = row["milliseconds"], row["over_keras"]
        mark = "" if ratio["ours"] <= row["must"] else " (over)"
        lines.append(
            f"| {row['optimizer']} | {taken['keras']:.2f} | {taken['ours']:.2f} | {taken['lazy']:.2f} | "
            f"{ratio['ours']:.3f}{mark} | {row['must']:.2f} | {ratio['lazy']:.3f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--optimizers", default=",".join(OPTIMIZERS), help="names, with commas between them")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--quick", action="store_true", help="a small embedding and three rounds")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        return side_by_side.serve(TensorFlow)
    names = arguments.optimizers.split(",")
    for each in names:
        if each not in OPTIMIZERS:
            parser.error(f"there is no {each!r}; there are {', '.join(OPTIMIZERS)}")
    shape, rounds = (QUICK_SHAPE, 3) if arguments.quick else (SHAPE, arguments.rounds)
    rows = []
    with contextlib.closing(side_by_side.Child(__file__, ["--child"], THREADS)) as child:
        for name in names:
            rows.append(measure(child, name, shape, rounds))
            ratio = rows[-1]["over_keras"]
            print(f"{name}: {ratio['ours']:.3f} of Keras's, lazy {ratio['lazy']:.3f}", flush=True)
    result = {
        "date": str(datetime.date.today()),
        "processor": side_by_side.processor(),
        "threads": THREADS,
        "versions": side_by_side.versions(["keras", "tensorflow", "numpy"]),
        "shape": shape,
        "rows": rows,
    }
    page = table(result)
    print("\n" + page)
    if names == list(OPTIMIZERS) and not arguments.quick:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "sparse_step.json").write_text(json.dumps(result, indent=1) + "\n")
        (RESULTS / "sparse_step.md").write_text(page)


if __name__ == "__main__":
    main()

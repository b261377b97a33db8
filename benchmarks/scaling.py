"""Training on one and on two workers: step time, examples per second, what the input costs, and what is all-reduced.

    python benchmarks/scaling.py [--rounds N] [--quick]

Three models of the zoo, trained as `zoo train` trains them, on examples made up here: `zoo.scaling.strategy`, the
task's own batches, Keras's `fit`. Workers are real processes that meet on loopback, each bound to cores of its own, so
that two workers on two cores stand against one worker on one: on this machine they share memory and caches, and no
network is between them. Arrangements are run in a new random order each round; printed are medians over the rounds.

- "input": by how much shorter a step is whose batch stands in memory ready, as a share of the step; around zero it is
  noise.
- "prepare": seconds until pictures were decoded and texts were tokenized; two workers do half each and exchange it.
- "sent": bytes on the loopback interface in a step (/proc/net/dev), of both workers together; whatever else speaks on
  loopback meanwhile is counted too, so nothing should. "expected" is what a ring all-reduce of the trainable variables'
  gradients sends: 2 (n - 1) / n of their bytes, by each of n workers.

Two replicas in one process run on TensorFlow's own kernels, without oneDNN's (`zoo.scaling.devices`): their time says
nothing against the others'. A run that is not quick writes benchmarks/results/scaling.json and .md, and
scaling_projection.md, which projects to more workers (`projection.py`).
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import projection
import side_by_side

RESULTS = Path(__file__).parent / "results"
PATIENCE = 900  # seconds for an arrangement
# Name -> workers, cores of each, devices, times the model's batch that all share.
ARRANGEMENTS = {
    "1 worker, 1 core": (1, 1, "all", 1),
    "1 worker, 2 cores": (1, 2, "all", 1),
    "2 workers, a core each, the same batch": (2, 1, "all", 1),
    "2 workers, a core each, twice the batch": (2, 1, "all", 2),
    "2 replicas, 2 cores": (1, 2, "cpu:2", 1),
}
ALONE, TOGETHER = "1 worker, 1 core", "2 workers, a core each, the same batch"


# ---- a worker ----------------------------------------------------------------------------------------------------


def pictures(quick: bool):
    """A residual network on coloured noise."""
    import cv2
    import numpy as np

    from zoo.data import Examples
    from zoo.data.examples import objects

    recipe = _recipe(
        model="resnet9",
        arguments={"image_size": 8 if quick else 32, "channels": 3, "width": 2 if quick else 32},
        preprocess={"kind": "image", "size": [8, 8] if quick else [32, 32], "channels": 3, "fit": "crop"},
        batch_size=8 if quick else 32,
    )

    def examples(count: int) -> Examples:
        noise = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), np.uint8)
        raw = objects(cv2.imencode(".png", picture)[1].tobytes() for picture in noise)
        return Examples(raw, np.arange(count, dtype=np.int32) % 10, tuple("0123456789"), "noise")

    return recipe, examples


def texts(quick: bool):
    """A bidirectional LSTM on random words, all texts of one length."""
    import numpy as np

    from zoo.data import Examples
    from zoo.data.examples import objects

    recipe = _recipe(
        task="text-classification",
        model="bilstm",
        arguments={"width": 4, "units": 2} if quick else {"width": 128, "units": 64},
        preprocess=_words(quick, 50),
        batch_size=8 if quick else 64,
    )

    def examples(count: int) -> Examples:
        return Examples(
            objects(_sentences(count, 6 if quick else 50, 0)),
            np.arange(count, dtype=np.int32) % 2,
            ("no", "yes"),
            "noise",
        )

    return recipe, examples


def pairs(quick: bool):
    """A Transformer on random pairs of sentences of one length."""
    from zoo.data.examples import objects
    from zoo.data.texts.pairs import Pairs

    sizes = {"width": 8, "layers": 1, "heads": 2, "hidden": 8} if quick else {"width": 128, "layers": 2, "heads": 4}
    recipe = _recipe(
        task="translation",
        model="transformer",
        arguments={"hidden": 512, "dropout": 0.1, **sizes},
        preprocess=_words(quick, 32),
        options={"languages": ("there", "back"), "decoding": {"max_length": 32}},
        metric="bleu",
        batch_size=8 if quick else 32,
    )

    def examples(count: int) -> Pairs:
        there, back = (_sentences(count, 4 if quick else 20, seed) for seed in (0, 1))
        return Pairs(objects(there), objects((text,) for text in back), "noise")

    return recipe, examples


MODELS = {"resnet9": pictures, "bilstm": texts, "transformer": pairs}


def _recipe(**changes):
    import dataclasses

    from zoo import recipes

    return dataclasses.replace(recipes.get("quickstart"), augment=None, **changes)


def _words(quick: bool, length: int) -> dict:
    return {
        "kind": "words",
        "lowercase": "unicode",
        "pattern": r"\w+",
        "length": length,
        "words": 50 if quick else 4000,
    }


def _sentences(count: int, length: int, seed: int) -> list[str]:
    import numpy as np

    words = np.random.default_rng(seed).integers(0, 4000, (count, length))
    return [" ".join(f"w{word}" for word in row) for row in words]


def work(model: str, times: int, devices: str, epochs: int, steps: int, quick: bool) -> dict:
    """Trains, and says what it took; the same program on every worker."""
    from zoo import scaling

    strategy = scaling.strategy(devices, say=lambda sentence: None)  # before TensorFlow is imported

    import functools

    import keras
    import numpy as np

    from zoo import training
    from zoo.scaling import workers
    from zoo.scaling.global_batch import shared
    from zoo.training.new_task import new_task

    recipe, examples = MODELS[model](quick)
    batch = times * recipe.batch_size
    train = examples(steps * batch)
    keras.utils.set_random_seed(0)
    with strategy.scope():
        task = new_task(recipe, model, train)
    workers.met(strategy)
    begin = time.perf_counter()
    batches = task.batches(train, batch, distribute=functools.partial(workers.distribute, strategy))
    prepared = time.perf_counter() - begin
    with strategy.scope():
        trainer = training.compiled(recipe, task, batches.steps)
    several = strategy.num_replicas_in_sync > 1

    def timed(make: Callable) -> tuple[list[float], list[int]]:
        """Seconds of a step and bytes on loopback, for each epoch but the first, in which all is compiled."""
        clock = _clock()
        trainer.fit(
            shared(make, strategy) if several else make(),
            steps_per_epoch=steps,
            epochs=epochs + 1,
            shuffle=False,
            callbacks=[clock],
            verbose=0,
        )
        return [each / steps for each in clock.seconds[1:]], [each // steps for each in clock.sent[1:]]

    def ready(parts=None):
        """The first batch, again and again, from memory."""
        here = len(strategy.extended.worker_devices) if parts else 1
        return batches.training(0, 0, 1, parts).take(here).cache().repeat()

    seconds, sent = timed(functools.partial(batches.training, 0, 0, epochs + 1))
    in_memory, _ = timed(ready)
    return {
        "batch": batch,
        "step_seconds": statistics.median(seconds),
        "ready_seconds": statistics.median(in_memory),
        "prepare_seconds": prepared,
        "sent_bytes": statistics.median(sent),
        "gradient_bytes": int(
            sum(np.prod(each.shape) * np.dtype(each.dtype).itemsize for each in trainer.trainable_variables)
        ),
        "parameters": int(sum(np.prod(each.shape) for each in trainer.trainable_variables)),
    }


def _clock():
    import keras

    class Clock(keras.callbacks.Callback):
        """Seconds and loopback's bytes of each epoch."""

        def on_train_begin(self, logs=None):
            self.seconds, self.sent = [], []

        def on_epoch_begin(self, epoch, logs=None):
            self.bytes, self.began = loopback_bytes(), time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.seconds.append(time.perf_counter() - self.began)
            self.sent.append(loopback_bytes() - self.bytes)

    return Clock()


def loopback_bytes() -> int:
    """Bytes that were sent on the loopback interface since the machine began."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, counts = line.partition(":")
        if name.strip() == "lo":
            return int(counts.split()[8])
    raise RuntimeError("/proc/net/dev: no loopback interface")


# ---- the parent: groups of workers, rounds and tables ------------------------------------------------------------


def group(model: str, arrangement: str, options: list[str]) -> dict:
    """Runs one arrangement to its end; what its first worker says."""
    count, cores, devices, times = ARRANGEMENTS[arrangement]
    known = sorted(os.sched_getaffinity(0))
    addresses = [f"localhost:{port}" for port in _free_ports(count)]
    running, logs = [], [tempfile.TemporaryFile("w+") for _ in range(count)]
    try:
        for index in range(count):
            mine = ",".join(str(core) for core in known[index * cores : (index + 1) * cores])
            environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
            environment["PYTHONPATH"] = os.pathsep.join([str(RESULTS.parents[1]), os.environ.get("PYTHONPATH", "")])
            environment.pop("TF_CONFIG", None)
            if count > 1:
                cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
                environment["TF_CONFIG"] = json.dumps(cluster)
            command = [sys.executable, __file__, "--worker", model, str(times), devices, "--cores", mine, *options]
            running.append(
                subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=logs[index], text=True)
            )
        said = [worker.communicate(timeout=PATIENCE)[0] for worker in running]
    finally:
        for worker in running:
            worker.kill()
    for worker, log in zip(running, logs, strict=True):
        if worker.returncode:
            log.seek(0)
            raise RuntimeError(f"{model}, {arrangement}: a worker ended with {worker.returncode}\n{log.read()[-3000:]}")
    return json.loads(said[0].splitlines()[-1])


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def measure(model: str, arrangements: list[str], rounds: int, options: list[str]) -> dict:
    """All arrangements of a model, interleaved."""
    found: dict[str, list[dict]] = {name: [] for name in arrangements}
    for _ in range(rounds):
        for name in random.sample(arrangements, len(arrangements)):
            found[name].append(group(model, name, options))
            print(f"{model}, {name}: {1e3 * found[name][-1]['step_seconds']:.1f} ms a step", flush=True)
    rows = {}
    for name, runs in found.items():
        middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        workers = ARRANGEMENTS[name][0]
        rows[name] = {
            "batch": int(middle["batch"]),
            "step_milliseconds": round(1e3 * middle["step_seconds"], 2),
            "step_milliseconds_of_rounds": [round(1e3 * run["step_seconds"], 2) for run in runs],
            "examples_per_second": round(middle["batch"] / middle["step_seconds"], 1),
            "input_share": round(1 - middle["ready_seconds"] / middle["step_seconds"], 4),
            "prepare_seconds": round(middle["prepare_seconds"], 2),
            "sent_bytes": int(middle["sent_bytes"]) if workers > 1 else 0,
            "expected_bytes": int(workers * projection.ring_bytes(middle["gradient_bytes"], workers)),
        }
    alone = found[ALONE][0]
    return {
        "parameters": alone["parameters"],
        "gradient_bytes": alone["gradient_bytes"],
        "batch": alone["batch"],
        "compute_seconds": round(rows[ALONE]["step_milliseconds"] / 1e3, 5),
        "arrangements": rows,
    }


def table(result: dict) -> str:
    """The measurements as Markdown."""
    parts = [
        "# Training on one and on two workers",
        f"{result['date']}, {result['processor']}, {result['cores']} cores; "
        + ", ".join(f"{name} {version}" for name, version in result["versions"].items())
        + f". Made by `python benchmarks/scaling.py`; medians of {result['rounds']} interleaved rounds. Workers are "
        "processes on loopback, each bound to cores of its own: they share memory and caches, and no network is "
        "between them. Two workers on a core each stand against one worker on one core; one worker on two cores is how "
        "this machine would be used. Replicas run without oneDNN's kernels, so that their time says nothing against "
        "the others'. Input: by how much shorter a step is whose batch stands in memory ready. Prepare: decoding or "
        "tokenizing all examples, once. Sent: by both workers on loopback in a step; expected: by a ring all-reduce of "
        "the gradients; fewer are sent where an embedding's gradient goes as the rows that the texts of a batch name "
        "(bilstm).",
    ]
    for name, model in result["models"].items():
        lines = [
            "| arrangement | batch | ms a step | rows/s | times one core | input | prepare, s | MB sent | expected |",
            "|---" * 9 + "|",
        ]
        one = model["arrangements"][ALONE]["examples_per_second"]
        for arrangement, row in model["arrangements"].items():
            cells = [
                str(row["batch"]),
                f"{row['step_milliseconds']:,.1f}",
                f"{row['examples_per_second']:,.0f}",
                f"{row['examples_per_second'] / one:.2f}",
                f"{100 * row['input_share']:.1f} %",
                f"{row['prepare_seconds']:.2f}",
                f"{row['sent_bytes'] / 1e6:.2f}" if row["expected_bytes"] else "",
                f"{row['expected_bytes'] / 1e6:.2f}" if row["expected_bytes"] else "",
            ]
            lines.append(f"| {arrangement} | {' | '.join(cells)} |")
        heading = f"## {name}: {model['parameters']:,} trainable parameters, {model['gradient_bytes'] / 1e6:.2f} MB"
        parts += [heading, "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="tiny models, two arrangements, one round")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--cores", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    epochs, steps = (2, 2) if arguments.quick else (5, 10)
    if arguments.worker:
        model, times, devices = arguments.worker
        os.sched_setaffinity(0, map(int, arguments.cores.split(",")))  # before a library counts them
        print(json.dumps(work(model, int(times), devices, epochs, steps, arguments.quick)))
        return
    cores = len(os.sched_getaffinity(0))
    if cores < 2:
        parser.error("needs two cores, one for each worker")
    rounds = 1 if arguments.quick else arguments.rounds
    options = ["--quick"] if arguments.quick else []
    arrangements = [ALONE, TOGETHER] if arguments.quick else list(ARRANGEMENTS)
    result = {
        "date": str(datetime.date.today()),
        "processor": side_by_side.processor(),
        "cores": cores,
        "versions": side_by_side.versions(["keras", "tensorflow"]),
        "rounds": rounds,
        "models": {model: measure(model, arrangements, rounds, options) for model in MODELS},
    }
    pages = {"scaling.md": table(result), "scaling_projection.md": projection.page(result)}
    print("\n" + "\n".join(pages.values()))
    if not arguments.quick:
        RESULTS.mkdir(exist_ok=True)
        for name, text in {"scaling.json": json.dumps(result, indent=1) + "\n", **pages}.items():
            (RESULTS / name).write_text(text)


if __name__ == "__main__":
    main()

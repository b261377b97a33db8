"""Requests per second of `zoo serve`, of KServe, and of the same SavedModels asked in process, side by side in one run.

    python benchmarks/serving.py [--kserve PYTHON] [--rounds N] [--seconds S] [--workers N] [--quick]

Two presets, exported: classify-fashion takes the bytes of a picture (as base64 in JSON), sentiment-imdb a text; both
answer scores and labels. Contenders, each a process of its own that lives through the run and is asked in turn, in a
new random order each round:

- in process: the signature called from arrays to arrays, by as many threads as there are clients;
- ours: `zoo serve` as it comes, its journal written to a file; and once more with `--batch 8`, which answers together
  what waits together;
- KServe, where `--kserve` names the Python of an environment that has KServe 0.21 and TensorFlow 2.21 (elsewhere than
  here: `pip install "kserve==0.21.*" tensorflow==2.21.0`): a custom model around the same signature
  (`serving_kserve.py`), once with `predict` on the event loop and once in threads. What ours must do is held against
  the better of the two.

One raw client for all servers (`raw_client.py`), whose work is part of every time; it runs on the same cores. Every
answer is compared with what the signature gives in process. Printed are medians over the rounds, and medians of the
rounds' ratios; processor time is user and system time of a contender's processes for each request, memory their
proportional share (PSS) at the end. A run that is not quick writes benchmarks/results/serving.json and .md.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import datetime
import json
import math
import os
import random
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import raw_client
import side_by_side

import apps

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
THREADS = os.cpu_count() or 1
PRESETS = {"image": "classify-fashion", "text": "sentiment-imdb"}
CASES = [(model, clients) for model in PRESETS for clients in (1, 8)]
EXAMPLES, WORDS = 16, 20  # different requests of each model, and words of a text
INSIDE, OURS, BATCHED = "in process", "ours", "ours, --batch 8"
KSERVE = {"inline": "KServe", "threads": "KServe, threads"}
TOLERANCE = 1e-5  # of a score: a picture's thread may add in another order


# ---- the child: the signatures in process ------------------------------------------------------------------------


class Inside:
    """The exports, loaded here; they make the examples too."""

    def __init__(self, folders: dict[str, str]):
        import numpy as np
        import tensorflow as tf

        self.tf, self.calls, self.given = tf, {}, {}
        for model, folder in folders.items():
            loaded = tf.saved_model.load(folder)
            self.calls[model] = loaded, loaded.signatures["serving_default"]
        rng = np.random.default_rng(0)
        pixels = rng.integers(0, 256, (EXAMPLES, 7, 7, 1), "uint8").repeat(4, 1).repeat(4, 2)
        encoders = [tf.io.encode_png, lambda picture: tf.io.encode_jpeg(picture, "grayscale")]
        self.given["image"] = [encoders[place % 2](picture).numpy() for place, picture in enumerate(pixels)]
        vocabulary = (ROOT / "zoo" / "presets" / PRESETS["text"] / "vocabulary.txt").read_text("utf-8").split()[10:5000]
        self.given["text"] = [" ".join(words).encode() for words in rng.choice(vocabulary, (EXAMPLES, WORDS))]

    def instances(self, model: str) -> list:
        """The examples as JSON rows."""
        if model == "image":
            return [{"b64": base64.b64encode(given).decode()} for given in self.given[model]]
        return [given.decode() for given in self.given[model]]

    def answers(self, model: str) -> list[dict]:
        """Answers to each example: outputs by name."""
        found = []
        for given in self.given[model]:
            answer = {name: array[0] for name, array in self.call(model, given).items()}
            found.append(
                {name: (row.astype(str) if row.dtype == object else row).tolist() for name, row in answer.items()}
            )
        return found

    def call(self, model: str, given: bytes) -> dict:
        signature = self.calls[model][1]
        ((name, _),) = signature.structured_input_signature[1].items()
        return {name: tensor.numpy() for name, tensor in signature(**{name: self.tf.constant([given])}).items()}

    def run(self, model: str, clients: int, seconds: float) -> dict:
        """Calls from so many threads for so long."""
        times, started = [], time.perf_counter()

        def client(first: int) -> None:
            place, begun = first, time.perf_counter()
            while begun - started < seconds:
                self.call(model, self.given[model][place % EXAMPLES])
                now = time.perf_counter()
                times.append(now - begun)
                place, begun = place + clients, now

        threads = [threading.Thread(target=client, args=(first,)) for first in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {"seconds": times, "elapsed": time.perf_counter() - started}


# ---- the parent: contenders --------------------------------------------------------------------------------------


class InProcess:
    """The child with the signatures, as a contender."""

    def __init__(self, child: side_by_side.Child):
        self.child, self.pid = child, child.process.pid

    def run(self, model: str, clients: int, seconds: float) -> raw_client.Load:
        answer = self.child.ask("run", model, clients, seconds)
        return raw_client.Load(answer["seconds"], answer["elapsed"], [])


class Server:
    """A server as a process; what it writes goes to a file.

    Args:
        command: Starts it.
        paths: Model -> the path that predicts.
        requests: Model -> bodies.
        stack: It ends with this.
    """

    def __init__(self, command: list, paths: dict, bodies: dict, stack: contextlib.ExitStack):
        self.told = stack.enter_context(tempfile.NamedTemporaryFile("r", suffix=".log"))
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
        with open(self.told.name, "w") as told:
            self.process = subprocess.Popen(command, stdout=told, stderr=subprocess.STDOUT, env=environment)
        stack.callback(self.stop)
        self.pid, self.port = self.process.pid, None
        self.requests = {model: [raw_client.request(paths[model], body) for body in bodies[model]] for model in paths}

    def wait(self, port_of, patience: float = 180) -> None:
        """Until `port_of` finds the port in what the server has told, and the port answers."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError):
                if port := port_of(Path(self.told.name).read_text()):
                    socket.create_connection(("127.0.0.1", port), timeout=5).close()
                    self.port = port
                    return
            time.sleep(0.1)
        raise RuntimeError(f"a server did not start:\n{Path(self.told.name).read_text()[-3000:]}")

    def run(self, model: str, clients: int, seconds: float) -> raw_client.Load:
        return raw_client.load(self.port, self.requests[model], clients, seconds)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def kserve_versions(python: str) -> dict[str, str]:
    """The versions that are installed beside that Python; raises ValueError where KServe or TensorFlow is not."""
    asked = "import importlib.metadata as found; print(found.version('kserve'), found.version('tensorflow'))"
    told = subprocess.run([python, "-c", asked], capture_output=True, text=True)
    if told.returncode:
        raise ValueError((told.stderr.strip().splitlines() or ["no message"])[-1])
    return dict(zip(("kserve", "tensorflow beside kserve"), told.stdout.split(), strict=True))


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ready(told: str) -> int | None:
    """The port in the line that `zoo serve` writes when it is ready."""
    for line in told.splitlines():
        if '"event": "ready"' in line:
            return int(json.loads(line)["rest"].rsplit(":", 1)[1])
    return None


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rsplit(")", 1)[1].split()[1])
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def processor_seconds(pid: int) -> float:
    """User and system time of a process and its descendants."""
    ticks = 0
    for each in family(pid):
        with contextlib.suppress(OSError):
            ticks += sum(map(int, Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> int:
    """Proportional share of memory of a process and its descendants, in megabytes."""
    kilobytes = 0
    for each in family(pid):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
            kilobytes += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return round(kilobytes / 1024)


# ---- the parent: rounds and tables -------------------------------------------------------------------------------


def check(bodies: list[set[bytes]], expected: list[dict], who: str) -> int:
    """Holds every different body against the answers in process; gives how many there were."""
    for different, right in zip(bodies, expected, strict=True):
        for body in different:
            (row,) = json.loads(body)["predictions"]
            same = row.keys() == right.keys() and all(
                alike(given, value) for name, value in right.items() for given in [row[name]]
            )
            if not same:
                raise RuntimeError(f"{who} answers {row}; in process it is {right}")
    return sum(map(len, bodies))


def alike(given, right) -> bool:
    """True if two values are the same, scores by a tolerance."""
    if isinstance(right, list):
        return len(given) == len(right) and all(map(alike, given, right))
    if isinstance(right, float):
        return math.isclose(given, right, rel_tol=0, abs_tol=TOLERANCE)
    return given == right


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure(contenders: dict, model: str, clients: int, expected: list[dict], rounds: int, slice_: float) -> dict:
    """One case: for each contender its medians, and ours over each."""
    for contender in contenders.values():
        contender.run(model, clients, slice_ / 2)
    found = {who: {"p50": [], "p99": [], "rate": []} for who in contenders}
    spent, answers = dict.fromkeys(contenders, 0.0), dict.fromkeys(contenders, 0)
    for _ in range(rounds):
        for who in random.sample(list(contenders), len(contenders)):
            before = processor_seconds(contenders[who].pid)
            load = contenders[who].run(model, clients, slice_)
            spent[who] += processor_seconds(contenders[who].pid) - before
            answers[who] += len(load.seconds)
            if load.bodies:
                check(load.bodies, expected, who)
            found[who]["p50"].append(1e3 * percentile(load.seconds, 0.5))
            found[who]["p99"].append(1e3 * percentile(load.seconds, 0.99))
            found[who]["rate"].append(len(load.seconds) / load.elapsed)
    ours = found[OURS]
    return {
        "model": model,
        "clients": clients,
        "rounds": rounds,
        "answers": answers,
        "milliseconds_p50": {who: round(statistics.median(each["p50"]), 3) for who, each in found.items()},
        "milliseconds_p99": {who: round(statistics.median(each["p99"]), 3) for who, each in found.items()},
        "requests_per_second": {who: round(statistics.median(each["rate"]), 1) for who, each in found.items()},
        "processor_milliseconds": {who: round(1e3 * spent[who] / answers[who], 3) for who in contenders},
        # Ratios of what stands side by side in a round: of rates ours over theirs, of times theirs over ours.
        "times_rate": {who: ratio(ours["rate"], each["rate"]) for who, each in found.items() if who != OURS},
        "times_p50": {who: ratio(each["p50"], ours["p50"]) for who, each in found.items() if who != OURS},
        "times_p99": {who: ratio(each["p99"], ours["p99"]) for who, each in found.items() if who != OURS},
        "times_rate_in_batches": {who: ratio(found[BATCHED]["rate"], each["rate"]) for who, each in found.items()},
        "milliseconds_over_in_process": round(
            statistics.median(one - other for one, other in zip(ours["p50"], found[INSIDE]["p50"], strict=True)), 3
        ),
    }


def ratio(above: list[float], below: list[float]) -> float:
    return round(statistics.median(one / other for one, other in zip(above, below, strict=True)), 3)


def musts(rows: list[dict]) -> list[dict]:
    """The requirements: a text, what was found, the bound, and whether it holds."""
    found = []

    def add(text: str, value: float, bound: float, at_most: bool = False, goal: bool = False) -> None:
        holds = value <= bound if at_most else value >= bound
        found.append({"must": text, "found": value, "bound": bound, "holds": holds, "goal": goal})

    for row in rows:
        case = _case(row)
        kserve = [who for who in KSERVE.values() if who in row["requests_per_second"]]
        if kserve:
            rate, tail = (min(row[key][who] for who in kserve) for key in ("times_rate", "times_p99"))
            if row["clients"] == 1:
                add(f"{case}: KServe's p50 over ours", min(row["times_p50"][who] for who in kserve), 1.0)
                add(f"{case}: requests per second over KServe's", rate, 1.0)
            else:
                add(f"{case}: requests per second over KServe's", rate, 1.3)
                rate_in_batches = min(row["times_rate_in_batches"][who] for who in kserve)
                add(f"{case}, --batch 8: requests per second over KServe's", rate_in_batches, 1.3)
            add(f"{case}: KServe's p99 over ours", tail, 1.0)
        if row["clients"] == 1 and row["model"] == "text":
            add(f"{case}: milliseconds over in process", row["milliseconds_over_in_process"], 0.4, at_most=True)
        if row["clients"] > 1:
            add(f"{case}: share of the rate in process", row["times_rate"][INSIDE], 0.8, goal=True)
            add(
                f"{case}, --batch 8: share of the rate in process", row["times_rate_in_batches"][INSIDE], 0.8, goal=True
            )
    return found


def table(result: dict) -> str:
    """The result as a page of Markdown."""
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    parts = [
        "# Serving",
        f"{result['date']}, {result['processor']}, {result['threads']} cores, which the client shares; {versions}. "
        f"{PRESETS['image']} takes pictures of 28 x 28 as PNG or JPEG, {PRESETS['text']} texts of {WORDS} words. Made "
        f"by `python benchmarks/serving.py`; medians of {result['rounds']} interleaved rounds of {result['slice']:g} s "
        "each. Every answer was compared with the one in process. Ours gives each answer one thread (`--threads`); in "
        "process and in KServe TensorFlow takes all cores for each, as it comes: a good part of what is gained for "
        "pictures. `TF_NUM_INTRAOP_THREADS=1 python benchmarks/serving.py` gives them one as well.",
        "Times: how many times ours is as good, in requests per second, p50 and p99; above 1, ours is faster.",
    ]
    lines = [
        "| case | contender | p50, ms | p99, ms | requests/s | processor, ms | times rate | times p50 | times p99 |"
    ]
    lines.append("|---" * 9 + "|")
    for row in result["rows"]:
        for who in row["requests_per_second"]:
            cells = [f"{row[key][who]:.2f}" for key in ("milliseconds_p50", "milliseconds_p99")]
            cells += [f"{row['requests_per_second'][who]:,.0f}", f"{row['processor_milliseconds'][who]:.2f}"]
            cells += ["" if who == OURS else f"{row[key][who]:.2f}" for key in ("times_rate", "times_p50", "times_p99")]
            lines.append(f"| {_case(row)} | {who} | {' | '.join(cells)} |")
    parts.append("\n".join(lines))
    parts.append("Memory, MB: " + ", ".join(f"{who} {size}" for who, size in result["megabytes"].items()) + ".")
    lines = ["| must | found | bound | |", "|---|---|---|---|"]
    for must in result["musts"]:
        verdict = "holds" if must["holds"] else "missed"
        lines.append(
            f"| {must['must']} | {must['found']:.2f} | {must['bound']} | {verdict + ' (goal)' * must['goal']} |"
        )
    parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _case(row: dict) -> str:
    return f"{row['model']}, {row['clients']} client{'s' if row['clients'] > 1 else ''}"


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kserve", metavar="PYTHON", help="the Python of an environment with KServe and TensorFlow")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--seconds", type=float, default=1, help="of one contender in a round")
    parser.add_argument("--workers", type=int, help="of ours (default: what it takes by itself)")
    parser.add_argument("--quick", action="store_true", help="three rounds of a tenth of a second")
    parser.add_argument("--inside", metavar="JSON", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        return side_by_side.serve(lambda: Inside(json.loads(arguments.inside)))
    if arguments.kserve:
        try:
            arguments.kserve_versions = kserve_versions(arguments.kserve)
        except (OSError, ValueError) as error:
            parser.error(f"--kserve {arguments.kserve}: {error}")
    if arguments.quick:
        arguments.rounds, arguments.seconds = 3, 0.1
    with contextlib.ExitStack() as stack:
        result = benchmark(arguments, stack)
    page = table(result)
    print("\n" + page)
    if not arguments.quick:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "serving.json").write_text(json.dumps(result, indent=1) + "\n")
        (RESULTS / "serving.md").write_text(page)


def benchmark(arguments: argparse.Namespace, stack: contextlib.ExitStack) -> dict:
    """All rows; servers live as long as `stack`."""
    place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="serving-")))
    folders = {}
    for model, preset in PRESETS.items():
        command = apps.command("export", "--quiet", preset, str(place))
        child = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
        if child.returncode:
            raise RuntimeError(f"{preset} cannot be exported:\n{child.stderr[-3000:]}")
        folders[model] = child.stdout.splitlines()[-1]
    child = side_by_side.Child(__file__, ["--inside", json.dumps(folders)], THREADS)
    stack.callback(child.close)
    bodies = {
        model: [json.dumps({"instances": [row]}).encode() for row in child.ask("instances", model)] for model in folders
    }
    contenders = {INSIDE: InProcess(child)}
    paths = {model: f"/v1/models/{model}:predict" for model in folders}
    named = [f"{model}={folder}" for model, folder in folders.items()]
    command = apps.command("serve", *named, "--port", "0", "--grpc-port", "0")
    command += ["--workers", str(arguments.workers)] if arguments.workers else []
    for who, options in {OURS: [], BATCHED: ["--batch", "8"]}.items():
        contenders[who] = Server([*command, *options], paths, bodies, stack)
        contenders[who].wait(ready)
    versions = side_by_side.versions(["tensorflow", "uvicorn", "starlette"])
    if arguments.kserve:
        versions |= arguments.kserve_versions
        script = str(Path(__file__).with_name("serving_kserve.py"))
        for kind, who in KSERVE.items():
            port = free_port()
            command = [arguments.kserve, script, str(port), str(free_port()), kind, *named]
            contenders[who] = Server(command, paths, bodies, stack)
            contenders[who].wait(lambda told, port=port: port)
    else:
        print("KServe is left out: --kserve names the Python of an environment that has it")
    rows = []
    for model, clients in CASES:
        expected = child.ask("answers", model)
        rows.append(row := measure(contenders, model, clients, expected, arguments.rounds, arguments.seconds))
        rates = ", ".join(f"{who} {rate:,.0f}" for who, rate in row["requests_per_second"].items())
        print(f"{_case(row)}: requests per second: {rates}", flush=True)
    return {
        "date": str(datetime.date.today()),
        "processor": side_by_side.processor(),
        "threads": THREADS,
        "versions": versions,
        "rounds": arguments.rounds,
        "slice": arguments.seconds,
        "rows": rows,
        "megabytes": {who: memory(contender.pid) for who, contender in contenders.items()},
        "musts": musts(rows),
    }


if __name__ == "__main__":
    main()

"""The test suites of Keras and tensorflow-addons run on our optimizers, and optax's and pytorch_optimizer's properties.

    git clone https://github.com/keras-team/keras /tmp/keras && git -C /tmp/keras checkout v3.15.1
    git clone https://github.com/tensorflow/addons /tmp/addons && git -C /tmp/addons checkout v0.23.0
    python benchmarks/peer_suites.py run AFTER.json --keras /tmp/keras --addons /tmp/addons [--suites S,...]
    python benchmarks/peer_suites.py show AFTER.json [--tests]
    python benchmarks/peer_suites.py compare benchmarks/results/peer_suites_before.json AFTER.json

The peers' tests run where they lie, by `peer_plugin.py`, with our classes under the names that they import; Keras's run
with Keras's own classes first, and what fails there is left out of the count. The properties are `peer_properties.py`.
A failure is of a kind, by the first of KINDS that fits the test's name or its error, and is a fault unless INTENDED
gives a reason. `run` adds to a file that is there, so that suites and backends can be run one by one.
"""

from __future__ import annotations

import argparse
import collections
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import side_by_side

HERE = Path(__file__).parent
BACKENDS = ("tensorflow", "jax", "torch")


class Suite(NamedTuple):
    """The arguments that pytest is started with.

    Attributes:
        checkout: the option that gives the folder, "" for ours.
        paths: files or folders in it; those that are not there are left out.
        choice: pytest's -k.
        backends: that it can run on.
        has_own: whether it runs with the peer's own classes too.
    """

    checkout: str
    paths: tuple[str, ...]
    choice: str = ""
    backends: tuple[str, ...] = BACKENDS
    has_own: bool = False


SUITES = {
    "keras-optimizers": Suite("keras", ("keras/src/optimizers",), has_own=True),
    "keras-in-use": Suite(
        "keras",
        (
            "keras/src/trainers/trainer_test.py",
            *(
                f"keras/src/callbacks/{name}_test.py"
                for name in (
                    "backup_and_restore",
                    "early_stopping",
                    "learning_rate_scheduler",
                    "model_checkpoint",
                    "reduce_lr_on_plateau",
                    "swap_ema_weights",
                    "terminate_on_nan",
                )
            ),
            "keras/src/saving/saving_lib_test.py",
            "keras/src/legacy/saving/legacy_h5_format_test.py",
            "keras/src/models/cloning_test.py",
            "keras/src/models/model_test.py",
            "keras/src/models/variable_mapping_test.py",
            "keras/src/wrappers/sklearn_test.py",
            "keras/src/backend/{backend}/optimizer_distribute_test.py",
            "keras/src/backend/{backend}/distribute_test.py",
            "keras/src/backend/{backend}/saved_model_test.py",
            "keras/src/backend/{backend}/trainer_test.py",
            "keras/src/backend/{backend}/core_test.py",
        ),
        "not steps_per_epoch and not grain and not predict and not evaluate",  # dozens, of the data, not of optimizers
        has_own=True,
    ),
    "addons": Suite(
        "addons",
        tuple(
            f"tensorflow_addons/optimizers/tests/{name}_test.py"
            for name in (
                "adabelief",
                "cocob",
                "lamb",
                "lazy_adam",
                "lookahead",
                "novograd",
                "rectified_adam",
                "stochastic_weight_averaging",
                "yogi",
            )
        ),
        backends=("tensorflow",),
    ),
    "properties": Suite("", ("benchmarks/peer_properties.py",)),
}

# The first whose pattern is in "test: error" is the kind.
KINDS = {
    "pickling and copying": r"pickl|deepcopy",
    "arguments": r"has no argument|test_keras_config|weight_decay_is_none",
    "half precision": r"finite_and_dtype_kept.*float16|mixed_float16_fit|yogi_test.*(momentum|sharing)\[",
    "sparse gradients": r"test_(fit_)?sparse|BCOO|IndexedSlices",
    "build([]), .h5": r"build_with_empty|of_no_variables|\.h5-",
    "checkpoints": r"has no slots yet|The checkpoint of|checkpoint|could not be loaded|unfitted",
    "rate setter": r"rate_setter|`learning_rate` must be a float",
    "unknown static shapes": r"unknown_static|unknown TensorShape|unknown rank",
    "size 0 and 0-D": r"size_0|scalar_variable|ranks_1_to_4",
    "layers": r"test_layer_config",
    "negative arguments": r"test_refuses_negative|test_invalid_|Error not raised",
    "compiled or parallel": r"compiled_equals|data_parallel|distribute",
    "convergence": r"test_convergence",
    "values": r"(?i)not equal to tolerance|not almost equal|allclose|Mismatch",
    "other": "",
}

# suite/test: why ours is meant to differ. Patterns are matched from the start.
INTENDED = {
    r"keras-optimizers/adadelta_test.*single_step": "default epsilon 1e-6, the paper's (Keras: 1e-7)",
    r"keras-optimizers/adafactor_test.*golden": "Keras leaves the paper at step 5; ours equals a float64 reference",
    r"keras-optimizers/adamw_test.*golden": "epsilon 2 tells Algorithm 1 from Keras's epsilon-hat form",
    r"keras-optimizers/adamw_test.*weight_decay_is_none": "the error's wording",
    r"keras-optimizers/adagrad_test.*single_step": "default accumulator 0, the paper's (Keras: 0.1)",
    r"keras-optimizers/ftrl_test.*single_step": "default accumulator 0, the paper's (Keras: 0.1)",
    r"keras-optimizers/ftrl_test.*golden": "l2 as in the paper; Keras takes twice as much",
    r"keras-optimizers/ftrl_test.*invalid_(initial|l1|l2|learning_rate_power)": "the error's wording",
    r"keras-optimizers/lamb_test.*weight_decay": "weight decay inside the trust ratio, as in the paper",
    r"keras-optimizers/lion_test.*golden": "default rate 1e-4, the paper's (Keras: 1e-3)",
    r"keras-optimizers/lion_test.*invalid_beta_1": "the error's wording",
    r"keras-optimizers/multi_optimizer_test.*test_serialization": "the class's name (RMSProp, not RMSprop)",
    r"keras-optimizers/muon_test.*(Newton|single_step|should_use|lr_adjust|weight_decay)": "calls Keras's own methods",
    r"keras-optimizers/nadam_test.*(golden|single_step)": "psi 0.004, Dozat's schedule, which Keras drops",
    r"keras-optimizers/nadam_test.*empty_var_list": "looks at Keras's own attribute",
    r"keras-optimizers/optimizer_sparse_test.*test_sparse_gradients": "looks at Keras's assignments; ours are kernels",
    r"keras-optimizers/sgd_test.*golden": "nesterov=True without momentum is refused, as by torch",
    r"keras-optimizers/sgd_test.*invalid_momentum": "the error's wording",
    r"keras-in-use/.*test_fit_sparse": "looks at Keras's assignments; ours are kernels",
    r"keras-in-use/.*distribute_test.*golden": "nesterov=True without momentum is refused, as by torch",
    r"keras-in-use/.*distribute_test.*accumulation": "both replicas get one tensor, which TensorFlow's SUM counts once",
    r"keras-in-use/.*distribute_test.*test_weight_decay": "exclusion after the build is refused; Keras ignores it",
    r"addons/.*(get_config|serialization|_do_use|exclude_(weight|layer)|deprecation|dynamic_lr|unique|rate_decay)": (
        "asks for Keras 2's interface or tensorflow-addons' own arguments"
    ),
    r"addons/.*(amsgrad|warmup|rectify|grad_averaging|schedulers|yogi.*regularization)": (
        "a variant that is tensorflow-addons' own"
    ),
    r"addons/.*test_tensor_learning_rate": "Keras 3 is made with a float, a schedule or a callable, and so is ours",
    r"addons/yogi_test.*(momentum|sharing)": "both moments start at initial_accumulator_value, as in optax",
    r"addons/(adabelief|novograd|rectified).*sparse_sample_with_weight_decay": "all rows decay; LazySparse for some",
}


# ---- running -------------------------------------------------------------------------------------------------------


def run(suite: str, backend: str, folder: Path, own: bool = False) -> list[dict]:
    """One suite in a process of its own; a row of the plugin's record for each test.

    Args:
        own: with the peer's own classes.
    """
    paths = [path.format(backend=backend) for path in SUITES[suite].paths]
    paths = [path for path in paths if (folder / path).exists()]
    with tempfile.TemporaryDirectory() as scratch:
        record = Path(scratch) / "record"
        environment = {
            **os.environ,
            "KERAS_BACKEND": backend,
            "PEER_RECORD": str(record),
            "PEER_REPLACE": "" if own else SUITES[suite].checkout,
            "PYTHONPATH": os.pathsep.join(map(str, (folder.absolute(), HERE.parent, HERE))),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            # More threads than these only wait for one another in steps this small.
            **dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"),
            "XLA_FLAGS": "--xla_force_host_platform_device_count=2" if not SUITES[suite].checkout else "",
        }
        options = ["-p", "peer_plugin", "-p", "no:cacheprovider", "-q", "--tb=short", "-k", SUITES[suite].choice]
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *([] if SUITES[suite].checkout else ["-n", "0"]), *paths],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode not in (0, 1):  # 1: some tests failed
            raise RuntimeError(f"pytest ended with {ended.returncode}:\n{(ended.stdout + ended.stderr)[-3000:]}")
        return [json.loads(line) for line in record.read_text().splitlines()]


def summary(rows: list[dict], failing_itself: set[str]) -> dict:
    """The record of a run: counts, and failures by kind and test function, with one error for each."""
    counts = collections.Counter(row["outcome"] for row in rows)
    groups: dict[tuple, dict] = {}
    for row in rows:
        name = short_name(row["test"])
        if row["outcome"] != "failed" or name in failing_itself:
            continue
        error = short_error(row["error"])
        key = kind(name, error), name.split("[")[0]
        groups.setdefault(key, {"kind": key[0], "error": error, "tests": []})["tests"].append(name)
    failed = sum(len(group["tests"]) for group in groups.values())
    return {"passed": counts["passed"], "failed": failed, "skipped": counts["skipped"], "failures": [*groups.values()]}


def short_name(test: str) -> str:
    """The test's id without the folders that all ids begin with."""
    return re.sub(
        r"^(keras/src/(optimizers/)?|tensorflow_addons/optimizers/tests/|benchmarks/peer_properties.py::)", "", test
    )


def short_error(error: str) -> str:
    """The line that says what is wrong, on one line, without addresses."""
    if "Example error message for object" in error:  # Keras: all that could not be loaded
        error = error.split("\n\n")[1]
    elif "in user code:" in error:  # TensorFlow: a traceback, then the error
        error = error.strip().splitlines()[-1]
    return re.sub(r" at 0x[0-9a-f]+", "", " ".join(error.split()))[:160]


def kind(test: str, error: str) -> str:
    """The first of KINDS that fits."""
    return next(name for name, pattern in KINDS.items() if re.search(pattern, f"{test}: {error}"))


def intention(suite: str, test: str) -> str | None:
    """The reason why ours is meant to fail this test; None if it is not."""
    return next((why for pattern, why in INTENDED.items() if re.match(pattern, f"{suite}/{test}")), None)


# ---- printing ------------------------------------------------------------------------------------------------------


def faults(result: dict, suite: str) -> dict[str, list[str]]:
    """Kind -> tests that fail without being meant to."""
    found: dict[str, list[str]] = collections.defaultdict(list)
    for group in result["failures"]:
        found[group["kind"]] += [test for test in group["tests"] if intention(suite, test) is None]
    return {kind: tests for kind, tests in found.items() if tests}


def show(results: dict, tests: bool = False) -> list[str]:
    """The tables of one file, as lines."""
    lines = ["| suite | backend | run | passed | differs by intention | faults |", "|---|---|---|---|---|---|"]
    for suite, backend, result in _each(results):
        count = sum(map(len, faults(result, suite).values()))
        ran = result["passed"] + result["failed"]
        lines.append(f"| {suite} | {backend} | {ran} | {result['passed']} | {result['failed'] - count} | {count} |")
    lines += ["", *_by_kind([results])]
    if tests:
        for suite, backend, result in _each(results):
            lines += ["", f"## {suite}, {backend}", ""]
            for group in result["failures"]:
                for test in group["tests"]:
                    why = intention(suite, test)
                    said = f"intended: {why}" if why else group["error"]
                    lines.append(f"- {group['kind']}: `{test}` {said}")
    return lines


def compare(before: dict, after: dict) -> list[str]:
    """Faults by kind before and after, and every test that fails now and did not."""
    lines = _by_kind([before, after])
    for suite, backend, result in _each(after):
        if backend not in before["runs"].get(suite, {}):
            continue
        known = {test for group in before["runs"][suite][backend]["failures"] for test in group["tests"]}
        new = [test for tests in faults(result, suite).values() for test in tests if test not in known]
        lines += [f"new in {suite}, {backend}: {test}" for test in new]
    return lines


def _by_kind(files: list[dict]) -> list[str]:
    """A row for each kind, a column for each backend; a cell has a number for each file, of what all files ran."""
    counts = [collections.Counter() for _ in files]
    in_all = set.intersection(*({(suite, backend) for suite, backend, _ in _each(results)} for results in files))
    for count, results in zip(counts, files, strict=True):
        for suite, backend, result in _each(results):
            if (suite, backend) not in in_all:
                continue
            count.update({(kind, backend): len(tests) for kind, tests in faults(result, suite).items()})
    backends = [b for b in BACKENDS if any(b == each for _, each in in_all)]
    kinds = [kind for kind in KINDS if any(count[kind, b] for count in counts for b in backends)]
    lines = ["| faults by kind | " + " | ".join(backends) + " |", "|---" * (1 + len(backends)) + "|"]
    for name in kinds:
        cells = [" -> ".join(str(count[name, backend]) for count in counts) for backend in backends]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    totals = [" -> ".join(str(sum(c[k, b] for k in KINDS)) for c in counts) for b in backends]
    return [*lines, f"| all | {' | '.join(totals)} |"]


def _each(results):
    return [
        (suite, backend, results["runs"][suite][backend])
        for suite in SUITES
        for backend in BACKENDS
        if backend in results["runs"].get(suite, {})
    ]


# ---- the command ---------------------------------------------------------------------------------------------------


def main() -> None:
    """Runs, shows or compares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run")
    running.add_argument("file", type=Path)
    running.add_argument("--keras", type=Path, help="a checkout of Keras, of the version that is installed")
    running.add_argument("--addons", type=Path, help="a checkout of tensorflow-addons 0.23")
    running.add_argument("--backends", default=",".join(BACKENDS))
    running.add_argument("--suites", default=",".join(SUITES), help="default: all whose checkout is given")
    showing = commands.add_parser("show")
    showing.add_argument("file", type=Path)
    showing.add_argument("--tests", action="store_true", help="each failing test with its error or the intention")
    comparing = commands.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "compare":
        print("\n".join(compare(*(json.loads(file.read_text()) for file in (arguments.before, arguments.after)))))
        return
    results = json.loads(arguments.file.read_text()) if arguments.file.exists() else {"runs": {}}
    if arguments.command == "run":
        for name in arguments.suites.split(","):
            suite = SUITES[name]
            folder = getattr(arguments, suite.checkout) if suite.checkout else HERE.parent
            for backend in (b for b in arguments.backends.split(",") if folder and b in suite.backends):
                own = run(name, backend, folder, own=True) if suite.has_own else []
                failing = {short_name(row["test"]) for row in own if row["outcome"] == "failed"}
                result = summary(run(name, backend, folder), failing)
                result["peer_fails_itself"] = len(failing)
                results["runs"].setdefault(name, {})[backend] = result
                results["date"] = datetime.date.today().isoformat()
                results["versions"] = side_by_side.versions(("keras", "tensorflow", "jax", "torch"))
                arguments.file.write_text(json.dumps(results, indent=1) + "\n")
    print("\n".join(show(results, tests=arguments.command == "show" and arguments.tests)))


if __name__ == "__main__":
    main()

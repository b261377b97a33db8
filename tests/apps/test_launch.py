"""`zoo launch`: who is started again and who is not, what is said, and that nobody is left behind.

The workers are small programs; those that train are in `tests/zoo/scaling/test_launched.py`.
"""

import importlib.util
import os
import signal
import subprocess
import sys
import time

import pytest

from apps.launching import gpus, nodes
from tests.apps.processes import interruptible
from zoo.errors import UserError

# Counts its starts in a file, waits until all workers have come as far, then does as the case says; `number` is that of
# the worker, `start` that of its start.
PROGRAM = """
import json, os, pathlib, signal, sys, time
from zoo.scaling import heartbeat
folder, case = sys.argv[1:]
config = json.loads(os.environ["TF_CONFIG"])
number = config["task"]["index"]
with open(f"{folder}/starts-{number}", "a+") as file:
    print(os.getpid(), file=file, flush=True)
    file.seek(0)
    start = len(file.readlines())
print(f"worker {number} starts for the {start}. time", flush=True)
heartbeat.beat(heartbeat.JOINED)
ready = [pathlib.Path(folder, f"ready-{each}-{start}") for each, _ in enumerate(config["cluster"]["worker"])]
ready[number].touch()
while not all(path.exists() for path in ready):
    time.sleep(0.01)
exec(case)
"""
DIES = "os.kill(os.getpid(), signal.SIGKILL)"


def command(folder, *options, case="pass"):
    program = folder / "program.py"
    program.write_text(PROGRAM)
    return [sys.executable, "-m", "apps.cli", "launch", *options, "--", sys.executable, str(program), str(folder), case]


def launched(folder, *options, case):
    return subprocess.run(command(folder, *options, case=case), capture_output=True, text=True, timeout=60)


def started(folder, number=0):
    path = folder / f"starts-{number}"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] != "Z"


def soon(condition, seconds=20):
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "not in time"
        time.sleep(0.02)
    return found


@pytest.mark.parametrize(
    ("case", "options", "starts", "status", "said"),
    [
        ("pass", [], 1, 0, ""),
        (  # all are started again
            f"if start == 1: {DIES} if number else time.sleep(60)",
            [], 2, 0, "zoo: worker 1 was ended by SIGKILL; all start again (1 of 5).\n",
        ),
        (  # as often as is allowed, where something was saved each time
            f"heartbeat.beat(heartbeat.SAVED); {DIES} if number else time.sleep(60)",
            ["--restarts", "3"], 4, 2, "; given up after 3 restarts (--restarts)\n",
        ),
        (  # no oftener than twice where nothing was
            "sys.exit('out of luck') if number else time.sleep(60)",
            [], 2, 2, "zoo: worker 1 ended with status 1 (out of luck); given up: 2 times in a row nothing had been ",
        ),
        (  # and not at all where it would be of no use; the last line is shown, of one that is not heard
            "heartbeat.beat(heartbeat.REFUSED); number and sys.exit('zoo: no such recipe')",
            [], 1, 2, "zoo: no such recipe.\n",
        ),
        (  # the first one is heard anyway
            "heartbeat.beat(heartbeat.REFUSED); sys.exit('zoo: no such recipe')",
            [], 1, 2, "zoo: no such recipe\n",
        ),
        (  # of what takes unknown time no sign is awaited
            "heartbeat.beat(heartbeat.PROGRESS if number else heartbeat.UNWATCHED); time.sleep(60)",
            ["--timeout", "2", "--restarts", "0"], 1, 2, "zoo: worker 1 made no progress for 2 seconds (--timeout); ",
        ),
    ],
    ids=["well", "killed", "often", "in-vain", "refused", "refused-and-heard", "hung"],
)  # fmt: skip
def test_who_is_started_again(case, options, starts, status, said, tmp_path):
    done = launched(tmp_path, "--workers", "2", *options, case=case)
    assert (done.returncode, len(started(tmp_path))) == (status, starts), done.stderr
    assert len(started(tmp_path, 1)) == starts
    assert said in done.stderr and bool(said) == bool(done.stderr)
    assert "Traceback" not in done.stderr and "worker 1 starts" not in done.stdout
    assert done.stdout == "".join(f"worker 0 starts for the {n}. time\n" for n in range(1, starts + 1))
    assert not any(alive(pid) for number in (0, 1) for pid in started(tmp_path, number))


def test_workers_that_never_meet_end_in_time(tmp_path):
    argv = command(tmp_path, "--timeout", "1")
    (tmp_path / "program.py").write_text("import time; time.sleep(60)")
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr == "zoo: worker 0 waited for the others for 1 seconds (--timeout); nothing to go on with\n"


def test_what_a_program_was_called_with_wrongly(tmp_path):
    argv = command(tmp_path)
    (tmp_path / "program.py").write_text("import argparse; argparse.ArgumentParser(prog='mine').parse_args()")
    done = subprocess.run([*argv, "--nonsense"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stderr.count("mine: error:") == 1 and "start again" not in done.stderr


def test_logs_are_kept(tmp_path):
    logs = tmp_path / "logs"
    done = launched(tmp_path, "--workers", "3", "--logs", str(logs), case="pass")
    assert done.returncode == 0
    assert {path.name: path.read_text() for path in logs.iterdir()} == {
        f"worker-{n}.log": f"worker {n} starts for the 1. time\n" for n in (1, 2)
    }


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_nobody_is_left_behind(number, status, tmp_path):
    with interruptible():
        launcher = subprocess.Popen(
            command(tmp_path, "--workers", "2", case="time.sleep(60)"), stderr=subprocess.DEVNULL
        )
    workers = soon(lambda: len(both := started(tmp_path) + started(tmp_path, 1)) == 2 and both)
    launcher.send_signal(number)
    assert launcher.wait(20) == status
    soon(lambda: not any(alive(pid) for pid in workers))


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("", "name what the workers run after --, as in: zoo launch --workers 2 -- train RECIPE"),
        ("train quickstart", "unrecognized arguments: train quickstart"),
        ("-- train nothing", "no recipe named 'nothing'"),
        ("-- train quickstart --epohcs 3", "unknown option '--epohcs'; did you mean '--epochs'"),
        ("-- classify a.png", "workers run `train ...` or a program of your own, not zoo classify"),
        ("-- trian quickstart", "no program 'trian' to run"),
        ("--workers 0 -- train quickstart", "--workers: expected a whole number of at least 1, got 0"),
        ("--restarts -1 -- train quickstart", "--restarts: expected a whole number of at least 0, got -1"),
        ("--timeout 0 -- train quickstart", "--timeout: expected seconds above 0, got 0"),
        ("--node 1 -- train quickstart", "--node: of which machines? name them all"),
        ("--nodes a,,b -- train quickstart", "expected HOST or HOST:PORT, separated by commas, got ''"),
        ("--nodes a:1,a:1 -- train quickstart", "names a machine twice"),
        ("--nodes a.invalid,b.invalid -- train quickstart", "is none of them; say which by --node K"),
        ("--nodes a,b --node 2 -- train quickstart", "--node: expected a number from 0 to 1, got 2"),
    ],
)
def test_wrong_usage(argv, said, zoo_main):
    status, lines, err = zoo_main("launch", *argv.split())
    assert (status, lines, err.count("\n")) == (2, [], 1) and said in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("", '--on ray: Ray is not installed (pip install "keras-menagerie[ray]")'),
        ("--nodes a,b --node 0", "--on ray knows its machines itself: leave --nodes out"),
    ],
)
def test_wrong_usage_of_ray(options, said, zoo_main, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: options or None if name == "ray" else find(name, *more)
    )
    status, lines, err = zoo_main("launch", "--on", "ray", *options.split(), "--", "train", "quickstart")
    assert (status, lines, err.count("\n")) == (2, [], 1) and said in err


def test_nodes_of_a_slurm_step(tmp_path, monkeypatch):
    tool = tmp_path / "scontrol"
    tool.write_text('#!/bin/sh\n[ "$*" = "show hostnames node[07-08]" ] && printf "node07\\nnode08\\n"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for name, value in {"STEP_NUM_NODES": "2", "STEP_NODELIST": "node[07-08]", "NODEID": "1"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    assert nodes.chosen(None, None) == ((("node07", nodes.PORT), ("node08", nodes.PORT)), 1)
    assert nodes.chosen("a:5,localhost", None) == ((("a", 5), ("localhost", nodes.PORT)), 1)


@pytest.mark.parametrize(
    ("visible", "workers", "dealt"),
    [
        ("0,1,2,3", 2, ["0,1", "2,3"]),
        ("GPU-a,GPU-b", 2, ["GPU-a", "GPU-b"]),
        ("", 2, [None, None]),
        ("-1", 2, [None, None]),
        ("0,1", 1, [None]),
    ],
)
def test_gpus_are_dealt_out(visible, workers, dealt, monkeypatch):
    monkeypatch.setenv(gpus.VISIBLE, visible)
    assert gpus.dealt(workers) == dealt


def test_gpus_that_cannot_be_dealt_out(monkeypatch):
    monkeypatch.setenv(gpus.VISIBLE, "0,1,2")
    with pytest.raises(UserError, match="--workers 2: 3 GPUs cannot be dealt out evenly"):
        gpus.dealt(2)

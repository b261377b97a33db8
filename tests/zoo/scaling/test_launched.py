"""Trainings whose workers are killed end with the weights of those whose workers are not."""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time

import h5py
import numpy as np
import pytest

from tests.zoo.scaling import programs
from zoo.scaling.state import State

ALLOWED = 1e-6
BACKED_UP = [sys.executable, "-m", "tests.zoo.scaling.backed_up"]


def launch(folder, *words, **options):
    """A launcher as a process; what it says goes to files."""
    files = {name: open(folder / f"{name}.txt", "w") for name in ("stdout", "stderr")}
    argv = [argument for key, value in options.items() for argument in (f"--{key}", str(value))]
    return subprocess.Popen([sys.executable, "-m", "apps.cli", "launch", *argv, "--", *map(str, words)], **files)


def ended(launcher, folder):
    """Its status, what the first worker said, and what was said by `zoo`, not by TensorFlow."""
    status = launcher.wait(programs.PATIENCE)
    lines = (folder / "stderr.txt").read_text().splitlines(keepends=True)
    told = "".join(line for line in lines if line.startswith("zoo: "))
    return status, (folder / "stdout.txt").read_text(), told


def worker(launcher, index):
    """The process of a worker; None where there is none now."""
    for pid in open(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read().split():
        try:
            variables = dict(
                each.split("=", 1) for each in open(f"/proc/{pid}/environ").read().split("\0") if "=" in each
            )
        except OSError:
            continue
        if "TF_CONFIG" in variables and json.loads(variables["TF_CONFIG"])["task"]["index"] == index:
            return int(pid)
    return None


def soon(condition):
    until = time.monotonic() + programs.PATIENCE
    while not (found := condition()):
        assert time.monotonic() < until, "not in time"
        time.sleep(0.002)
    return found


def alone(folder):
    """The weights of the program that nobody interrupts, on one device."""
    folder.mkdir()
    subprocess.run([*BACKED_UP, str(folder)], check=True, capture_output=True, timeout=programs.PATIENCE)
    return np.load(folder / "weights.npz")


def difference(ours, theirs):
    assert set(ours) == set(theirs)
    return max(float(np.abs(ours[key] - theirs[key]).max()) for key in theirs)


def test_own_fit_goes_on_at_its_epoch(tmp_path):
    done = ended(launch(tmp_path, *BACKED_UP, tmp_path, "0:SIGKILL:2"), tmp_path)
    assert done == (0, "epochs: [2, 3]\n", "zoo: worker 0 was ended by SIGKILL; all start again (1 of 5).\n")
    assert difference(np.load(tmp_path / "weights.npz"), alone(tmp_path / "alone")) == 0


@pytest.mark.matrix
def test_own_fit_of_two_workers_that_are_killed_and_stopped(tmp_path):
    fates = ["1:SIGKILL:1", "0:SIGKILL:2", "1:SIGSTOP:3"]
    status, out, err = ended(launch(tmp_path, *BACKED_UP, tmp_path, *fates, workers=2, timeout=60), tmp_path)
    assert (status, out) == (0, "epochs: [3]\n"), err
    assert err.count("all start again") == 3
    assert difference(np.load(tmp_path / "weights.npz"), alone(tmp_path / "alone")) <= ALLOWED


@pytest.mark.matrix
def test_two_machines_meet_again(tmp_path):
    """Two launchers of two workers each, on this one; the last worker is killed, and all four end well."""
    ports = programs._free_ports(4)
    while any(port + 1 in ports for port in ports):
        ports = programs._free_ports(4)
    options = {"nodes": f"127.0.0.1:{ports[0]},127.0.0.1:{ports[1]}", "workers": 2}
    folders = [tmp_path / f"node{number}" for number in range(2)]
    launchers = []
    for number, folder in enumerate(folders):
        folder.mkdir()
        launchers.append(launch(folder, *BACKED_UP, tmp_path, "3:SIGKILL:2", node=number, **options))
    said = [ended(launcher, folder) for launcher, folder in zip(launchers, folders, strict=True)]
    assert [status for status, _, _ in said] == [0, 0], said
    assert "worker 3 was ended by SIGKILL; all start again (1 of 5)" in said[1][2]
    assert "all start again (1 of 5)" in said[0][2] and "epochs: [2, 3]\n" in said[0][1]
    assert difference(np.load(tmp_path / "weights.npz"), alone(tmp_path / "alone")) <= ALLOWED


@pytest.mark.matrix
def test_a_machine_that_never_comes(tmp_path):
    ports = programs._free_ports(2)
    nodes = f"127.0.0.1:{ports[0]},127.0.0.1:{ports[1]}"
    begin = time.monotonic()
    status, _, err = ended(launch(tmp_path, *BACKED_UP, tmp_path, nodes=nodes, node=0, timeout=20), tmp_path)
    assert status == 2 and time.monotonic() - begin < 60
    assert err == "zoo: worker 0 waited for the others for 20 seconds (--timeout); nothing to go on with\n"


class Seen(threading.Thread):
    """Keeps every state that can be seen under its name, as it is at that moment."""

    def __init__(self, out):
        super().__init__(daemon=True)
        self.path, self.kept = out / "training" / "state.h5", out.with_name(f"{out.name}-seen")
        self.partial = self.path.with_name("state.h5.partial")
        self.kept.mkdir()
        self.count, self.over = 0, False
        self.start()

    def run(self):
        last = None
        while not self.over:
            try:
                link = self.kept / f"{self.count}.h5"
                os.link(self.path, link)
                if os.stat(link).st_ino == last:
                    link.unlink()
                else:
                    last, self.count = os.stat(link).st_ino, self.count + 1
            except FileNotFoundError:
                pass
            time.sleep(0.001)

    def place(self):
        """Epoch and step of the newest state."""
        if not self.count:
            return 0, 0
        with h5py.File(self.kept / f"{self.count - 1}.h5") as file:
            about = json.loads(file.attrs["about"])
        return len(about["history"]), about["step"]

    def all(self):
        self.over = True
        self.join()
        return [State(self.kept / f"{number}.h5") for number in range(self.count)]


@pytest.mark.matrix
def test_zoo_train_goes_on_inside_an_epoch_whoever_is_killed_and_when(tmp_path):
    words = ["train", "quickstart", "--epochs", 4, "--batch-size", 64, "--save-every", 0, "--out"]  # 21 steps an epoch
    whole = Seen(tmp_path / "whole")
    assert ended(launch(tmp_path, *words, tmp_path / "whole", workers=2), tmp_path)[0] == 0
    expected = whole.all()[-1]

    out = tmp_path / "out"
    seen, launcher = Seen(out), launch(tmp_path, *words, out, workers=2)
    soon(lambda: seen.place() >= (0, 5))
    os.kill(worker(launcher, 1), signal.SIGKILL)

    at = seen.place()
    soon(lambda: seen.place() > (at[0], at[1] + 3))
    chief = worker(launcher, 0)
    while True:  # during a save
        soon(seen.partial.exists)
        os.kill(chief, signal.SIGSTOP)
        if seen.partial.exists():
            os.kill(chief, signal.SIGKILL)
            break
        os.kill(chief, signal.SIGCONT)

    at = seen.place()
    soon(lambda: seen.place() > (at[0], at[1] + 3))
    os.kill(worker(launcher, 0), signal.SIGKILL)  # soon after a save

    at = seen.place()
    soon(lambda: seen.place() > (at[0], at[1] + 3))
    resource.prlimit(worker(launcher, 0), resource.RLIMIT_FSIZE, (1000, 1000))  # as if the disk were full
    status, _, err = ended(launcher, tmp_path)
    assert status == 2 and err.count("all start again") == 3
    full = f"zoo: cannot write {seen.path}: File too large; what was saved before is kept"
    assert err.splitlines()[-1] == full and not seen.partial.exists()

    launcher = launch(tmp_path, *words, out, "--resume", workers=2)
    at = seen.place()
    soon(lambda: seen.place() > at)
    orphans = [worker(launcher, index) for index in range(2)]
    launcher.kill()
    soon(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in orphans))

    assert ended(launch(tmp_path, *words, out, "--resume", workers=2), tmp_path)[0] == 0
    states = seen.all()  # each of them whole
    places = [(len(state.about["history"]), state.about["step"]) for state in states]
    assert places[-1] == (4, 0) and len(states) > 20
    found = states[-1]
    for ours, theirs in zip(found.values["variables"], expected.values["variables"], strict=True):
        assert np.abs(ours.astype("float64") - theirs).max(initial=0) <= ALLOWED
    for ours, theirs in zip(found.about["history"], expected.about["history"], strict=True):
        assert {**ours, "seconds": 0} == pytest.approx({**theirs, "seconds": 0}, abs=ALLOWED)
    assert {path.name for path in out.iterdir()} == {path.name for path in (tmp_path / "whole").iterdir()}

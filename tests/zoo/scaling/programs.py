"""Runs the programs of this folder: on replicas in one process, or as workers on loopback, one group a case."""

import json
import os
import socket
import subprocess
import sys

PATIENCE = 1200  # seconds: thirty cases, each on its own graph, and the machine may be busy


def on_replicas(program, folder, *cases, devices="cpu:2") -> list[dict]:
    """The program's lines for each case, on the devices of one process."""
    run = subprocess.run(_command(program, folder, devices, cases), capture_output=True, text=True, timeout=PATIENCE)
    assert run.returncode == 0, run.stderr[-3000:]
    return _lines(run.stdout)


def on_workers(program, folder, *cases, devices="all", count=2) -> list[dict]:
    """All workers' lines for each case."""
    addresses = [f"localhost:{port}" for port in _free_ports(count)]
    group = []
    for index in range(count):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        group.append(
            subprocess.Popen(
                _command(program, folder, devices, cases),
                env={**os.environ, "TF_CONFIG": json.dumps(config)},
                stdout=subprocess.PIPE,
                stderr=open(folder / f"worker{index}.log", "w"),
                text=True,
            )
        )
    try:
        said = [worker.communicate(timeout=PATIENCE)[0] for worker in group]
    finally:
        for worker in group:
            worker.kill()
    logs = [(folder / f"worker{index}.log").read_text()[-2000:] for index in range(count)]
    assert [worker.returncode for worker in group] == [0] * count, "\n".join(logs)
    return [line for text in said for line in _lines(text)]


def _command(program, folder, devices, cases):
    return [sys.executable, "-m", f"tests.zoo.scaling.{program}", str(folder), devices, *cases]


def _lines(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def _free_ports(count):
    with_ports = [socket.create_server(("localhost", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in with_ports]
    for each in with_ports:
        each.close()
    return ports

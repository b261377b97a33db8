"""The benchmark of serving: its client counts and checks what comes, and a quick run prints what it promises."""

import importlib
import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "serving.py"
RIGHT = {"scores": [0.25, 0.75], "labels": ["a", "b"]}


@pytest.fixture
def benchmark(monkeypatch):
    """A module of the benchmark, by its name."""
    monkeypatch.syspath_prepend(SCRIPT.parent)
    return importlib.import_module


@pytest.fixture
def stub():
    """Starts a server on a port that answers each request by what `answer` makes of its body, in pieces of 7 bytes."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections = []

    def serve(answer):
        def talk(connection):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection, connection.makefile("rb") as stream:
                head = b""
                while line := stream.readline():
                    head += line
                    if line == b"\r\n":
                        length = next(
                            int(each.split()[1]) for each in head.splitlines() if each.startswith(b"Content-L")
                        )
                        told = answer(head, stream.read(length))
                        for place in range(0, len(told), 7):
                            connection.sendall(told[place : place + 7])
                        head = b""

        def accept():
            while True:
                try:
                    connections.append(listener.accept()[0])
                except OSError:  # closed
                    return
                threading.Thread(target=talk, args=(connections[-1],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return listener.getsockname()[1]

    yield serve
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def ok(body):
    return b"HTTP/1.1 200 OK\r\nserver: stub\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


@pytest.mark.parametrize("clients", [1, 3])
def test_the_client_sends_all_requests_and_keeps_each_answer_apart(benchmark, stub, clients):
    raw_client = benchmark("raw_client")
    asked = []

    def answer(head, body):
        asked.append(body)
        time.sleep(0.002)
        return ok(body.upper() + head.split()[1])

    port = stub(answer)
    load = raw_client.load(port, [raw_client.request("/p", body) for body in (b"one", b"two", b"three")], clients, 0.1)
    assert load.bodies == [{b"ONE/p"}, {b"TWO/p"}, {b"THREE/p"}]
    assert len(load.seconds) == len(asked) >= 10 and asked.count(b"one") - asked.count(b"three") in (0, 1)
    assert 0.1 <= load.elapsed < 5 and all(0.002 <= seconds <= load.elapsed for seconds in load.seconds)


def test_the_client_takes_no_other_answer(benchmark, stub):
    raw_client = benchmark("raw_client")
    port = stub(lambda head, body: b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")
    with pytest.raises(RuntimeError, match="expected 200, got b'HTTP/1.1 503"):
        raw_client.load(port, [raw_client.request("/", b"{}")], 1, 0.1)


@pytest.mark.parametrize(
    ("row", "right"),
    [
        (RIGHT, True),
        ({**RIGHT, "scores": [0.250001, 0.749999]}, True),
        ({**RIGHT, "scores": [0.2501, 0.7499]}, False),
        ({**RIGHT, "scores": [0.25]}, False),
        ({**RIGHT, "labels": ["b", "a"]}, False),
        ({"scores": RIGHT["scores"]}, False),
    ],
)
def test_every_answer_is_held_against_the_one_in_process(benchmark, row, right):
    serving = benchmark("serving")
    bodies = [{json.dumps({"predictions": [each]}).encode() for each in (RIGHT, row)}]
    if right:
        serving.check(bodies, [RIGHT], "a server")
    else:
        with pytest.raises(RuntimeError, match="a server answers"):
            serving.check(bodies, [RIGHT], "a server")


def test_what_ours_must_do_is_held_against_the_better_kserve(benchmark):
    ratios = {"in process": 0.7, "KServe": 1.5, "KServe, threads": 1.2}
    row = {"model": "text", "clients": 8, "requests_per_second": ratios, "times_rate": ratios, "times_p99": ratios}
    row["times_rate_in_batches"] = {who: 2 * times for who, times in ratios.items()}
    found = {must["must"]: (must["found"], must["holds"], must["goal"]) for must in benchmark("serving").musts([row])}
    assert found == {
        "text, 8 clients: requests per second over KServe's": (1.2, False, False),
        "text, 8 clients, --batch 8: requests per second over KServe's": (2.4, True, False),
        "text, 8 clients: KServe's p99 over ours": (1.2, True, False),
        "text, 8 clients: share of the rate in process": (0.7, False, True),
        "text, 8 clients, --batch 8: share of the rate in process": (1.4, True, True),
    }


def test_a_python_without_kserve_is_one_line():
    argv = [sys.executable, SCRIPT, "--quick", "--kserve", "no/such/python"]
    run = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 2 and "--kserve no/such/python: " in run.stderr.splitlines()[-1]


@pytest.mark.matrix
def test_a_quick_run_prints_its_tables_and_writes_nothing():
    pytest.importorskip("tensorflow_serving", reason="needs the extra [serve]")
    results = {path: path.read_bytes() for path in (SCRIPT.parent / "results").iterdir()}
    run = subprocess.run([sys.executable, SCRIPT, "--quick"], capture_output=True, text=True, check=False, timeout=600)
    assert run.returncode == 0, run.stderr[-3000:]
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in run.stdout.splitlines()]
    for case in ("image, 1 client", "image, 8 clients", "text, 1 client", "text, 8 clients"):
        rows = [cells for cells in lines if cells and cells[0] == case]
        assert [cells[1] for cells in rows] == ["in process", "ours", "ours, --batch 8"]
        assert all(float(cell.replace(",", "")) > 0 for cells in rows for cell in cells[2:5])
    assert "KServe is left out" in run.stdout and "| text, 1 client: milliseconds over in process |" in run.stdout
    assert results == {path: path.read_bytes() for path in (SCRIPT.parent / "results").iterdir()}

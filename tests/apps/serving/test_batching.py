"""Requests that wait together share a run, each with its own rows, and who comes first waits for nobody; threads."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo

from apps.serving.batching import Batches, fits


class Gate:
    """A graph that doubles its rows, refuses negative ones, and runs when it is let."""

    def __init__(self):
        self.open = threading.Semaphore(0)
        self.runs = []

    def __call__(self, rows, words):
        self.runs.append(len(rows))
        self.open.acquire()
        if (rows < 0).any():
            raise tf.errors.InvalidArgumentError(None, None, "negative")
        return [2 * rows, words]


def answers(batches, requests):
    """Each request from a thread of its own, begun one after the other; what came of it."""
    found = {}

    def ask(index, rows):
        words = np.array([f"{index}".encode()] * len(rows), object)
        try:
            found[index] = batches(np.array(rows), words)
        except tf.errors.InvalidArgumentError as error:
            found[index] = error.message

    threads = []
    for index, rows in enumerate(requests):
        threads.append(threading.Thread(target=ask, args=(index, rows)))
        threads[-1].start()
        while len(batches._call.runs) + len(batches._waiting) <= index:  # until it has come
            time.sleep(0.001)
    return threads, found


@pytest.mark.parametrize(
    ("requests", "runs"),
    [
        ([[1]], [1]),
        ([[1], [2], [3, 4], [5]], [1, 4]),
        ([[1], [2, 3], [4, 5], [6, 7], [8]], [1, 4, 3]),
        ([[1], [2], [3], [4], [5], [6]], [1, 4, 1]),
        ([[1], [2, 3, 4, 5, 6], [7], [8]], [1, 5, 2]),  # more than a run's rows goes alone, and is not refused
        ([[1], [2], [-3], [4]], [1, 3, 1, 1, 1]),  # one is to blame
    ],
)
def test_those_that_wait_share_a_run(requests, runs):
    gate = Gate()
    threads, found = answers(Batches(gate, 4), requests)
    gate.open.release(100)
    for thread in threads:
        thread.join(10)
    assert gate.runs == runs
    for index, rows in enumerate(requests):
        if min(rows) < 0:
            assert found[index] == "negative"
        else:
            assert found[index][0].tolist() == [2 * row for row in rows]
            assert found[index][1].tolist() == [f"{index}".encode()] * len(rows)


def test_as_many_run_alone_as_may_run_at_a_time():
    gate = Gate()
    threads, found = answers(Batches(gate, 4, at_once=2), [[1], [2], [3], [4]])
    assert gate.runs == [1, 1]
    gate.open.release(100)
    for thread in threads:
        thread.join(10)
    assert [found[index][0].tolist() for index in range(4)] == [[2], [4], [6], [8]]


def test_inputs_of_unlike_length_go_alone():
    runs = []

    def call(one, other):
        runs.append((len(one), len(other)))
        return [one]

    batches = Batches(call, 8)
    assert batches(np.arange(3), np.arange(2))[0].tolist() == [0, 1, 2]
    assert runs == [(3, 2)]


@pytest.mark.parametrize(
    ("given", "back", "expected"),
    [
        ([-1], [-1], True),
        ([-1, 28, 28, 1], [-1, 10], True),
        ([1, 28], [1, 10], False),
        ([-1], [-1, -1], False),
        ([], [-1], False),
        (None, [-1], False),
    ],
)
def test_only_rows_can_share(given, back, expected):
    def info(shape):
        told = TensorInfo(dtype=types_pb2.DT_FLOAT)
        if shape is None:
            told.tensor_shape.unknown_rank = True
        else:
            told.tensor_shape.SetInParent()
            for size in shape:
                told.tensor_shape.dim.add(size=size)
        return told

    assert fits(SignatureDef(inputs={"x": info(given)}, outputs={"y": info(back)})) is expected


def threads_of(server):
    return sum(1 for _ in Path(f"/proc/{server.process.pid}/task").iterdir())


def test_an_answer_takes_the_threads_that_are_told(serve, server, exports):
    """32 more than by default, which is one; a few others come with requests."""
    assert threads_of(serve(exports / "tiny", "--threads", "33")) - threads_of(server) >= 20


def test_a_server_with_batches_gives_each_client_its_own(serve, exports, oracle):
    server = serve(exports / "tiny", "--batch", "8")
    wrong = []

    def client(number):
        for turn in range(40):
            x = [[number, turn]] * (1 + turn % 3)
            status, body = server.predict({"instances": x})
            if status != 200 or body["predictions"] != oracle("serving_default", x=x)["y"].tolist():
                wrong.append((status, body))
            uneven = {"signature_name": "uneven", "inputs": [float(number)]}
            status, body = server.predict(uneven)
            if body.get("outputs") != {"y": [number], "z": [number, number]}:
                wrong.append((status, body))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []

"""Parts that a server's answers do not show: both roads from JSON to an array, and a journal that nobody reads."""

import asyncio
import io
import json
import sys
import threading
import time

import numpy as np
import pytest
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

from apps.serving import from_json, values
from apps.serving.access_log import AccessLog
from apps.serving.errors import Refusal
from apps.serving.thread_pool import Workers


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8, np.int32, np.int64, np.uint8, np.uint64])
def test_both_roads_to_an_array_are_one(dtype):
    """Conversion at once equals conversion value by value, for shapes of all kinds."""
    rng = np.random.default_rng(0)
    number = {value: key for key, value in values.NUMBERS.items()}[dtype]
    for shape in ((1,), (3, 1), (2, 3, 4), (1, 1, 1, 2)):
        if np.issubdtype(dtype, np.integer):
            bounds = np.iinfo(dtype)  # NumPy makes floats of integers of which some are beyond int64: those are walked
            value = rng.integers(bounds.min, min(bounds.max, 2**63 - 1), shape, dtype, endpoint=True).tolist()
        else:
            value = (rng.normal(size=shape) * 10.0 ** rng.integers(-30, 30)).tolist()
        quick = values.at_once(value, number)
        walked = values.array_of(values.flattened(value, list(shape), number), list(shape), number)
        assert quick.dtype == walked.dtype == dtype and quick.shape == shape
        np.testing.assert_array_equal(quick, walked)


@pytest.mark.parametrize(
    "value", [[1, True], [True, False], [1, "2"], [[1], [2, 3]], [[1], 2], [], [[]], [1, None], [1, {}], [10**400]]
)
def test_what_is_not_regular_is_not_taken_at_once(value):
    assert values.at_once(value, types_pb2.DT_DOUBLE) is None


def test_a_long_text_among_numbers_costs_no_memory():
    """NumPy would make every place as wide as the longest text: here 20 GB."""
    body = from_json.Body(json.dumps({"inputs": ["x" * 10**6, *range(5000)]}).encode())
    with pytest.raises(Refusal, match="is not of expected type: float"):
        body.tensors({"x": TensorInfo(dtype=types_pb2.DT_FLOAT)})


def test_a_journal_that_nobody_reads_holds_nothing_up(monkeypatch):
    free = threading.Event()

    class Full(io.StringIO):
        def write(self, text):
            free.wait()
            return super().write(text)

    monkeypatch.setattr(sys, "stdout", Full())
    journal = AccessLog(words=False)
    started = time.monotonic()
    for number in range(15_000):
        journal.tell("request", number=number)
    assert time.monotonic() - started < 5
    assert journal.dropped >= 4_900
    free.set()
    journal.close()
    lines = [json.loads(line) for line in sys.stdout.getvalue().splitlines()]
    assert lines[0]["number"] == 0 and len(lines) + journal.dropped == 15_000


def test_what_was_told_before_the_end_is_written(monkeypatch):
    """The end may meet the writer in any state: asleep, in its pause, or writing."""
    for turn in range(40):
        monkeypatch.setattr(sys, "stdout", io.StringIO())
        journal = AccessLog(words=False)
        for number in range(turn):
            journal.tell("request", number=number)
            if number == turn // 2:
                time.sleep(turn / 1000)
        started = time.monotonic()
        journal.close()
        assert time.monotonic() - started < 4  # it gives up after 5
        assert [json.loads(line)["number"] for line in sys.stdout.getvalue().splitlines()] == list(range(turn))


def test_an_answer_that_comes_after_the_loop_has_ended_is_let_go(caplog):
    workers = Workers(threads=1, queue=0, timeout=0.05)
    with pytest.raises(Refusal, match="no answer within 0.05 s"):
        asyncio.run(workers.answer(time.sleep, 0.3))
    workers.stop()
    assert not caplog.records and workers.pending == 0

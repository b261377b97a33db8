"""Requests that wait for the same graph are answered by one run of it (`zoo serve --batch`).

Nothing waits for company: who comes when a run is free is answered at once and alone, as by TensorFlow Serving with a
`batch_timeout_micros` of 0; who comes while all runs are taken shares the next one with whoever else has come.
"""

from __future__ import annotations

import collections
import math
import threading
from collections.abc import Callable, Sequence

import numpy as np
from tensorflow.core.framework import tensor_shape_pb2
from tensorflow.core.protobuf import meta_graph_pb2

Call = Callable[..., list]  # arrays of one signature -> its outputs, both in the order of their names


def fits(definition: meta_graph_pb2.SignatureDef) -> bool:
    """True if rows of different requests can share a run: the first dimension is free, and no other one is.

    A dimension that depends on all rows of a run (padding to the longest answer) would make an answer depend on who
    else asked.
    """
    infos = [*definition.inputs.values(), *definition.outputs.values()]
    return bool(definition.inputs) and all(_is_rows(info.tensor_shape) for info in infos)


def _is_rows(shape: tensor_shape_pb2.TensorShapeProto) -> bool:
    sizes = [dimension.size for dimension in shape.dim]
    return not shape.unknown_rank and sizes[:1] == [-1] and -1 not in sizes[1:]


class Batches:
    """A call that several threads make, and that is made once for those that wait together.

    Args:
        call: Rows in, as many rows out.
        most: Rows of a call; one request with more goes alone.
        at_once: How many calls may run at a time.
    """

    def __init__(self, call: Call, most: int, at_once: int = 1):
        self._call = call
        self._most = most
        self._free = at_once
        self._lock = threading.Lock()
        self._waiting: collections.deque[_Request] = collections.deque()

    def __call__(self, *given: np.ndarray) -> list:
        """The answer to these rows.

        Raises:
            Exception: As the call does, and only where this request alone fails too.
        """
        request = _Request(given)
        with self._lock:
            if leads := self._free > 0:
                self._free -= 1
            else:
                self._waiting.append(request)
        if not leads:
            request.woken.wait()
        if not request.done:  # it leads: its thread makes the call for all that fit
            try:
                self._answer([request, *self._company(request)])
            finally:
                self._pass_on()
        if request.error is not None:
            raise request.error
        return request.answer

    def _company(self, first: _Request) -> list[_Request]:
        """Takes those that wait longest, as far as the rows go."""
        rows, company = first.rows, []
        with self._lock:
            while self._waiting and rows + self._waiting[0].rows <= self._most:
                rows += self._waiting[0].rows
                company.append(self._waiting.popleft())
        return company

    def _pass_on(self) -> None:
        """Has the next one that waits lead, or leaves the run free."""
        with self._lock:
            if not self._waiting:
                self._free += 1
                return
            successor = self._waiting.popleft()
        successor.woken.set()

    def _answer(self, requests: Sequence[_Request]) -> None:
        try:
            answers = self._rows(requests) if len(requests) > 1 else [self._call(*requests[0].given)]
        except Exception as error:  # noqa: BLE001 - raised again in the thread whose request it was
            if len(requests) > 1:  # one is to blame, the others are not
                for request in requests:
                    self._answer([request])
                return
            requests[0].error = error
        else:
            for request, answer in zip(requests, answers, strict=True):
                request.answer = answer
        for request in requests:
            request.done = True
            request.woken.set()

    def _rows(self, requests: Sequence[_Request]) -> list[list]:
        outputs = self._call(*map(np.concatenate, zip(*(request.given for request in requests), strict=True)))
        ends = np.cumsum([request.rows for request in requests])
        if any(len(output) != ends[-1] for output in outputs):
            raise ValueError("as many rows were expected as were given")
        return [
            [output[end - request.rows : end] for output in outputs]
            for request, end in zip(requests, ends, strict=True)
        ]


class _Request:
    """One request's rows, and what becomes of it."""

    __slots__ = ("answer", "done", "error", "given", "rows", "woken")

    def __init__(self, given: Sequence[np.ndarray]):
        self.given = given
        lengths = {len(array) for array in given}
        self.rows: float = lengths.pop() if len(lengths) == 1 else math.inf  # what has no rows goes alone
        self.woken = threading.Event()
        self.done = False
        self.answer: list | None = None
        self.error: BaseException | None = None

"""Threads that answer, and a bound on how many requests may wait for one of them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent import futures

from apps.serving.errors import Refusal


class Workers:
    """A pool of threads whose queue has an end.

    Args:
        threads: How many requests are answered at a time.
        queue: How many more may wait.
        timeout: Seconds after which a request is given up.
    """

    def __init__(self, threads: int, queue: int, timeout: float):
        self.timeout = timeout
        self._threads = threads
        self._queue = queue
        self._pending = 0
        self._lock = threading.Lock()
        self._pool = futures.ThreadPoolExecutor(threads, thread_name_prefix="answer")

    @property
    def pending(self) -> int:
        """Requests that are being answered or wait."""
        return self._pending

    async def answer(self, call: Callable, *arguments):
        """Calls `call(*arguments)` in one of the threads, and returns its result.

        Raises:
            Refusal: Too many wait already, or the time is over; what has not begun by then never runs.
        """
        loop = asyncio.get_running_loop()
        answered = loop.create_future()
        future = self._submit(call, arguments)

        def come() -> None:
            if not answered.done():
                error = future.exception()
                answered.set_exception(error) if error else answered.set_result(future.result())

        def give_up() -> None:
            if not answered.done():
                answered.set_exception(self._late(self.timeout))
            future.cancel()

        def tell(_) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended: it had given up
                loop.call_soon_threadsafe(come)

        # By hand: asyncio's own ways from a thread to a coroutine take three times as long.
        future.add_done_callback(tell)
        timer = loop.call_later(self.timeout, give_up)
        try:
            return await answered
        finally:
            timer.cancel()

    def answer_now(self, call: Callable, *arguments, timeout: float | None = None):
        """The same from a thread that may wait.

        Args:
            call: What to call.
            arguments: Its arguments.
            timeout: Seconds, where the client has less patience than the server.
        """
        timeout = self.timeout if timeout is None else min(self.timeout, timeout)
        future = self._submit(call, arguments)
        futures.wait([future], timeout)
        if not future.done():
            future.cancel()
            raise self._late(timeout)
        return future.result()

    def stop(self) -> None:
        """Waits for what was accepted."""
        self._pool.shutdown()

    def _submit(self, call: Callable, arguments: tuple) -> futures.Future:
        with self._lock:
            if self._pending >= self._threads + self._queue:
                raise Refusal("RESOURCE_EXHAUSTED", f"Too many requests: {self._queue} are waiting already")
            self._pending += 1
        future = self._pool.submit(call, *arguments)
        future.add_done_callback(self._done)
        return future

    def _done(self, future: futures.Future) -> None:
        with self._lock:
            self._pending -= 1

    @staticmethod
    def _late(seconds: float) -> Refusal:
        return Refusal("DEADLINE_EXCEEDED", f"Deadline exceeded: no answer within {seconds:g} s")

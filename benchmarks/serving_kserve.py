"""The KServe end of `serving.py`, run by a Python that has KServe and TensorFlow: exports behind KServe's V1 protocol.

    KSERVE_PYTHON benchmarks/serving_kserve.py PORT GRPC_PORT inline|threads NAME=EXPORT...

A custom model as KServe's documentation writes one. "inline": `predict` is a plain method, as there and as in KServe's
own servers for scikit-learn and XGBoost; it runs on the event loop. "threads": a coroutine that hands the work to the
loop's executor, whose size KServe sets (6 threads on 2 cores). All else is as KServe comes.
"""

from __future__ import annotations

import asyncio
import base64
import sys

import kserve
import tensorflow as tf


class Served(kserve.Model):
    """A SavedModel that takes one text or picture a row."""

    def __init__(self, name: str, folder: str):
        super().__init__(name)
        self.loaded = tf.saved_model.load(folder)
        self.signature = self.loaded.signatures["serving_default"]
        ((self.input, _),) = self.signature.structured_input_signature[1].items()
        self.ready = True

    def predict(self, payload: dict, headers: dict | None = None) -> dict:
        given = [base64.b64decode(row["b64"]) if isinstance(row, dict) else row for row in payload["instances"]]
        answer = self.signature(**{self.input: tf.constant(given)})
        columns = {name: self.listed(tensor.numpy()) for name, tensor in answer.items()}
        return {"predictions": [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]}

    @staticmethod
    def listed(array) -> list:
        return array.astype(str).tolist() if array.dtype == object else array.tolist()


class Threaded(Served):
    """The same in threads."""

    async def predict(self, payload: dict, headers: dict | None = None) -> dict:
        return await asyncio.get_running_loop().run_in_executor(None, super().predict, payload, headers)


if __name__ == "__main__":
    port, grpc_port, kind, *models = sys.argv[1:]
    made = [{"inline": Served, "threads": Threaded}[kind](*model.split("=", 1)) for model in models]
    kserve.ModelServer(http_port=int(port), grpc_port=int(grpc_port)).start(made)

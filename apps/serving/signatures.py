"""One version of a model in memory: its signatures, and the checks before a graph runs.

Graphs run as TF Serving runs them, in a session by way of its callables: asked eagerly, a signature takes twice as long
where the model is small.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2, saved_model_pb2

from apps.serving import batching, input_preparation
from apps.serving.errors import Refusal, from_tensorflow, invalid
from zoo.errors import UserError
from zoo.export import run_saved_model

DEFAULT = "serving_default"
_INITIAL = "__saved_model_init_op"  # an entry that SavedModel adds; nothing can be asked of it


class Version:
    """A SavedModel that is loaded and can be asked.

    Args:
        folder: Holds `saved_model.pb`.
        number: The version.
        batch: Rows that one run of a graph may take of requests that wait together; 1 has each run alone.
        threads: Among how many an operation divides its work; the process takes the first version's.

    Raises:
        UserError: The folder holds no SavedModel that can be loaded, or it has no signature.
    """

    def __init__(self, folder: Path, number: int, batch: int = 1, threads: int = 1):
        self.number = number
        graph = _graph(folder)
        self.definitions = dict(graph.signature_def)
        asked = {name: definition for name, definition in self.definitions.items() if name != _INITIAL}
        if not asked:
            raise UserError(f"{folder}: this SavedModel has no signatures, so that nothing can be asked of it")
        try:
            for module in run_saved_model.required(folder):
                importlib.import_module(module)
            self._prepare = input_preparation.declared(folder)
            session = tf.compat.v1.Session(graph=tf.Graph(), config=_settings(threads))
            with session.graph.as_default():
                tf.compat.v1.saved_model.load(session, list(graph.meta_info_def.tags), str(folder))
            at_once = max(1, (os.cpu_count() or 1) // threads)
            self._calls = {name: _call(session, definition, batch, at_once) for name, definition in asked.items()}
        except ImportError as error:
            raise UserError(f"{folder}: this SavedModel needs {error.name}, which is not installed") from error
        except Exception as error:
            raise UserError(f"{folder}: cannot be loaded: {' '.join(str(error).split())[:300]}") from error

    def inputs(self, signature: str) -> Mapping[str, meta_graph_pb2.TensorInfo]:
        """The inputs that a signature declares; raises KeyError where there is no such signature."""
        return self.definitions[signature].inputs

    def run(self, signature: str, given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The answer of a signature, outputs by name, in the order of their names.

        Args:
            signature: One that `inputs` knows.
            given: An array for each input, of its type; bytes in arrays of objects.

        Raises:
            Refusal: A shape does not fit, the graph refuses the values, or the signature is SavedModel's own.
        """
        if signature not in self._calls:
            raise Refusal("FAILED_PRECONDITION", f"Nothing can be asked of the signature {signature}")
        definition = self.definitions[signature]
        for name, array in given.items():
            _check_shape(name, array, definition.inputs[name])
        given = {
            name: input_preparation.prepared(name, array, self._prepare[name])
            if name in self._prepare and array.dtype == object
            else array
            for name, array in given.items()
        }
        try:
            answer = self._calls[signature](*(given[name] for name in sorted(given)))
        except tf.errors.OpError as error:
            raise from_tensorflow(error) from error
        return dict(zip(sorted(definition.outputs), map(_array, answer), strict=True))


def _settings(threads: int) -> config_pb2.ConfigProto:
    return config_pb2.ConfigProto(
        allow_soft_placement=True,
        intra_op_parallelism_threads=threads,
        # A thread that waits for work sleeps: turning around, it would keep a core from other requests.
        experimental={"disable_thread_spinning": True},
    )


def _call(session: tf.compat.v1.Session, definition: meta_graph_pb2.SignatureDef, batch: int, at_once: int) -> Callable:
    """A signature as a call from arrays to arrays, both in the order of their names."""
    options = config_pb2.CallableOptions()
    options.feed.extend(definition.inputs[name].name for name in sorted(definition.inputs))
    options.fetch.extend(definition.outputs[name].name for name in sorted(definition.outputs))
    call = session._make_callable_from_options(options)  # private; `make_callable` takes half as long again
    return batching.Batches(call, batch, at_once) if batch > 1 and batching.fits(definition) else call


def _array(value: object) -> np.ndarray:
    """An output as an array; those without dimensions come as bare values."""
    return value if isinstance(value, np.ndarray) else np.array(value, object if isinstance(value, bytes) else None)


def _graph(folder: Path) -> meta_graph_pb2.MetaGraphDef:
    """The graph that is meant for serving."""
    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString((folder / "saved_model.pb").read_bytes())
    except OSError as error:
        raise UserError(f"{folder}: saved_model.pb cannot be read: {error.strerror}") from error
    except DecodeError as error:
        raise UserError(f"{folder}: saved_model.pb is damaged, or no SavedModel") from error
    graphs = [graph for graph in saved.meta_graphs if "serve" in graph.meta_info_def.tags] or saved.meta_graphs
    if not graphs:
        raise UserError(f"{folder}: saved_model.pb holds no graph")
    return graphs[0]


def _check_shape(name: str, array: np.ndarray, info: meta_graph_pb2.TensorInfo) -> None:
    """A graph would run with another shape than it declares, and answer something."""
    if info.tensor_shape.unknown_rank:
        return
    declared = [dimension.size for dimension in info.tensor_shape.dim]
    if len(declared) != array.ndim or any(
        size not in (-1, given) for size, given in zip(declared, array.shape, strict=True)
    ):
        raise invalid(f"Expected input {name} to have shape {declared}, but got shape {list(array.shape)}")

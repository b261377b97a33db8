"""One version of a model in memory: its signatures, and the checks before a graph runs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from apps.serving.refusals import from_tensorflow, invalid
from zoo import reload
from zoo.errors import UserError

DEFAULT = "serving_default"
_INITIAL = "__saved_model_init_op"  # an entry that SavedModel adds; nothing can be asked of it


class Version:
    """A SavedModel that is loaded and can be asked.

    Args:
        folder: Holds `saved_model.pb`.
        number: The version.

    Raises:
        UserError: The folder holds no SavedModel that can be loaded, or it has no signature.
    """

    def __init__(self, folder: Path, number: int):
        self.number = number
        self.definitions = _definitions(folder)
        if not self.definitions.keys() - {_INITIAL}:
            raise UserError(f"{folder}: this SavedModel has no signatures, so that nothing can be asked of it")
        try:
            for module in reload.required(folder):
                importlib.import_module(module)
            self._loaded = tf.saved_model.load(str(folder))
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
            Refusal: A shape does not fit, or the graph refuses the values.
        """
        definition = self.definitions[signature]
        for name, array in given.items():
            _check_shape(name, array, definition.inputs[name])
        tensors = {name: tf.constant(array, definition.inputs[name].dtype) for name, array in given.items()}
        try:
            answer = self._loaded.signatures[signature](**tensors)
            return {name: answer[name].numpy() for name in sorted(answer)}
        except tf.errors.OpError as error:
            raise from_tensorflow(error) from error


def _definitions(folder: Path) -> dict[str, meta_graph_pb2.SignatureDef]:
    """The signatures of the graph that is meant for serving."""
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
    return dict(graphs[0].signature_def)


def _check_shape(name: str, array: np.ndarray, info: meta_graph_pb2.TensorInfo) -> None:
    """A graph would run with another shape than it declares, and answer something."""
    if info.tensor_shape.unknown_rank:
        return
    declared = [dimension.size for dimension in info.tensor_shape.dim]
    if len(declared) != array.ndim or any(
        size not in (-1, given) for size, given in zip(declared, array.shape, strict=True)
    ):
        raise invalid(f"Expected input {name} to have shape {declared}, but got shape {list(array.shape)}")

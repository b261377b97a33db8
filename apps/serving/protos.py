"""TensorProto <-> arrays. Values are written into the typed fields (`float_val`), which clients of TF Serving read."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

from apps.serving.errors import Refusal, invalid

_FIELDS = {
    types_pb2.DT_FLOAT: "float_val",
    types_pb2.DT_DOUBLE: "double_val",
    types_pb2.DT_INT8: "int_val",
    types_pb2.DT_INT16: "int_val",
    types_pb2.DT_INT32: "int_val",
    types_pb2.DT_UINT8: "int_val",
    types_pb2.DT_UINT16: "int_val",
    types_pb2.DT_INT64: "int64_val",
    types_pb2.DT_UINT32: "uint32_val",
    types_pb2.DT_UINT64: "uint64_val",
    types_pb2.DT_BOOL: "bool_val",
    types_pb2.DT_STRING: "string_val",
}


def array(name: str, tensor: tensor_pb2.TensorProto, info: TensorInfo | None, most: int) -> np.ndarray:
    """The array that a TensorProto means.

    Args:
        name: The input's name.
        tensor: What a client sent.
        info: What the signature declares; None where it knows no such input, which is told elsewhere.
        most: Bytes that the array may have: a few bytes can mean a large one whose values are all the same.

    Raises:
        Refusal: Its type is another, or its shape and values do not fit together.
    """
    if info is not None and tensor.dtype != info.dtype:
        raise invalid(f"Expected input {name} to be {_type(info.dtype)}, but got {_type(tensor.dtype)}")
    if tensor.tensor_shape.unknown_rank or any(dimension.size < 0 for dimension in tensor.tensor_shape.dim):
        raise invalid(f"Input {name}: the shape of a tensor has to be known")
    try:
        elements = math.prod(dimension.size for dimension in tensor.tensor_shape.dim)
        size = tf.dtypes.as_dtype(tensor.dtype).size or 1
        if len(tensor.string_val) < elements:  # the last text stands for those that are missing
            size += max(map(len, tensor.string_val), default=0)
        if elements * size > most:
            raise Refusal("RESOURCE_EXHAUSTED", f"Input {name} is larger than {most} bytes")
        return tf.make_ndarray(tensor)
    except (TypeError, ValueError, OverflowError) as error:
        raise invalid(f"Input {name} is no valid tensor: {error}") from None


def fill(tensor: tensor_pb2.TensorProto, name: str, values: np.ndarray) -> None:
    """Writes an array into a TensorProto.

    Raises:
        Refusal: It is of a type that has no field.
    """
    tensor.dtype = tf.dtypes.as_dtype(values.dtype).as_datatype_enum
    field = _FIELDS.get(tensor.dtype)
    if field is None:
        raise Refusal("UNIMPLEMENTED", f"Output {name} is {_type(tensor.dtype)}, which is not answered here")
    for size in values.shape:
        tensor.tensor_shape.dim.add(size=size)
    getattr(tensor, field).extend(values.ravel().tolist())


def _type(number: int) -> str:
    try:
        return types_pb2.DataType.Name(number).removeprefix("DT_").lower()
    except ValueError:
        return f"a type {number}"

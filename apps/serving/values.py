"""JSON values -> an array of a tensor's type."""

from __future__ import annotations

import base64
import binascii
from itertools import chain

import numpy as np
from tensorflow.core.framework import types_pb2

from apps.serving.errors import Refusal, invalid
from apps.serving.format_value import format_value

DEEPEST = 254  # dimensions of a tensor

NUMBERS = {
    types_pb2.DT_FLOAT: np.float32,
    types_pb2.DT_DOUBLE: np.float64,
    types_pb2.DT_INT8: np.int8,
    types_pb2.DT_INT16: np.int16,
    types_pb2.DT_INT32: np.int32,
    types_pb2.DT_INT64: np.int64,
    types_pb2.DT_UINT8: np.uint8,
    types_pb2.DT_UINT32: np.uint32,
    types_pb2.DT_UINT64: np.uint64,
}


def at_once(value: object, dtype: int) -> np.ndarray | None:
    """The array of a regular list of numbers; None where anything needs a closer look."""
    wanted = NUMBERS.get(dtype)
    if wanted is None or not isinstance(value, list):
        return None
    shape, flat = [len(value)], value
    while (kinds := set(map(type, flat))) == {list}:
        lengths = set(map(len, flat))
        if len(lengths) > 1 or len(shape) == DEEPEST:
            return None
        shape += lengths
        flat = list(chain.from_iterable(flat))
    floating = np.issubdtype(wanted, np.floating)
    if not kinds or not kinds <= ({int, float} if floating else {int}):  # true and false are of neither type
        return None
    try:
        found = np.array(flat, np.float64 if floating else None)
    except OverflowError:
        return None
    if not floating:
        bounds = np.iinfo(wanted)
        if found.dtype.kind not in "iu" or int(found.min()) < bounds.min or int(found.max()) > bounds.max:
            return None
    with np.errstate(over="ignore"):  # a number beyond float32 is infinite there
        return found.astype(wanted).reshape(shape)


def shape_of(value: object) -> list[int]:
    """The shape that the first values show; `flattened` holds the others to it."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if len(shape) > DEEPEST:
            raise invalid(f"Encountered list at unexpected level: {DEEPEST} expected < {DEEPEST}")
        value = value[0] if value else None
    return shape


def flattened(value: object, shape: list[int], dtype: int) -> list:
    """All values in order, of the tensor's type."""
    flat = []

    def walk(value: object, level: int) -> None:
        if not isinstance(value, list):
            if level != len(shape):
                raise invalid(
                    f"JSON Value: {format_value(value)} found at incorrect level: {level + 1} in the JSON DOM. "
                    f"Expected at level: {len(shape)}"
                )
            flat.append(_value(value, dtype))
            return
        if level >= len(shape):
            raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
        if len(value) != shape[level]:
            raise invalid(
                f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
            )
        for each in value:
            walk(each, level + 1)

    walk(value, 0)
    return flat


def _value(value: object, dtype: int) -> object:
    if dtype == types_pb2.DT_STRING:
        if isinstance(value, dict):
            return _decoded(value)
        if isinstance(value, str):
            try:
                return value.encode()
            except UnicodeEncodeError:
                raise invalid("JSON Parse error: The surrogate pair in string is invalid.") from None
    elif dtype == types_pb2.DT_BOOL:
        if isinstance(value, bool):
            return value
    elif dtype not in NUMBERS:
        raise Refusal("UNIMPLEMENTED", f"Conversion of JSON Value: {format_value(value)} to type: {_type(dtype)}")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        wanted = NUMBERS[dtype]
        if np.issubdtype(wanted, np.floating):
            try:
                return float(value)
            except OverflowError:
                raise invalid("JSON Parse error: Number too big to be stored in double.") from None
        if isinstance(value, int) and np.iinfo(wanted).min <= value <= np.iinfo(wanted).max:
            return value
    raise invalid(
        f"JSON Value: {format_value(value)} Type: {_kind(value)} is not of expected type: {_type(dtype)}",
    )


def _decoded(value: dict) -> bytes:
    if not is_bytes(value):
        raise invalid(f"JSON Value: {format_value(value)} not formatted correctly for base64 data")
    try:
        text = value["b64"].encode("ascii").translate(None, b" \t\r\n")
        return base64.b64decode(text.rstrip(b"=") + b"=" * (-len(text.rstrip(b"=")) % 4), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise invalid("Unable to base64 decode") from None


def array_of(flat: list, shape: list[int], dtype: int) -> np.ndarray:
    """The array of checked values; those of a text are bytes."""
    if dtype == types_pb2.DT_STRING:
        array = np.empty(len(flat), object)
        array[:] = flat
        return array.reshape(shape)
    if dtype == types_pb2.DT_BOOL:
        return np.array(flat, bool).reshape(shape)
    if dtype not in NUMBERS:
        raise Refusal("UNIMPLEMENTED", f"Conversion of JSON Value: {format_value(flat)} to type: {_type(dtype)}")
    wanted = NUMBERS[dtype]
    with np.errstate(over="ignore"):
        return (
            np.array(flat, np.float64 if np.issubdtype(wanted, np.floating) else wanted).astype(wanted).reshape(shape)
        )


def is_bytes(value: object) -> bool:
    """True if a value is an object that stands for bytes."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def _type(dtype: int) -> str:
    return types_pb2.DataType.Name(dtype).removeprefix("DT_").lower()


def _kind(value: object) -> str:
    if value is None or isinstance(value, bool):
        return str(value).replace("None", "Null")
    kinds = {dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}
    return kinds[type(value)]

"""The body of a predict request -> arrays, by TF Serving's rules and with its error texts.

`{"signature_name": S, "instances": [row, ...]}` or `{"signature_name": S, "inputs": columns}`; bytes are written as
`{"b64": "..."}` anywhere. What has the right form at first sight is turned into an array at once; all else is walked
value by value, to find and name what is wrong.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import json
from collections.abc import Mapping
from itertools import chain

import numpy as np
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

from apps.serving.refusals import Refusal, invalid

ROW, COLUMN = "instances", "inputs"
_DEEPEST = 254  # dimensions of a tensor
_SHOWN = 256  # characters of a value in an error's text

_NUMBERS = {
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
# Python's words -> those of the parser in TF Serving.
_PARSER = {
    "Expecting value": "Invalid value.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Expecting ',' delimiter": "Missing a comma or a closing bracket after an element.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\uXXXX escape": "Incorrect hex digit after \\u escape in string.",
    "Invalid control character at": "Invalid encoding in string.",
}


class Body:
    """A parsed request body: a JSON object.

    Raises:
        Refusal: It is none.
    """

    def __init__(self, raw: bytes):
        if not raw:
            raise invalid("JSON Parse error: The document is empty")
        try:
            self._text = codecs.decode(raw, "utf-8-sig")
        except UnicodeDecodeError as error:
            raise invalid(f"JSON Parse error: Invalid encoding in string. at offset: {error.start}") from None
        self.value = _parse(self._text, json.JSONDecoder())
        if not isinstance(self.value, dict):
            raise invalid(f"JSON Value: {shown(self.value)} Is not object")

    def signature(self, default: str) -> str:
        """The signature that is asked for."""
        name = self.value.get("signature_name", default)
        if not isinstance(name, str):
            raise invalid(
                f"JSON Value: {shown(self.value)} not formatted correctly. 'signature_name' key must be a string value."
            )
        return name or default

    def tensors(self, inputs: Mapping[str, TensorInfo]) -> tuple[str, dict[str, np.ndarray]]:
        """`ROW` or `COLUMN`, and an array for each input.

        Args:
            inputs: What the signature declares, at least one.

        Raises:
            Refusal: The values do not fit the inputs.
        """
        form, document = self._form(), self.value
        try:
            found = (_rows if form == ROW else _columns)(document[form], inputs)
        except RecursionError:
            raise invalid(f"Encountered list at unexpected level: {_DEEPEST} expected < {_DEEPEST}") from None
        if any(array.dtype.kind == "f" and np.isinf(array).any() for array in found.values()):
            # An infinity that is written out is one; 1e999 is a mistake.
            _parse(self._text, json.JSONDecoder(parse_float=_finite))
        return form, found

    def _form(self) -> str:
        document = self.value
        if ROW in document and COLUMN in document:
            raise invalid(
                f"JSON Value: {shown(document)} Not formatted correctly expecting only one of '{COLUMN}' or '{ROW}' "
                "keys to exist "
            )
        if ROW in document:
            if not isinstance(document[ROW], list):
                raise invalid(f"JSON Value: {shown(document)} Expecting '{ROW}' to be an list/array")
            if not document[ROW]:
                raise invalid(f"JSON Value: {shown(document)} No values in '{ROW}' array")
            return ROW
        if COLUMN in document:
            return COLUMN
        raise invalid("Missing 'inputs' or 'instances' key")


def _parse(text: str, decoder: json.JSONDecoder) -> object:
    """The first JSON value of the text; what follows it is not read, as TF Serving has it."""
    start = len(text) - len(text.lstrip(" \t\r\n"))
    try:
        return decoder.raw_decode(text, start)[0]
    except json.JSONDecodeError as error:
        told, place = error.msg, len(text[: error.pos].encode())
        if start == len(text):
            raise invalid("JSON Parse error: The document is empty") from None
        raise invalid(f"JSON Parse error: {_PARSER.get(told, told + '.')} at offset: {place}") from None
    except RecursionError:
        raise invalid("JSON Parse error: The document is nested too deeply.") from None
    except ValueError:  # an integer of thousands of digits
        raise invalid("JSON Parse error: Number too big to be stored in double.") from None


def _finite(digits: str) -> float:
    if np.isinf(number := float(digits)):
        raise ValueError
    return number


def _rows(rows: list, inputs: Mapping[str, TensorInfo]) -> dict[str, np.ndarray]:
    named = _is_object(rows[0])
    if len(inputs) > 1 and not named:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    for place, row in enumerate(rows):
        if named and not _is_object(row):
            raise invalid(f"Expecting object but got list at item {place} of input list")
        if not named and _is_object(row):
            raise invalid(f"Expecting value/list but got object at item {place} of input list")
        if not named:
            continue
        for name in row:
            if name not in inputs:
                raise invalid(
                    f"Failed to process element: {place} key: {name} of 'instances' list. Error: INVALID_ARGUMENT: "
                    f"JSON object: does not have named input: {name}"
                )
        if row.keys() != set(inputs):
            raise invalid(
                f"Failed to process element: {place} of 'instances' list. JSON object: {shown(row)} keys must be "
                f"equal to: {','.join(sorted(inputs))}"
            )
    if not named:
        ((name, info),) = inputs.items()
        return {name: _batch(rows, info.dtype, "")}
    return {name: _batch([row[name] for row in rows], info.dtype, f" key: {name}") for name, info in inputs.items()}


def _batch(rows: list, dtype: int, key: str) -> np.ndarray:
    """One input's values in all rows, which must have one shape."""
    quick = _at_once(rows, dtype)
    if quick is not None:
        return quick
    first, flat = None, []
    for place, row in enumerate(rows):
        try:
            shape = _shape(row)
            values = _flat(row, shape, dtype)
            if first is None:
                first, size = shape, len(values)
            elif len(values) != size:
                raise invalid(f"Expecting tensor size: {size} but got: {len(values)}")
            elif shape != first:
                raise invalid(f"Expecting shape {_listed(first)} but got: {_listed(shape)}")
        except Refusal as error:
            told = f"Failed to process element: {place}{key} of 'instances' list. Error: {error.code}: {error.message}"
            raise Refusal("INVALID_ARGUMENT", told) from None
        flat += values
    return _array(flat, [len(rows), *first], dtype)


def _columns(value: object, inputs: Mapping[str, TensorInfo]) -> dict[str, np.ndarray]:
    if not _is_object(value):
        if len(inputs) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        ((name, info),) = inputs.items()
        return {name: _tensor(value, info.dtype)}
    for name in sorted(inputs):
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return {name: _tensor(value[name], info.dtype) for name, info in inputs.items()}


def _tensor(value: object, dtype: int) -> np.ndarray:
    quick = _at_once(value, dtype)
    if quick is not None:
        return quick
    shape = _shape(value)
    return _array(_flat(value, shape, dtype), shape, dtype)


def _at_once(value: object, dtype: int) -> np.ndarray | None:
    """The array of a regular list of numbers; None where anything needs a closer look."""
    wanted = _NUMBERS.get(dtype)
    if wanted is None or not isinstance(value, list):
        return None
    shape, flat = [len(value)], value
    while (kinds := set(map(type, flat))) == {list}:
        lengths = set(map(len, flat))
        if len(lengths) > 1 or len(shape) == _DEEPEST:
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


def _shape(value: object) -> list[int]:
    """The shape that the first values show; `_flat` holds the others to it."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if len(shape) > _DEEPEST:
            raise invalid(f"Encountered list at unexpected level: {_DEEPEST} expected < {_DEEPEST}")
        value = value[0] if value else None
    return shape


def _flat(value: object, shape: list[int], dtype: int) -> list:
    """All values in order, of the tensor's type."""
    flat = []

    def walk(value: object, level: int) -> None:
        if not isinstance(value, list):
            if level != len(shape):
                raise invalid(
                    f"JSON Value: {shown(value)} found at incorrect level: {level + 1} in the JSON DOM. Expected at "
                    f"level: {len(shape)}"
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
    elif dtype not in _NUMBERS:
        raise Refusal("UNIMPLEMENTED", f"Conversion of JSON Value: {shown(value)} to type: {_type(dtype)}")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        wanted = _NUMBERS[dtype]
        if np.issubdtype(wanted, np.floating):
            try:
                return float(value)
            except OverflowError:
                raise invalid("JSON Parse error: Number too big to be stored in double.") from None
        if isinstance(value, int) and np.iinfo(wanted).min <= value <= np.iinfo(wanted).max:
            return value
    raise invalid(
        f"JSON Value: {shown(value)} Type: {_kind(value)} is not of expected type: {_type(dtype)}",
    )


def _decoded(value: dict) -> bytes:
    if not _is_bytes(value):
        raise invalid(f"JSON Value: {shown(value)} not formatted correctly for base64 data")
    try:
        text = value["b64"].encode("ascii").translate(None, b" \t\r\n")
        return base64.b64decode(text.rstrip(b"=") + b"=" * (-len(text.rstrip(b"=")) % 4), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise invalid("Unable to base64 decode") from None


def _array(flat: list, shape: list[int], dtype: int) -> np.ndarray:
    if dtype == types_pb2.DT_STRING:
        array = np.empty(len(flat), object)
        array[:] = flat
        return array.reshape(shape)
    if dtype == types_pb2.DT_BOOL:
        return np.array(flat, bool).reshape(shape)
    if dtype not in _NUMBERS:
        raise Refusal("UNIMPLEMENTED", f"Conversion of JSON Value: {shown(flat)} to type: {_type(dtype)}")
    wanted = _NUMBERS[dtype]
    with np.errstate(over="ignore"):
        return (
            np.array(flat, np.float64 if np.issubdtype(wanted, np.floating) else wanted).astype(wanted).reshape(shape)
        )


def _is_bytes(value: object) -> bool:
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def _is_object(value: object) -> bool:
    return isinstance(value, dict) and not _is_bytes(value)


def _type(dtype: int) -> str:
    return types_pb2.DataType.Name(dtype).removeprefix("DT_").lower()


def _kind(value: object) -> str:
    if value is None or isinstance(value, bool):
        return str(value).replace("None", "Null")
    kinds = {dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}
    return kinds[type(value)]


def _listed(shape: list[int]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"


def shown(value: object) -> str:
    """A JSON value as error texts show it, cut after 256 characters."""
    pieces, length = [], 0
    for piece in _pieces(value, 1):
        pieces.append(piece[:_SHOWN])
        length += len(pieces[-1])
        if length >= _SHOWN:
            break
    return "".join(pieces)[:_SHOWN]


def _pieces(value: object, depth: int):
    if isinstance(value, list):
        yield "["
        for place, each in enumerate(value):
            yield ", " if place else ""
            yield from _pieces(each, depth)
        yield "]"
    elif isinstance(value, dict) and value:
        yield "{\n"
        for place, (name, each) in enumerate(value.items()):
            yield ",\n" if place else ""
            yield " " * 4 * min(depth, 20) + json.dumps(name, ensure_ascii=False) + ": "
            yield from _pieces(each, depth + 1)
        yield "\n" + " " * 4 * min(depth - 1, 20) + "}"
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**300:
        yield "a number of hundreds of digits"
    else:
        yield json.dumps(value if not isinstance(value, str) else value[:_SHOWN], ensure_ascii=False)

"""The body of a predict request -> arrays, by TF Serving's rules and with its error texts.

`{"signature_name": S, "instances": [row, ...]}` or `{"signature_name": S, "inputs": columns}`; bytes are written as
`{"b64": "..."}` anywhere. What has the right form at first sight is turned into an array at once; all else is walked
value by value, to find and name what is wrong (`values`).
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping

import numpy as np
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

from apps.serving import values
from apps.serving.errors import Refusal, invalid
from apps.serving.format_value import format_value

ROW, COLUMN = "instances", "inputs"

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
            raise invalid(f"JSON Value: {format_value(self.value)} Is not object")

    def signature(self, default: str) -> str:
        """The signature that is asked for."""
        name = self.value.get("signature_name", default)
        if not isinstance(name, str):
            raise invalid(
                f"JSON Value: {format_value(self.value)} not formatted correctly. 'signature_name' key must be a "
                "string value."
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
            raise invalid(
                f"Encountered list at unexpected level: {values.DEEPEST} expected < {values.DEEPEST}"
            ) from None
        if any(array.dtype.kind == "f" and np.isinf(array).any() for array in found.values()):
            # An infinity that is written out is one; 1e999 is a mistake.
            _parse(self._text, json.JSONDecoder(parse_float=_finite))
        return form, found

    def _form(self) -> str:
        document = self.value
        if ROW in document and COLUMN in document:
            raise invalid(
                f"JSON Value: {format_value(document)} Not formatted correctly expecting only one of '{COLUMN}' or "
                f"'{ROW}' keys to exist "
            )
        if ROW in document:
            if not isinstance(document[ROW], list):
                raise invalid(f"JSON Value: {format_value(document)} Expecting '{ROW}' to be an list/array")
            if not document[ROW]:
                raise invalid(f"JSON Value: {format_value(document)} No values in '{ROW}' array")
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
                f"Failed to process element: {place} of 'instances' list. JSON object: {format_value(row)} keys must "
                f"be equal to: {','.join(sorted(inputs))}"
            )
    if not named:
        ((name, info),) = inputs.items()
        return {name: _batch(rows, info.dtype, "")}
    return {name: _batch([row[name] for row in rows], info.dtype, f" key: {name}") for name, info in inputs.items()}


def _batch(rows: list, dtype: int, key: str) -> np.ndarray:
    """One input's values in all rows, which must have one shape."""
    quick = values.at_once(rows, dtype)
    if quick is not None:
        return quick
    first, flat = None, []
    for place, row in enumerate(rows):
        try:
            shape = values.shape_of(row)
            found = values.flattened(row, shape, dtype)
            if first is None:
                first, size = shape, len(found)
            elif len(found) != size:
                raise invalid(f"Expecting tensor size: {size} but got: {len(found)}")
            elif shape != first:
                raise invalid(f"Expecting shape {_listed(first)} but got: {_listed(shape)}")
        except Refusal as error:
            told = f"Failed to process element: {place}{key} of 'instances' list. Error: {error.code}: {error.message}"
            raise Refusal("INVALID_ARGUMENT", told) from None
        flat += found
    return values.array_of(flat, [len(rows), *first], dtype)


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
    quick = values.at_once(value, dtype)
    if quick is not None:
        return quick
    shape = values.shape_of(value)
    return values.array_of(values.flattened(value, shape, dtype), shape, dtype)


def _is_object(value: object) -> bool:
    return isinstance(value, dict) and not values.is_bytes(value)


def _listed(shape: list[int]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"

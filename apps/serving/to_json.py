"""Arrays -> the body of an answer, by TF Serving's rules.

Asked by rows it is `{"predictions": [...]}`, bare values where there is one output and an object for each row where
there are more; asked by columns `{"outputs": ...}`. Texts of an output whose name ends in `_bytes` are base64 objects.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

import numpy as np

from apps.serving.errors import invalid
from apps.serving.from_json import ROW


def body(form: str, answer: Mapping[str, np.ndarray]) -> bytes:
    """The JSON of an answer, in the form of its request.

    Args:
        form: `ROW` or `COLUMN`.
        answer: The outputs by name, at least one.

    Raises:
        Refusal: Rows are asked for, and the outputs have no common number of them; or JSON cannot write a type.
    """
    if form == ROW:
        _check_rows(answer)
    values = {name: _listed(name, array) for name, array in answer.items()}
    if form == ROW:
        if len(values) == 1:
            (told,) = values.values()
        else:
            told = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
        return encode({"predictions": told})
    return encode({"outputs": values if len(values) > 1 else next(iter(values.values()))})


def encode(value: object) -> bytes:
    """JSON in UTF-8; bytes that are no UTF-8 come out as they are, as TF Serving has it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogateescape")


def _check_rows(answer: Mapping[str, np.ndarray]) -> None:
    rows = None
    for name, array in answer.items():
        if not array.ndim:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if rows is not None and len(array) != rows:
            raise invalid(f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: {rows}")
        rows = len(array)


def _listed(name: str, array: np.ndarray) -> object:
    """Nested lists of what JSON has."""
    if array.dtype == object:
        written = _base64 if name.endswith("_bytes") else _text
        flat = np.empty(array.size, object)
        flat[:] = [written(value) for value in array.ravel()]
        return flat.reshape(array.shape).tolist()
    if array.dtype == np.float32:
        # By way of the shortest text that means this float32: 0.2, where its double is 0.20000000298.
        return array.astype("U32").astype(np.float64).tolist()
    if array.dtype == np.float64 or array.dtype.kind in "iub":
        return array.tolist()
    raise invalid(f"Failed to write JSON value for tensor type: {array.dtype.name}")


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _base64(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode()}

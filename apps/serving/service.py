"""TF Serving's methods for either protocol: predict, status, metadata, and their errors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from apps.serving import from_json, to_json
from apps.serving.errors import CODES, Refusal, invalid
from apps.serving.format_value import format_value
from apps.serving.models import Models, State
from apps.serving.signatures import DEFAULT, Version


def predict_json(models: Models, name: str, number: int | None, label: str | None, raw: bytes) -> tuple[bytes, int]:
    """The body of a predict request -> the body of its answer, and the version that gave it.

    Raises:
        Refusal: As TF Serving does.
    """
    asked = from_json.Body(raw)
    signature = asked.signature(DEFAULT)
    version = models.version(name, number, label)
    if signature not in version.definitions:
        raise invalid(f'Serving signature name: "{signature}" not found in signature def')
    inputs = version.inputs(signature)
    if not inputs:
        raise invalid(f"Failed to get input map for signature: {asked.value.get('signature_name') or 'DEFAULT'}")
    form, given = asked.tensors(inputs)
    return to_json.body(form, version.run(signature, given)), version.number


def predict(version: Version, signature: str, given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The outputs of a signature, for inputs that came by name.

    Raises:
        Refusal: As TF Serving does.
    """
    signature = signature or DEFAULT
    if signature not in version.definitions:
        raise Refusal("FAILED_PRECONDITION", f'Serving signature key "{signature}" not found.')
    declared = version.inputs(signature)
    if given.keys() != set(declared):
        extra, missing = sorted(given.keys() - set(declared)), sorted(set(declared) - given.keys())
        raise invalid(
            f"input size does not match signature: {len(given)}!={len(declared)} len({{{','.join(sorted(given))}}}) != "
            f"len({{{','.join(sorted(declared))}}}). Sent extra: {{{','.join(extra)}}}. Missing but required: "
            f"{{{','.join(missing)}}}."
        )
    return version.run(signature, given)


def refuse_examples(version: Version, signature: str, method: str) -> None:
    """Classify and regress take TF Examples, which our exports do not: the reason, as TF Serving gives it.

    Args:
        version: The version that is asked.
        signature: A name; "" means the default.
        method: "classify" or "regress".

    Raises:
        Refusal: Always; UNIMPLEMENTED for a signature that would fit.
    """
    signature = signature or DEFAULT
    if signature not in version.definitions:
        raise invalid(f"No signature was found with the name: {signature}")
    definition = version.definitions[signature]
    kind, most = {"classify": ("classification", 2), "regress": ("regression", 1)}[method]
    if len(definition.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if not 1 <= len(definition.outputs) <= most:
        if method == "regress":
            raise invalid("Expected one output Tensor.")
        raise invalid(f"Expected one or two output Tensors, found {len(definition.outputs)}")
    if "inputs" not in definition.inputs:
        raise invalid(f"No {kind} inputs found in SignatureDef: {definition}")
    if method == "regress" and "outputs" not in definition.outputs:
        raise invalid(f"No {kind} outputs found in SignatureDef: {definition}")
    if method == "classify" and not {"classes", "scores"} & set(definition.outputs):
        raise invalid(
            'Expected classification signature outputs to contain at least one of "classes" or "scores". '
            f"Signature was: {definition}"
        )
    raise Refusal("UNIMPLEMENTED", f"{method} on TF Examples is not served here; ask the signature by predict")


def check_examples(raw: bytes) -> str:
    """Reads the body of a classify or regress request as far as it can be wrong; gives the signature's name."""
    asked = from_json.Body(raw)
    signature = asked.signature("")
    told = format_value(asked.value)
    examples = asked.value.get("examples")
    if "examples" not in asked.value:
        raise invalid(f"JSON Value: {told} When method is classify, key 'examples' is expected and was not found")
    if not isinstance(examples, list):
        raise invalid(f"JSON Value: {told} Expecting 'examples' value to be an list/array")
    if not examples:
        raise invalid(f"JSON Value: {told} 'examples' value is an empty array")
    return signature


def status(states: Mapping[int, State]) -> get_model_status_pb2.GetModelStatusResponse:
    """The message that tells the states of versions."""
    told = get_model_status_pb2.GetModelStatusResponse()
    for number, state in states.items():
        version = told.model_version_status.add(version=number)
        version.state = version.State.Value(state.state)
        version.status.error_code = CODES[state.code][0]
        version.status.error_message = state.message
    return told


def signature_map(version: Version) -> get_model_metadata_pb2.SignatureDefMap:
    """The message that holds all signatures of a version."""
    found = get_model_metadata_pb2.SignatureDefMap()
    for name, definition in version.definitions.items():
        found.signature_def[name].CopyFrom(definition)
    return found

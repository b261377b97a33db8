"""TF Serving's gRPC services, on the stubs of tensorflow-serving-api."""

from __future__ import annotations

import time
from collections.abc import Callable

import grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from apps.serving import protos, service
from apps.serving.errors import Refusal, invalid
from apps.serving.server_context import ServerContext
from apps.serving.signatures import Version

_CODES = {code.name: code for code in grpc.StatusCode}
_SIGNATURES = "signature_def"  # the one field of metadata that there is


class Services(prediction_service_pb2_grpc.PredictionServiceServicer, model_service_pb2_grpc.ModelServiceServicer):
    """PredictionService, and ModelService's status. What the stubs declare beyond this answers UNIMPLEMENTED.

    Args:
        shared: Dependencies of both protocols.
    """

    def __init__(self, shared: ServerContext):
        self._shared = shared

    def register(self, server: grpc.Server) -> None:
        """Adds both services to a server."""
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(self, server)
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(self, server)

    def Predict(self, request: predict_pb2.PredictRequest, context) -> predict_pb2.PredictResponse:
        return self._noted(self._predict, "predict", request, context)

    def GetModelMetadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        return self._noted(self._metadata, "metadata", request, context)

    def GetModelStatus(
        self, request: get_model_status_pb2.GetModelStatusRequest, context
    ) -> get_model_status_pb2.GetModelStatusResponse:
        return self._noted(self._status, "status", request, context)

    def Classify(self, request: classification_pb2.ClassificationRequest, context):
        return self._noted(self._refuse_examples, "classify", request, context)

    def Regress(self, request: regression_pb2.RegressionRequest, context):
        return self._noted(self._refuse_examples, "regress", request, context)

    def MultiInference(self, request: inference_pb2.MultiInferenceRequest, context):
        return self._noted(self._refuse_several, "multi_inference", request, context)

    def _noted(self, answer: Callable, method: str, request, context):
        """Calls `answer`, with the token, the errors, the access log and the counts around it."""
        started = time.perf_counter()
        about = {"model": "", "version": None, "method": method}
        code, message, response = "OK", "", None
        try:
            self._shared.token.check(dict(context.invocation_metadata()).get("authorization"))
            response = answer(request, context, about)
        except Refusal as refusal:
            code, message = refusal.code, refusal.message
        except Exception as error:  # noqa: BLE001 - the last stop: a client never sees a traceback
            self._shared.journal.crash(error)
            code, message = "INTERNAL", "Internal error"
        seconds = time.perf_counter() - started
        self._shared.counts.count(about["model"], "grpc", method, code, seconds)
        self._shared.journal.tell(
            "request",
            client=context.peer(),
            protocol="grpc",
            verb=method,
            path=None,
            model=about["model"][:200],
            version=about["version"],
            status=None,
            code=code,
            bytes_in=request.ByteSize(),
            bytes_out=response.ByteSize() if response is not None else 0,
            milliseconds=round(seconds * 1000, 3),
        )
        if response is None:
            context.abort(_CODES[code], message)
        return response

    def _predict(self, request, context, about: dict) -> predict_pb2.PredictResponse:
        version = self._version(request.model_spec, about)
        return self._shared.workers.answer_now(
            self._run, version, request, about["model"], timeout=context.time_remaining()
        )

    def _run(self, version: Version, request, name: str) -> predict_pb2.PredictResponse:
        signature = request.model_spec.signature_name or service.DEFAULT
        declared = dict(version.inputs(signature)) if signature in version.definitions else {}
        given = {
            alias: protos.array(alias, tensor, declared.get(alias), self._shared.max_body)
            for alias, tensor in request.inputs.items()
        }
        answer = service.predict(version, signature, given)
        response = predict_pb2.PredictResponse(model_spec=model_pb2.ModelSpec(name=name, signature_name=signature))
        response.model_spec.version.value = version.number
        for alias in _filtered(request.output_filter, answer):
            protos.fill(response.outputs[alias], alias, answer[alias])
        return response

    def _metadata(self, request, context, about: dict) -> get_model_metadata_pb2.GetModelMetadataResponse:
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != _SIGNATURES:
                raise invalid(f"Metadata field {field} is not supported")
        version = self._version(request.model_spec, about)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = about["model"]
        response.model_spec.version.value = version.number
        response.metadata[_SIGNATURES].Pack(service.signature_map(version))
        return response

    def _status(self, request, context, about: dict) -> get_model_status_pb2.GetModelStatusResponse:
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        about["model"] = request.model_spec.name
        return service.status(self._shared.models.states(request.model_spec.name, _number(request.model_spec)))

    def _refuse_examples(self, request, context, about: dict) -> None:
        version = self._version(request.model_spec, about)
        service.refuse_examples(version, request.model_spec.signature_name, about["method"])

    def _refuse_several(self, request, context, about: dict) -> None:
        raise Refusal("UNIMPLEMENTED", "MultiInference is not served here; ask the signatures by Predict")

    def _version(self, spec: model_pb2.ModelSpec, about: dict) -> Version:
        about["model"] = spec.name
        label = spec.version_label if spec.HasField("version_label") else None
        version = self._shared.models.version(spec.name, _number(spec), label)
        about["version"] = version.number
        return version


def _number(spec: model_pb2.ModelSpec) -> int | None:
    return spec.version.value if spec.HasField("version") else None


def _filtered(wanted, answer: dict) -> list[str]:
    """The outputs that a client wants; all of them where it names none."""
    for place, alias in enumerate(wanted):
        if alias not in answer:
            known = ",".join(sorted(answer))
            raise invalid(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in the set {{{known}}}."
            )
        if alias in wanted[:place]:
            raise invalid(f"duplicate output tensor alias: {alias}")
    return list(wanted) or list(answer)

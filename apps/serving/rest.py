"""TF Serving's REST API, with /healthz and /metrics beside it, as an ASGI application on Starlette's requests."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import unquote_to_bytes

from google.protobuf import json_format
from starlette.requests import Request
from starlette.responses import Response
from tensorflow_serving.apis import model_pb2

from apps.serving import encodings, prometheus, service, to_json
from apps.serving.endpoint import Endpoint, Gone, json_response, path_of
from apps.serving.errors import Refusal, invalid
from apps.serving.model_folders import MOST
from apps.serving.server_context import ServerContext
from apps.serving.tokens import Token

_VERSION = r"(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
_ASKED = re.compile(rf"/v1/models/(?P<model>[^/:]+){_VERSION}:(?P<method>classify|regress|predict)", re.I | re.A)
_LOOKED = re.compile(rf"/v1/models(?:/(?P<model>[^/:]+))?{_VERSION}(?:/(?P<method>metadata))?", re.I | re.A)
_AT_ONCE = 8  # bodies of the greatest size that may be held in memory together


class Rest:
    """Answers what comes over HTTP.

    Args:
        shared: Dependencies of both protocols.
    """

    def __init__(self, shared: ServerContext):
        self._shared = shared
        self._models = shared.models
        self._workers = shared.workers
        self._api = Endpoint(self._answer, "unknown", shared.token, shared)
        self._beside = {
            "/healthz": Endpoint(self._health, "health", Token(), shared),
            "/metrics": Endpoint(self._metrics, "metrics", shared.token, shared),
        }
        self._held = 0  # bytes of bodies in memory

    async def __call__(self, scope, receive, send) -> None:
        await self._beside.get(scope["path"], self._api)(scope, receive, send)

    async def _health(self, request: Request, about: dict) -> Response:
        return json_response(to_json.encode({"status": "ok", "models": [model.name for model in self._models]}))

    async def _metrics(self, request: Request, about: dict) -> Response:
        return Response(self._shared.counts.page(), headers={"content-type": prometheus.TYPE})

    async def _answer(self, request: Request, about: dict) -> Response:
        path, verb = path_of(request), request.method
        if not path[:4].lower() == "/v1/":
            raise Refusal("NOT_FOUND", "Not Found")
        pattern = {"POST": _ASKED, "GET": _LOOKED}.get(verb)
        matched = pattern.fullmatch(path) if pattern else None
        if not matched:
            raise invalid(f"Malformed request: {verb} {path}")
        about["model"] = name = _decoded(matched["model"] or "")
        label = matched["label"] and _decoded(matched["label"])
        number = matched["version"] and int(matched["version"][:20])
        if number and number > MOST:
            raise invalid(f"Failed to convert version: {matched['version']} to numeric.")
        number = None if number == "" else number
        about["method"] = (matched["method"] or "status").lower()
        if verb == "GET":
            if not name:
                raise invalid("Missing model name in request.")
            if about["method"] == "metadata":
                return self._metadata(name, number, label, about)
            return json_response(_message(service.status(self._models.states(name, number))))
        raw = await self._body(request, about)
        try:
            if about["method"] == "predict":
                body, about["version"] = await self._workers.answer(
                    service.predict_json, self._models, name, number, label, raw
                )
                return json_response(body)
            await self._workers.answer(self._examples, name, number, label, raw, about["method"])
        finally:
            self._held -= len(raw)
        raise AssertionError("examples are always refused")

    def _examples(self, name: str, number: int | None, label: str | None, raw: bytes, method: str) -> None:
        signature = service.check_examples(raw)
        service.refuse_examples(self._models.version(name, number, label), signature, method)

    def _metadata(self, name: str, number: int | None, label: str | None, about: dict) -> Response:
        version = self._models.version(name, number, label)
        about["version"] = version.number
        spec = model_pb2.ModelSpec(name=name)
        spec.version.value = version.number
        signatures = _message(service.signature_map(version), names=True)
        return json_response(
            b'{\n"model_spec":%b,\n"metadata": {"signature_def": %b}\n}\n' % (_message(spec, names=True), signatures)
        )

    async def _body(self, request: Request, about: dict) -> bytes:
        """The whole body, decompressed; what it takes of the memory that all bodies may take the caller gives back."""
        decoder = encodings.decoder(request.headers.get("content-encoding"))
        announced = request.headers.get("content-length", "0")
        if announced.isdigit() and len(announced) < 20 and int(announced) > self._shared.max_body:
            raise self._too_large()
        parts, size = [], 0
        try:
            async with asyncio.timeout(self._workers.timeout):
                more = True
                while more:
                    message = await request.receive()
                    if message["type"] == "http.disconnect":
                        raise Gone
                    about["bytes"] += len(message.get("body", b""))
                    for part in decoder.take(message.get("body", b"")):
                        size += len(part)
                        self._held += len(part)
                        if size > self._shared.max_body:
                            raise self._too_large()
                        if self._held > _AT_ONCE * self._shared.max_body:
                            raise Refusal("RESOURCE_EXHAUSTED", "Too many requests: their bodies fill the memory")
                        parts.append(part)
                    more = message.get("more_body", False)
                decoder.end()
        except (Refusal, Gone, asyncio.CancelledError):
            self._held -= size
            raise
        except TimeoutError:
            self._held -= size
            told = f"The request was not whole within {self._workers.timeout:g} s"
            raise Refusal("DEADLINE_EXCEEDED", told, status=408) from None
        return b"".join(parts)

    def _too_large(self) -> Refusal:
        return Refusal("RESOURCE_EXHAUSTED", f"The request is larger than {self._shared.max_body} bytes", status=413)


def _message(message, names: bool = False) -> bytes:
    """A protobuf message as the JSON that TF Serving's options give."""
    return json_format.MessageToJson(
        message, preserving_proto_field_name=names, always_print_fields_with_no_presence=True
    ).encode()


def _decoded(part: str) -> str:
    return unquote_to_bytes(part).decode("utf-8", "replace")

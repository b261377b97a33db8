"""TF Serving's gRPC services, asked as its clients ask: the official stubs, typed fields, canonical codes."""

import pytest

grpc = pytest.importorskip("grpc", reason="needs the extra [serve]")
pytest.importorskip("tensorflow_serving", reason="needs the extra [serve]")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from tensorflow_serving.apis import (  # noqa: E402
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(server.grpc) as channel:
        yield channel


@pytest.fixture(scope="module")
def stub(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


def ask(signature="serving_default", model="tiny", **inputs):
    """A predict request."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        proto = value if isinstance(value, tf.make_tensor_proto(0).__class__) else tf.make_tensor_proto(value)
        request.inputs[name].CopyFrom(proto)
    return request


def refused(call, request, **options):
    """(code, text) of a refusal."""
    with pytest.raises(grpc.RpcError) as error:
        call(request, timeout=60, **options)
    return error.value.code().name, error.value.details()


def test_predict_is_as_in_process(stub, oracle):
    rows = np.float32([[0.1, -2.5], [3e38, np.nan]])
    response = stub.Predict(ask(x=rows), timeout=60)
    np.testing.assert_array_equal(tf.make_ndarray(response.outputs["y"]), oracle("serving_default", x=rows)["y"])
    # What clients of TF Serving read.
    np.testing.assert_array_equal(
        np.float32(response.outputs["y"].float_val), oracle("serving_default", x=rows)["y"].ravel()
    )
    assert (response.model_spec.name, response.model_spec.signature_name) == ("tiny", "serving_default")
    assert response.model_spec.version.value == 3


def test_an_empty_signature_means_the_default(stub):
    response = stub.Predict(ask("", x=np.float32([[1, 2]])), timeout=60)
    assert list(response.outputs["y"].float_val) == [3, 6]
    assert response.model_spec.signature_name == "serving_default"


@pytest.mark.parametrize(
    ("dtype", "field"),
    [
        ("float32", "float_val"),
        ("float64", "double_val"),
        ("int8", "int_val"),
        ("int16", "int_val"),
        ("int32", "int_val"),
        ("int64", "int64_val"),
        ("uint8", "int_val"),
        ("uint32", "uint32_val"),
        ("uint64", "uint64_val"),
        ("bool", "bool_val"),
    ],
)
def test_every_type_has_its_field(stub, dtype, field):
    values = np.array([0, 1, 127], dtype)
    response = stub.Predict(ask(f"same_{dtype}", x=values), timeout=60)
    proto = response.outputs["y"]
    assert list(getattr(proto, field)) == values.tolist() and not proto.tensor_content
    assert proto.dtype == tf.dtypes.as_dtype(dtype).as_datatype_enum
    assert [dimension.size for dimension in proto.tensor_shape.dim] == [3]


def test_texts_and_filters(stub):
    texts = [b"\xff\x00", "Ü".encode(), b""]
    response = stub.Predict(ask("text", text=texts), timeout=60)
    assert sorted(response.outputs) == ["length", "same", "same_bytes"]
    assert list(response.outputs["same"].string_val) == texts
    request = ask("text", text=texts)
    request.output_filter.append("length")
    response = stub.Predict(request, timeout=60)
    assert list(response.outputs) == ["length"] and list(response.outputs["length"].int_val) == [2, 2, 0]
    request.output_filter.append("length")
    assert refused(stub.Predict, request) == ("INVALID_ARGUMENT", "duplicate output tensor alias: length")
    request.output_filter[1] = "x"
    assert refused(stub.Predict, request) == (
        "INVALID_ARGUMENT",
        "output tensor alias not found in signature: x Outputs expected to be in the set {length,same,same_bytes}.",
    )


def test_versions_and_labels(stub):
    request = ask(x=np.float32([[1, 2]]))
    request.model_spec.version.value = 1
    assert list(stub.Predict(request, timeout=60).outputs["y"].float_val) == [2, 4]
    request.model_spec.version_label = "stable"
    assert list(stub.Predict(request, timeout=60).outputs["y"].float_val) == [2, 4]
    request.model_spec.version_label = "x"
    assert refused(stub.Predict, request) == ("INVALID_ARGUMENT", "Unrecognized servable version label: x")
    request.model_spec.version.value = 2
    assert refused(stub.Predict, request) == ("NOT_FOUND", "Servable not found for request: Specific(tiny, 2)")


def tensor(dtype=1, dims=(), **values):
    proto = tf.make_tensor_proto(0).__class__(dtype=dtype, **values)
    for size in dims:
        proto.tensor_shape.dim.add(size=size)
    return proto


@pytest.mark.parametrize(
    ("request_", "code", "text"),
    [
        (ask("x", x=[1.0]), "FAILED_PRECONDITION", 'Serving signature key "x" not found.'),
        (ask(model="x", x=[1.0]), "NOT_FOUND", "Servable not found for request: Latest(x)"),
        (ask(model="", x=[1.0]), "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        (
            ask("two", b=[1], c=[1]),
            "INVALID_ARGUMENT",
            "input size does not match signature: 2!=2 len({b,c}) != len({a,b}). Sent extra: {c}. Missing but "
            "required: {a}.",
        ),
        (ask(x=np.float64([[1, 2]])), "INVALID_ARGUMENT", "Expected input x to be float, but got double"),
        (ask(x=np.float32([1])), "INVALID_ARGUMENT", "Expected input x to have shape [-1, 2], but got shape [1]"),
        (ask(x=tensor(dims=[-1, 2])), "INVALID_ARGUMENT", "Input x: the shape of a tensor has to be known"),
        (ask(x=tensor(dims=[2, 2], tensor_content=b"abc")), "INVALID_ARGUMENT", "Input x is no valid tensor: "),
        (ask(x=tensor(dtype=99)), "INVALID_ARGUMENT", "Expected input x to be float, but got a type 99"),
        # A few bytes that mean terabytes.
        (ask(x=tensor(dims=[2**40, 2], float_val=[1])), "RESOURCE_EXHAUSTED", "Input x is larger than "),
        (
            ask("text", text=tensor(dtype=7, dims=[2**20], string_val=[b"x" * 1000])),
            "RESOURCE_EXHAUSTED",
            "Input text is larger than ",
        ),
        (ask("picture", jpeg=[b"x"]), "INVALID_ARGUMENT", "Unknown image file format"),
    ],
    ids=range(12),
)
def test_refusals(stub, request_, code, text):
    found, told = refused(stub.Predict, request_)
    assert found == code and told.startswith(text)


def test_metadata(stub):
    request = get_model_metadata_pb2.GetModelMetadataRequest()
    assert refused(stub.GetModelMetadata, request) == ("INVALID_ARGUMENT", "Missing ModelSpec")
    request.model_spec.name = "tiny"
    told = "GetModelMetadataRequest must specify at least one metadata_field"
    assert refused(stub.GetModelMetadata, request) == ("INVALID_ARGUMENT", told)
    request.metadata_field.append("signature_def")
    response = stub.GetModelMetadata(request, timeout=60)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert signatures.signature_def["two"].inputs["b"].dtype == tf.int32.as_datatype_enum
    assert response.model_spec.version.value == 3
    request.metadata_field[0] = "x"
    told = "Metadata field x is not supported"
    assert refused(stub.GetModelMetadata, request) == ("INVALID_ARGUMENT", told)


def test_status(channel):
    stub = model_service_pb2_grpc.ModelServiceStub(channel)
    request = get_model_status_pb2.GetModelStatusRequest()
    assert refused(stub.GetModelStatus, request) == ("INVALID_ARGUMENT", "Missing ModelSpec")
    request.model_spec.name = "tiny"
    versions = stub.GetModelStatus(request, timeout=60).model_version_status
    assert [(one.version, one.State.Name(one.state), one.status.error_code) for one in versions] == [
        (3, "AVAILABLE", 0),
        (1, "AVAILABLE", 0),
    ]
    request.model_spec.version.value = 2
    told = "Could not find version 2 of model tiny"
    assert refused(stub.GetModelStatus, request) == ("NOT_FOUND", told)


def test_examples_are_refused(stub):
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name = "tiny"
    code, text = refused(stub.Classify, request)
    assert code == "INVALID_ARGUMENT" and text.startswith("No classification inputs found in SignatureDef: ")
    assert refused(stub.MultiInference, inference_pb2.MultiInferenceRequest())[0] == "UNIMPLEMENTED"


def test_a_message_above_the_bound_is_refused(stub):
    assert refused(stub.Predict, ask("text", text=[b"x" * (33 * 2**20)]))[0] == "RESOURCE_EXHAUSTED"

"""TF Serving's REST API: answers against the in-process signature, errors against TF Serving's texts."""

import base64
import gzip
import json
import zlib

import numpy as np
import pytest
from google.protobuf import json_format


def test_rows_are_answered_as_in_process(server, oracle):
    rows = [[0.1, -2.5], [3e38, 1e-40]]
    expected = oracle("serving_default", x=rows)["y"]
    status, answer = server.predict({"instances": rows})
    assert status == 200 and list(answer) == ["predictions"]
    np.testing.assert_array_equal(np.float32(answer["predictions"]), expected)
    assert server.predict({"instances": [{"x": row} for row in rows], "signature_name": ""}) == (200, answer)


def test_columns_are_answered_as_in_process(server, oracle):
    rows = [[0.1, -2.5], [7, 8]]
    expected = oracle("serving_default", x=rows)["y"]
    for inputs in (rows, {"x": rows}):
        status, answer = server.predict({"inputs": inputs})
        assert status == 200 and list(answer) == ["outputs"]
        np.testing.assert_array_equal(np.float32(answer["outputs"]), expected)


def test_several_inputs_and_outputs(server, oracle):
    a, b = [[1, 2, 3], [4, 5, 6.5]], [7, -8]
    expected = oracle("two", a=a, b=b)
    status, answer = server.predict(
        {"signature_name": "two", "instances": [{"a": x, "b": y} for x, y in zip(a, b, strict=True)]}
    )
    assert status == 200
    assert answer["predictions"] == [
        {"sum": total, "b": kept} for total, kept in zip(expected["sum"].tolist(), b, strict=True)
    ]
    status, answer = server.predict({"signature_name": "two", "inputs": {"a": a, "b": b, "unknown": 1}})
    assert (status, answer) == (200, {"outputs": {"b": b, "sum": expected["sum"].tolist()}})


def test_texts_and_bytes(server, oracle):
    texts = ["", "plain", "Ünïcödé 映画 🎬", 'a "quoted" \\ line\nend', "\x00"]
    expected = oracle("text", text=texts)
    status, answer = server.predict({"signature_name": "text", "instances": texts})
    assert status == 200
    for place, row in enumerate(answer["predictions"]):
        assert row["same"] == texts[place]
        assert base64.b64decode(row["same_bytes"]["b64"]) == texts[place].encode()
        assert row["length"] == expected["length"][place]
    raw = [bytes(range(256)), b"\xff\xfe", b""]
    encoded = [{"b64": base64.b64encode(one).decode()} for one in raw]
    for request in ({"instances": encoded}, {"instances": [{"text": one} for one in encoded]}, {"inputs": encoded}):
        status, answer = server.predict({"signature_name": "text", **request})
        rows = answer.get("predictions") or answer["outputs"]
        told = rows["same_bytes"] if isinstance(rows, dict) else [row["same_bytes"] for row in rows]
        assert [base64.b64decode(one["b64"]) for one in told] == raw
    # Without padding, and broken into lines.
    status, answer = server.predict({"signature_name": "text", "instances": [{"b64": "YW\nI"}]})
    assert answer["predictions"][0]["same"] == "ab"


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("float64", [0.1, -1e300, 5, 2**60]),
        ("int8", [-128, 127]),
        ("int16", [-(2**15), 2**15 - 1]),
        ("int32", [-(2**31), 2**31 - 1]),
        ("int64", [-(2**63), 2**63 - 1]),
        ("uint8", [0, 255]),
        ("uint32", [0, 2**32 - 1]),
        ("uint64", [0, 2**64 - 1]),
        ("bool", [True, False]),
    ],
)
def test_every_type_comes_back_whole(server, dtype, values):
    assert server.predict({"signature_name": f"same_{dtype}", "instances": values}) == (200, {"predictions": values})
    if "int" in dtype:
        for wrong in (values[0] - 1, values[1] + 1, 1.0, True):
            status, answer = server.predict({"signature_name": f"same_{dtype}", "instances": [0, wrong]})
            assert status == 400
            assert f"is not of expected type: {dtype}" in answer["error"]


def test_floats_come_back_to_the_bit(server):
    bits = np.random.default_rng(0).integers(0, 2**32, 2000, np.uint32)
    values = np.append(bits.view(np.float32), np.float32([0.1, 16777216, 1e-45, np.inf, -np.inf, np.nan, -0.0]))
    status, answer = server.predict({"signature_name": "same_float32", "instances": values.astype(float).tolist()})
    assert status == 200
    np.testing.assert_array_equal(np.float32(answer["predictions"]), values)
    assert server.predict({"signature_name": "same_float32", "instances": [0.2]})[1] == {"predictions": [0.2]}


def test_a_free_shape_takes_any(server):
    for value in (1.5, [], [[]], [[[1.0], [2.0]]]):
        assert server.predict({"signature_name": "free", "inputs": value}) == (200, {"outputs": value})
    assert server.predict({"signature_name": "free", "inputs": [NEST := 1.0]})[1] == {"outputs": [NEST]}


def bare(raw):
    """Deflate without zlib's head and checksum, as some clients send it."""
    return zlib.compress(raw)[2:-4]


ROW = b'{"instances": [[1, 2]]}'
ANSWERED = (200, {"predictions": [[3, 6]]})


@pytest.mark.parametrize(
    ("encoding", "body", "expected"),
    [
        ("gzip", gzip.compress(ROW), ANSWERED),
        ("GZIP, identity", gzip.compress(ROW), ANSWERED),
        ("x-gzip", gzip.compress(ROW[:9]) + gzip.compress(ROW[9:]), ANSWERED),
        ("deflate", zlib.compress(ROW), ANSWERED),
        ("deflate", bare(ROW), ANSWERED),
        ("identity", ROW, ANSWERED),
        ("gzip", iter([bytes([byte]) for byte in gzip.compress(ROW)]), ANSWERED),
        ("deflate", iter([bytes([byte]) for byte in zlib.compress(ROW)]), ANSWERED),
        ("gzip", ROW, (400, "The body is no valid gzip: incorrect header check")),
        ("gzip", gzip.compress(ROW)[:-1], (400, "The body is no valid gzip: it is cut short, or empty")),
        ("gzip", b"", (400, "The body is no valid gzip: it is cut short, or empty")),
        ("gzip", gzip.compress(ROW) + b"xyz", (400, "The body is no valid gzip: incorrect header check")),
        ("gzip", gzip.compress(ROW)[:-8] + bytes(8), (400, "The body is no valid gzip: incorrect data check")),
        ("deflate", zlib.compress(ROW) + b"xyz", (400, "The body is no valid deflate: more follows after its end")),
        ("deflate", b"\xff\xff", (400, "The body is no valid deflate: invalid block type")),
        ("br", ROW, (415, "Content-Encoding br is not read here; expected gzip or deflate, or none")),
        ("gzip, gzip", ROW, (415, "Content-Encoding gzip, gzip is not read here; expected gzip or deflate, or none")),
        ("gzip", gzip.compress(b"{"), (400, "JSON Parse error: Missing a name for object member. at offset: 1")),
    ],
    # Not by the bytes: gzip writes the time into them, and two processes would collect different tests.
    ids=[
        *("gzip", "gzip and identity", "two members", "zlib", "bare", "identity", "gzip byte by byte"),
        *("zlib byte by byte", "not gzip", "cut", "empty", "more after gzip", "wrong checksum", "more after zlib"),
        *("not deflate", "br", "twice", "not JSON"),
    ],
)
def test_a_compressed_body_is_decompressed(server, encoding, body, expected):
    headers = {"Content-Encoding": encoding}
    status, answer, told = server.ask("POST", "/v1/models/tiny:predict", body, headers)
    assert (status, answer.get("error", answer)) == expected
    assert (told["accept-encoding"] == "gzip, deflate") == (status == 415)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://shop.example", True),
        ("http://localhost:3000", True),
        ("http://shop.example", False),
        ("http://localhost:3001", False),
        ("null", False),
    ],
)
def test_pages_of_the_origins_that_are_named_may_ask(server, origin, allowed):
    for body, expected in ((ROW, 200), (b"{", 400)):
        status, _, headers = server.ask("POST", "/v1/models/tiny:predict", body, {"Origin": origin})
        assert (status, headers["access-control-allow-origin"]) == (expected, origin if allowed else None)


X = "Failed to process element: {} of 'instances' list. Error: INVALID_ARGUMENT: "
ERRORS = [
    ("", "JSON Parse error: The document is empty"),
    ("  ", "JSON Parse error: The document is empty"),
    ("{", "JSON Parse error: Missing a name for object member. at offset: 1"),
    ('{"instances": [1, ', "JSON Parse error: Invalid value. at offset: 18"),
    ('{"ä": [tru', "JSON Parse error: Invalid value. at offset: 8"),
    ("[1, 2]", "JSON Value: [1, 2] Is not object"),
    ("{}", "Missing 'inputs' or 'instances' key"),
    ('{"signature_name": 1, "inputs": 1}', "not formatted correctly. 'signature_name' key must be a string value."),
    ('{"signature_name": "x", "inputs": 1}', 'Serving signature name: "x" not found in signature def'),
    (
        '{"signature_name": "__saved_model_init_op", "inputs": 1}',
        "Failed to get input map for signature: __saved_model_init_op",
    ),
    ('{"inputs": 1, "instances": 1}', " Not formatted correctly expecting only one of 'inputs' or 'instances' keys to"),
    ('{"instances": 1}', "JSON Value: {\n    \"instances\": 1\n} Expecting 'instances' to be an list/array"),
    ('{"instances": []}', "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array"),
    ('{"instances": [[1, 2], [1]]}', X.format(1) + "Expecting tensor size: 2 but got: 1"),
    ('{"instances": [[1, 2], [[1], [2]]]}', X.format(1) + "Expecting shape [2] but got: [2,1]"),
    (
        '{"instances": [[1, "a"]]}',
        X.format(0) + 'JSON Value: "a" Type: String is not of expected type: float',
    ),
    ('{"instances": [[1, true]]}', X.format(0) + "JSON Value: true Type: True is not of expected type: float"),
    ('{"instances": [[1, null]]}', X.format(0) + "JSON Value: null Type: Null is not of expected type: float"),
    (
        '{"instances": [[[1], 2]]}',
        X.format(0) + "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
    ),
    ('{"instances": [[1, [2]]]}', X.format(0) + "Encountered list at unexpected level: 1 expected < 1"),
    (
        '{"instances": [[[1, 2], [1]]]}',
        X.format(0) + "Encountered list at unexpected size: 1 at level: 1 expected size: 2",
    ),
    ('{"instances": [{"x": [1, 2]}, [1, 2]]}', "Expecting object but got list at item 1 of input list"),
    ('{"instances": [[1, 2], {"x": [1, 2]}]}', "Expecting value/list but got object at item 1 of input list"),
    (
        '{"instances": [{"z": 1}]}',
        "Failed to process element: 0 key: z of 'instances' list. Error: INVALID_ARGUMENT: JSON object: does not have "
        "named input: z",
    ),
    (
        '{"signature_name": "two", "instances": [{"b": 1}]}',
        "Failed to process element: 0 of 'instances' list. JSON object: {\n    \"b\": 1\n} keys must be equal to: a,b",
    ),
    (
        '{"signature_name": "two", "instances": [1]}',
        "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
        "tensorinfo_map",
    ),
    (
        '{"signature_name": "two", "inputs": [1]}',
        "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
        "tensorinfo_map",
    ),
    ('{"signature_name": "two", "inputs": {"b": [1]}}', "Missing named input: a in 'inputs' object."),
    ('{"signature_name": "text", "inputs": [{"b64": "a"}]}', "Unable to base64 decode"),
    ('{"signature_name": "text", "inputs": [{"b64": "ab!d"}]}', "Unable to base64 decode"),
    ('{"signature_name": "text", "inputs": [{"b64": 1}]}', "not formatted correctly for base64 data"),
    ('{"signature_name": "text", "inputs": ["\\ud800"]}', "JSON Parse error: The surrogate pair in string is invalid."),
    ('{"instances": [[1e999, 1]]}', "JSON Parse error: Number too big to be stored in double."),
    ('{"instances": [[' + "1" * 5000 + ", 1]]}", "JSON Parse error: Number too big to be stored in double."),
    ('{"instances": [[' + "1" * 400 + ", 1]]}", "JSON Parse error: Number too big to be stored in double."),
    ('{"instances": ' + "[" * 100_000, "JSON Parse error: The document is nested too deeply."),
    ('{"instances": [' + "[" * 300 + "]" * 300 + "]}", "Encountered list at unexpected level: 254 expected < 254"),
    ('{"instances": [[1, 2, 3]]}', "Expected input x to have shape [-1, 2], but got shape [1, 3]"),
    ('{"inputs": 5}', "Expected input x to have shape [-1, 2], but got shape []"),
    ('{"signature_name": "uneven", "instances": [1]}', "Tensor name: z has inconsistent batch size: 2 expecting: 1"),
    (b'{"instances": ["\xff"]}', "JSON Parse error: Invalid encoding in string. at offset: 16"),
]


@pytest.mark.parametrize(("body", "text"), ERRORS, ids=range(len(ERRORS)))
def test_errors_are_those_of_tf_serving(server, body, text):
    status, answer = server.predict(body)
    assert status == 400 and list(answer) == ["error"]
    assert text in answer["error"] and len(answer["error"]) < 1100
    if not text.startswith((" ", "not", "JSON Parse error: The surr", "JSON Parse error: Numb", "Encountered list")):
        assert answer["error"].startswith(text)


def test_what_follows_the_document_is_not_read(server):
    assert server.predict('{"instances": [[1, 2]]} {"more"')[0] == 200
    assert server.predict(b'\xef\xbb\xbf \n{"instances": [[1, 2]]}')[0] == 200


def test_a_type_that_json_lacks_is_not_implemented(server):
    text = "Conversion of JSON Value: 1.5 to type: half"
    assert server.predict({"signature_name": "half", "inputs": [1.5]}) == (501, {"error": text})
    told = f"Failed to process element: 0 of 'instances' list. Error: UNIMPLEMENTED: {text}"
    assert server.predict({"signature_name": "half", "instances": [1.5]}) == (400, {"error": told})


def test_the_graphs_own_refusal_is_a_400(server, oracle):
    import tensorflow as tf

    image = tf.io.encode_jpeg(np.zeros((5, 7, 3), np.uint8)).numpy()
    for jpeg, size in ((image, [5, 7, 3]), (image[:40], None), (b"", None), (b"no picture", None)):
        encoded = {"b64": base64.b64encode(jpeg).decode()}
        status, answer = server.predict({"signature_name": "picture", "inputs": [encoded]})
        if size:
            assert (status, answer) == (200, {"outputs": size})
            continue
        assert status == 400 and list(answer) == ["error"]
        # What the kernel says, and nothing of Python's.
        assert "{{node DecodeJpeg}}" in answer["error"] and "Op:" not in answer["error"]
        assert not answer["error"].startswith("Graph execution error")


@pytest.mark.parametrize(
    ("verb", "path", "status", "text"),
    [
        ("POST", "/v1/models/nobody:predict", 404, "Servable not found for request: Latest(nobody)"),
        ("POST", "/v1/models/tiny/versions/2:predict", 404, "Servable not found for request: Specific(tiny, 2)"),
        ("POST", "/v1/models/tiny/labels/canary:predict", 400, "Unrecognized servable version label: canary"),
        (
            "POST",
            f"/v1/models/tiny/versions/{2**63}:predict",
            400,
            f"Failed to convert version: {2**63} to numeric.",
        ),
        ("POST", "/v1/models/tiny/versions/x:predict", 400, "Malformed request: POST /v1/models/tiny/versions/x:pre"),
        ("POST", "/v1/models/tiny", 400, "Malformed request: POST /v1/models/tiny"),
        ("POST", "/v1/models/tiny:explain", 400, "Malformed request: POST /v1/models/tiny:explain"),
        ("POST", "/v1/models/../tiny:predict", 400, "Malformed request: POST /v1/models/../tiny:predict"),
        ("POST", "/v1/models/..%2Ftiny:predict", 404, "Servable not found for request: Latest(../tiny)"),
        ("POST", "/v1/models/%2e%2e/tiny:predict", 400, "Malformed request: POST /v1/models/%2e%2e/tiny:predict"),
        ("POST", "/v1/models/tiny%00:predict", 404, "Servable not found for request: Latest(tiny\x00)"),
        ("POST", "/v1/models/tiny%0A:predict", 404, "Servable not found for request: Latest(tiny\n)"),
        ("PUT", "/v1/models/tiny:predict", 400, "Malformed request: PUT /v1/models/tiny:predict"),
        ("DELETE", "/v1/models/tiny", 400, "Malformed request: DELETE /v1/models/tiny"),
        ("GET", "/v1/models/nobody", 404, "Could not find any versions of model nobody"),
        ("GET", "/v1/models/tiny/versions/2", 404, "Could not find version 2 of model tiny"),
        ("GET", "/v1/models/nobody/metadata", 404, "Servable not found for request: Latest(nobody)"),
        ("GET", "/v1/models", 400, "Missing model name in request."),
        ("GET", "/v1/models/tiny/other", 400, "Malformed request: GET /v1/models/tiny/other"),
        ("GET", "/", 404, "Not Found"),
        ("GET", "/../../etc/passwd", 404, "Not Found"),
        ("GET", "/healthz/", 404, "Not Found"),
    ],
)
def test_addresses(server, verb, path, status, text):
    body = '{"instances": [[1, 2]]}' if verb == "POST" else None
    found, answer, headers = server.ask(verb, path, body)
    assert found == status and headers["content-type"] == "application/json"
    if text.endswith("pre"):
        assert answer["error"].startswith(text)
    else:
        assert answer == {"error": text}


def test_versions_and_labels(server):
    body = '{"instances": [[1, 2]]}'
    for place, factor in (
        ("tiny", 3),
        ("tiny/versions/3", 3),
        ("tiny/versions/1", 2),
        ("tiny/labels/stable", 2),
        ("tiny/versions/0001", 2),
        ("t%69ny", 3),
        ("one", 2),
        ("one/versions/1", 2),
    ):
        assert server.predict(body, place) == (200, {"predictions": [[factor, 2 * factor]]})
    assert server.ask("POST", "/V1/MODELS/tiny:PREDICT", body)[0] == 200


def test_status(server):
    def version(number):
        return {"version": str(number), "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}

    assert server.ask("GET", "/v1/models/tiny")[:2] == (200, {"model_version_status": [version(3), version(1)]})
    assert server.ask("GET", "/v1/models/tiny/versions/1")[1] == {"model_version_status": [version(1)]}
    assert server.ask("GET", "/v1/models/one")[1] == {"model_version_status": [version(1)]}


def test_metadata_is_the_signature_map(server, exports):
    from tensorflow.core.protobuf import saved_model_pb2
    from tensorflow_serving.apis import get_model_metadata_pb2

    status, answer, _ = server.ask("GET", "/v1/models/tiny/labels/stable/metadata")
    assert status == 200
    assert answer["model_spec"] == {"name": "tiny", "signature_name": "", "version": "1"}
    told = json_format.ParseDict(answer["metadata"]["signature_def"], get_model_metadata_pb2.SignatureDefMap())
    saved = saved_model_pb2.SavedModel.FromString((exports / "tiny" / "1" / "saved_model.pb").read_bytes())
    assert dict(told.signature_def) == dict(saved.meta_graphs[0].signature_def)
    default = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert default["inputs"]["x"]["dtype"] == "DT_FLOAT" and default["method_name"] == "tensorflow/serving/predict"


@pytest.mark.parametrize(
    ("method", "body", "status", "text"),
    [
        ("classify", {}, 400, "When method is classify, key 'examples' is expected and was not found"),
        ("classify", {"examples": 1}, 400, "Expecting 'examples' value to be an list/array"),
        ("classify", {"examples": []}, 400, "'examples' value is an empty array"),
        ("classify", {"examples": [{}]}, 400, "No classification inputs found in SignatureDef: "),
        ("classify", {"examples": [{}], "signature_name": "x"}, 400, "No signature was found with the name: x"),
        ("classify", {"examples": [{}], "signature_name": "two"}, 400, "Expected one input Tensor."),
        ("classify", {"examples": [{}], "signature_name": "text"}, 400, "Expected one or two output Tensors, found 3"),
        ("regress", {"examples": [{}]}, 400, "No regression inputs found in SignatureDef: "),
        ("regress", {"examples": [{}], "signature_name": "text"}, 400, "Expected one output Tensor."),
        ("classify", {"examples": [{}], "signature_name": "classes"}, 501, "classify on TF Examples is not served"),
    ],
)
def test_classify_and_regress_are_refused_as_by_tf_serving(server, method, body, status, text):
    found, answer, _ = server.ask("POST", f"/v1/models/tiny:{method}", json.dumps(body))
    assert found == status and text in answer["error"]


def test_many_requests_on_one_connection(server):
    connection = server.connect()
    for number in range(50):
        connection.request("POST", "/v1/models/tiny:predict", json.dumps({"instances": [[number, 1]]}))
        response = connection.getresponse()
        assert json.loads(response.read()) == {"predictions": [[3 * number, 3]]}
        connection.request("POST", "/v1/models/tiny:predict", "{")
        assert connection.getresponse().read().startswith(b'{"error"')
    connection.close()


def test_health_metrics_and_journal(server):
    assert server.ask("GET", "/healthz")[1] == {"status": "ok", "models": ["tiny", "one"]}
    body = '{"instances": [[1, 2]]}'
    connection = server.connect()

    def page():
        connection.request("GET", "/metrics")
        response = connection.getresponse()
        assert response.headers["content-type"].startswith("text/plain")
        lines = response.read().decode().splitlines()
        return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))

    name = 'zoo_serve_requests_total{code="OK",method="predict",model="one",protocol="rest"}'
    before = float(page().get(name, 0))
    assert server.predict(body, "one")[0] == server.predict(body, "one")[0] == 200
    after = page()
    assert float(after[name]) == before + 2
    assert after['zoo_serve_version_available{model="tiny",version="3"}'] == "1.0"
    assert after["zoo_serve_pending_requests"] == "0.0"
    assert "nobody" not in str(after)  # a name that a stranger makes up leaves no trace
    server.predict(body, "one", **{"X-Mark": "1"})
    line = server.event("request", model="one")
    assert line["status"] == 200 and line["version"] == 1 and line["bytes_in"] == len(body)
    assert line["client"] == "127.0.0.1" and line["path"] == "/v1/models/one:predict" and line["milliseconds"] > 0
    connection.close()

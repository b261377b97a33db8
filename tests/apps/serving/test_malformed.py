"""Thousands of requests that are wrong in every way: each gets its 4xx in TF Serving's form, and the server is well."""

import base64
import json
import random
import socket
import string

import pytest

GOOD = {"instances": [[1, 2]]}
HONEST = (501,)  # what TF Serving does not implement either


def body_that_is_wrong(chance):
    """The body of a predict request that nobody should answer."""
    junk = "".join(chance.choices(string.printable, k=chance.randrange(1, 60)))
    big = chance.choice(["1e999", "-1e400", "9" * chance.randrange(310, 6000)])
    depth = chance.choice([5, 260, 2000, 50_000])
    kinds = [
        lambda: junk,
        lambda: json.dumps(GOOD)[: chance.randrange(20)],
        lambda: json.dumps(chance.choice([None, True, 1, "text", [], [GOOD], {}, {"x": GOOD}])),
        lambda: json.dumps({"instances": chance.choice([None, 1, "x", {}, [], [[]], [None], [{}], [[1, 2, 3]]])}),
        lambda: json.dumps({"instances": [[1, chance.choice(["1", None, True, {}, [2], {"b64": "AA=="}])]]}),
        lambda: json.dumps({"inputs": chance.choice([None, 1, "x", {}, [], {"y": 1}, {"b64": "AA"}, {"b64": 1}])}),
        lambda: f'{{"instances": [[1, {big}]]}}',
        lambda: f'{{"inputs": {{"x": [[{big}, 1]]}}}}',
        lambda: '{"instances": ' + "[" * depth + "1" + "]" * depth + "}",
        lambda: '{"instances": ' + "[" * depth,
        lambda: '{"a":' * depth,
        lambda: json.dumps({"signature_name": junk, **GOOD}),
        lambda: json.dumps({"signature_name": chance.choice([1, None, [], {}, True]), **GOOD}),
        lambda: json.dumps({**GOOD, "inputs": 1}),
        lambda: json.dumps(
            {"signature_name": "text", "inputs": [{"b64": chance.choice(["a", "é", "*" * 9, "a=b", 1])}]}
        ),
        lambda: json.dumps({"signature_name": "text", "inputs": [{"b64": "AA==", "x": 1}]}),
        lambda: '{"signature_name": "text", "inputs": ["\\ud8' + chance.choice(["00", "00x", "ff", "xx"]) + '"]}',
        lambda: json.dumps({"signature_name": "two", "instances": [{"a": [1, 2, 3], "b": chance.choice([1.5, "x"])}]}),
        lambda: json.dumps({"signature_name": "two", "inputs": {"a": [[1, 2, 3]]}}),
        lambda: json.dumps({"signature_name": "same_int32", "instances": [chance.choice([2**31, -(2**40), 0.5, 1e3])]}),
        lambda: json.dumps({"signature_name": "same_bool", "instances": [chance.choice([0, 1, "true"])]}),
        lambda: '{"signature_name": "same_int32", "instances": [NaN]}',
        lambda: json.dumps({"signature_name": "half", "inputs": [1]}),
        lambda: json.dumps({"signature_name": "uneven", "instances": [1, 2]}),
        lambda: json.dumps(
            {"signature_name": "picture", "inputs": [{"b64": base64.b64encode(chance.randbytes(50)).decode()}]}
        ),
        lambda: chance.randbytes(chance.randrange(1, 200)),
        lambda: json.dumps({"instances": ["ü" * 30]}).encode("utf-16"),
        lambda: b'{"instances": ["' + bytes([chance.randrange(128, 256)]) + b'"]}',
    ]
    body = chance.choice(kinds)()
    return body if isinstance(body, bytes) else body.encode()


def path_that_is_wrong(chance):
    """A path where no model answers."""
    parts = [
        "..",
        "%2e%2e",
        "%2F",
        "%00",
        "tiny",
        "v1",
        "models",
        "\\",
        "%",
        "%zz",
        "ü",
        "versions",
        "-1",
        "9" * 30,
        ":",
    ]
    parts += ["labels", "predict", "metadata", "'", '"', "%c0%ae", "%0d%0aX:y", ";", "?a=b", "~", "etc/passwd"]
    way = "/".join(chance.choices(parts, k=chance.randrange(1, 7)))
    if way.startswith("tiny"):  # a right one, perhaps
        way = "x" + way
    return chance.choice(["/", "/v1/models/", "/v1/models/tiny/versions/7/", "//", "/V1/x/"]) + way


def raw_that_is_wrong(chance):
    """Bytes that are no HTTP, or not all of it."""
    head = "POST /v1/models/tiny:predict HTTP/1.1\r\nHost: x\r\n"
    return chance.choice(
        [
            chance.randbytes(chance.randrange(1, 300)),
            b"GET\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # the beginning of TLS
            b"GET /" + b"a" * 70_000,
            b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
            (head + "Content-Length: -5\r\n\r\n{}").encode(),
            (head + "Content-Length: x\r\n\r\n{}").encode(),
            (head + "Content-Length: 99999999999999999999999\r\n\r\n{}").encode(),
            (head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}").encode(),
            (head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}").encode(),
            (head + "Transfer-Encoding: chunked\r\n\r\n-1\r\n").encode(),
            (head + "Content-Length: 1000\r\n\r\n{").encode(),
            (head + "Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n").encode(),
        ]
    )


def ask_raw(server, raw):
    """The server's answer to bytes after which the client says no more."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        answer = b""
        try:
            client.sendall(raw)
            client.shutdown(socket.SHUT_WR)
            while part := client.recv(65536):
                answer += part
        except (ConnectionResetError, BrokenPipeError):  # the server had heard enough
            pass
        return answer


def attack(server, oracle, seed, count):
    """Sends so many wrong requests; a right one among every fifty has to be answered right."""
    chance = random.Random(seed)
    expected = {"predictions": oracle("serving_default", x=[[1, 2]])["y"].tolist()}
    connection = server.connect()
    for number in range(count):
        kind = chance.random()
        if kind < 0.75:
            verb, path, body = "POST", "/v1/models/tiny:predict", body_that_is_wrong(chance)
        elif kind < 0.9:
            verb, path, body = chance.choice(["GET", "POST", "PUT", "OPTIONS"]), path_that_is_wrong(chance), b""
        else:
            raw = raw_that_is_wrong(chance)
            answer = ask_raw(server, raw)
            assert not answer or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 100")), (raw[:200], answer[:300])
            if b"\r\n\r\n{" in answer:
                assert list(json.loads(answer.rpartition(b"\r\n\r\n")[2])) == ["error"]
            continue
        path = path.encode().decode("latin-1")
        connection.putrequest(verb, "/", skip_host=False)
        connection._buffer[0] = f"{verb} {path} HTTP/1.1".encode("latin-1")  # http.client refuses such paths
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        told = response.read()
        assert 400 <= response.status < 500 or response.status in HONEST, (verb, path, body[:300], response.status)
        assert list(json.loads(told)) == ["error"], (verb, path, body[:300], told[:300])
        if response.headers.get("connection") == "close":
            connection.close()
        if number % 50 == 0:
            assert server.predict(GOOD) == (200, expected)
    connection.close()
    assert server.predict(GOOD) == (200, expected)
    assert not [line for line in server.lines if line["event"] == "error"]


def test_hundreds_of_wrong_requests(server, oracle):
    attack(server, oracle, 1, 400)


@pytest.mark.matrix
def test_a_head_that_never_ends_gets_408(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=90) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        answer = b""
        while part := client.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert answer.endswith(b'{"error":"The head of the request was not whole within 30 s"}')


@pytest.mark.matrix
def test_ten_thousand_wrong_requests_leave_nothing(serve, exports, oracle):
    server = serve(exports / "tiny")
    attack(server, oracle, 2, 2000)
    before = server.memory()
    attack(server, oracle, 3, 10_000)
    assert server.memory() < 1.05 * before
    assert server.stop() == (0, "")

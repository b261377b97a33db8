"""A server's beginning, its bounds and its end: wrong command lines, 401, 408, 413, 429, 504, signals, TLS."""

import gzip
import json
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

BODY = '{"instances": [[1, 2]]}'
PREDICT = "/v1/models/tiny:predict"


def slow(turns):
    return json.dumps({"signature_name": "slow", "instances": [turns]})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Files with a key and a certificate for loopback."""
    if not shutil.which("openssl"):
        pytest.skip("needs the command openssl to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 "
        "-keyout key.pem -out certificate.pem".split(),
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder / "key.pem", folder / "certificate.pem"


@pytest.fixture(scope="module")
def strict(serve, exports, certificate, tmp_path_factory):
    """A server with TLS, a token and narrow bounds: one worker, one place in the queue, 2 kB, 1 s."""
    file = tmp_path_factory.mktemp("token") / "token"
    file.write_text("sesame\n")
    bounds = ["--workers", 1, "--queue", 1, "--max-body", 0.002, "--timeout", 1, "--token-file", file]
    bounds += ["--cors-origin", "*"]
    key, chain = certificate
    tls = ssl.create_default_context(cafile=chain)
    return serve(exports / "tiny", *bounds, "--ssl-keyfile", key, "--ssl-certfile", chain, tls=tls)


@pytest.fixture
def let_in():
    return {"Authorization": "Bearer sesame"}


@pytest.mark.parametrize(
    "given", [{}, {"Authorization": "Bearer"}, {"Authorization": "Bearer sesam"}, {"Authorization": "sesame"}]
)
def test_without_the_token_nothing_is_told(strict, given):
    for verb, path in (("POST", PREDICT), ("GET", "/v1/models/tiny"), ("GET", "/metrics"), ("GET", "/nowhere")):
        status, answer, headers = strict.ask(verb, path, BODY if verb == "POST" else None, given)
        assert (status, answer) == (401, {"error": "This server needs a bearer token"})
        assert headers["www-authenticate"] == "Bearer"
    assert strict.ask("GET", "/healthz", None, given)[0] == 200


def test_a_browser_asks_what_it_may_without_the_token_and_needs_it_for_the_answer(strict, let_in):
    origin = {"Origin": "https://any.example"}
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    connection = strict.connect()
    connection.request("OPTIONS", PREDICT, None, origin | asks)
    response = connection.getresponse()
    response.read()
    assert (response.status, response.headers["access-control-allow-origin"]) == (200, "*")
    assert "authorization" in response.headers["access-control-allow-headers"]
    connection.close()
    for given, expected in ((origin, 401), (origin | let_in, 200)):
        status, _, headers = strict.ask("POST", PREDICT, BODY, given)
        assert (status, headers["access-control-allow-origin"]) == (expected, "*")


def test_with_the_token_all_is_told(strict, let_in):
    assert strict.ask("POST", PREDICT, BODY, let_in)[0] == 200
    assert strict.ask("GET", "/v1/models/tiny", None, let_in)[0] == 200


def test_the_token_and_tls_over_grpc(strict, certificate):
    import grpc
    from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "tiny"
    trusted = grpc.ssl_channel_credentials(certificate[1].read_bytes())
    with grpc.secure_channel(strict.grpc, trusted) as channel:
        ask = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus
        assert ask(request, timeout=60, metadata=[("authorization", "Bearer sesame")]).model_version_status
        with pytest.raises(grpc.RpcError) as error:
            ask(request, timeout=60)
        assert error.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_without_tls_there_is_no_answer(strict):
    assert strict.ready["rest"].startswith("https://")
    with socket.create_connection(("127.0.0.1", strict.port), timeout=30) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        assert b"HTTP" not in client.recv(65536)
    assert strict.ask("GET", "/healthz")[0] == 200


def test_413_for_a_body_that_is_too_large(strict, let_in):
    large = json.dumps({"instances": [[1, 2]] * 1000})
    told = {"error": "The request is larger than 2097 bytes"}
    assert strict.ask("POST", PREDICT, large, let_in)[:2] == (413, told)
    # In pieces, so that its length is not announced.
    assert strict.ask("POST", PREDICT, iter([large[:1000].encode(), large[1000:].encode()]), let_in)[:2] == (413, told)
    # Few bytes that unfold to many: no more than the bound is ever decompressed.
    bomb = {**let_in, "Content-Encoding": "gzip"}
    assert strict.ask("POST", PREDICT, gzip.compress(large.encode()), bomb)[:2] == (413, told)
    before = strict.memory()
    for _ in range(3):
        assert strict.ask("POST", PREDICT, gzip.compress(bytes(2**20)), bomb)[:2] == (413, told)
    assert strict.memory() - before < 2**23
    # The connection is still good.
    connection = strict.connect()
    for body, status in ((large, 413), (BODY, 200), (large, 413), (BODY, 200)):
        connection.request("POST", PREDICT, body, let_in)
        response = connection.getresponse()
        response.read()
        assert response.status == status
    connection.close()


def test_408_for_a_client_that_dawdles(strict):
    plain = socket.create_connection(("127.0.0.1", strict.port), timeout=30)
    with strict.tls.wrap_socket(plain, server_hostname="127.0.0.1") as client:
        client.sendall(
            b"POST " + PREDICT.encode() + b" HTTP/1.1\r\nAuthorization: Bearer sesame\r\nContent-Length: 100\r\n\r\n{"
        )
        started = time.monotonic()
        answer = b""
        while part := client.recv(65536):  # to the end: the server closes
            answer += part
    assert answer.startswith(b"HTTP/1.1 408 ") and b'{"error":"The request was not whole within 1 s"}' in answer
    assert 0.8 < time.monotonic() - started < 20


def test_504_and_429(strict, let_in):
    """One request takes too long, one waits behind it, a third finds no place; then all is as before."""
    answers = {}

    def ask(name, body):
        answers[name] = strict.ask("POST", PREDICT, body, let_in)[:2]

    first = threading.Thread(target=ask, args=("first", slow(1_000_000)))
    second = threading.Thread(target=ask, args=("second", BODY))
    first.start()
    time.sleep(0.3)
    second.start()
    time.sleep(0.3)
    ask("third", BODY)
    assert answers == {"third": (429, {"error": "Too many requests: 1 are waiting already"})}
    first.join()
    second.join()
    late = (504, {"error": "Deadline exceeded: no answer within 1 s"})
    assert answers["first"] == late
    assert answers["second"] in (late, (200, {"predictions": [[3, 6]]}))
    deadline = time.monotonic() + 60
    while strict.ask("POST", PREDICT, BODY, let_in)[0] != 200:  # what was given up runs on for a while
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_ctrl_c_ends_it_after_what_was_accepted(strict, let_in):
    """The last test of this server."""
    answers = []
    asking = threading.Thread(target=lambda: answers.append(strict.ask("POST", PREDICT, slow(20_000), let_in)[:2]))
    idle = strict.connect()
    idle.request("GET", "/healthz")
    idle.getresponse().read()
    asking.start()
    time.sleep(0.05)
    assert strict.stop(signal.SIGINT) == (130, "")
    asking.join()
    idle.close()
    assert answers == [(200, {"predictions": [20_000]})]
    assert strict.lines[-1]["event"] == "stopped"


def test_wrong_command_lines(exports, tmp_path, zoo_main, monkeypatch):
    """In this process: nothing of this gets as far as a server."""
    monkeypatch.chdir(tmp_path)
    tiny = exports / "tiny"
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "blank").write_text(" \n")
    (tmp_path / "bad" / "1").mkdir(parents=True)
    (tmp_path / "bad" / "1" / "saved_model.pb").write_bytes(b"\x00 rubbish")
    import tensorflow as tf

    module = tf.Module()
    module.variable = tf.Variable(1.0)
    tf.saved_model.save(module, str(tmp_path / "mute" / "1"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for argv, message in (
            ([], "the following arguments are required: [NAME=]PRESET_OR_EXPORT"),
            (["sentiment-imbd"], "no preset and no folder named 'sentiment-imbd'; did you mean 'sentiment-imdb'?"),
            (["no/such"], "'no/such': expected a preset, or the folder of an export; there is no such folder"),
            (["file"], "'file': expected a preset, or the folder of an export; there is no such folder"),
            (["empty"], "empty: not a preset, and not an export (no saved_model.pb, no folder 1/)"),
            ([exports], f"{exports}: not a preset, and not an export; it holds tiny: name them"),
            ([tiny, tiny], "two models are named 'tiny'"),
            ([tiny, f"tiny={exports / 'tiny' / '1'}"], "two models are named 'tiny'"),
            ([f"a/b={tiny}"], "expected a name without '/', ':' and spaces before the '='"),
            (["mute"], f"{'mute/1'}: this SavedModel has no signatures, so that nothing can be asked of it"),
            (["bad"], "bad/1: saved_model.pb is damaged, or no SavedModel"),
            ([tiny, "--label", "tiny=1"], "--label: expected MODEL:LABEL=VERSION, such as sentiment-imdb:stable=3"),
            ([tiny, "--label", "tini:a=1"], "--label tini:a=1: no model 'tini' is served; did you mean 'tiny'?"),
            ([tiny, "--label", "tiny:a=2"], "--label tiny:a=2: there is no such version; there are: 1, 3"),
            ([tiny, "--port", port], f"--port {port}: cannot listen on 127.0.0.1: Address already in use"),
            ([tiny, "--grpc-port", port], f"--grpc-port {port}: cannot listen on 127.0.0.1: Address already in use"),
            ([tiny, "--port", "70000"], "--port: expected a port from 0 to 65535, got 70000"),
            ([tiny, "--port", "7", "--grpc-port", "7"], "--port and --grpc-port: expected two ports, got 7 twice"),
            ([tiny, "--host", "256.1.1.1"], "--host 256.1.1.1: no such address"),
            ([tiny, "--timeout", "nan"], "--timeout: expected seconds from 0.001 to 86400, got nan"),
            ([tiny, "--workers", "0"], "--workers: expected a whole number from 1 to 1024, got 0"),
            ([tiny, "--threads", "0"], "--threads: expected a whole number from 1 to 1024, got 0"),
            ([tiny, "--batch", "1025"], "--batch: expected a whole number from 1 to 1024, got 1025"),
            ([tiny, "--queue", "-1"], "--queue: expected a whole number from 0 to 10000, got -1"),
            ([tiny, "--max-body", "0"], "--max-body: expected megabytes from 0.001 to 2047, got 0"),
            (
                [tiny, "--cors-origin", "shop.example"],
                "--cors-origin shop.example: expected an origin such as https://",
            ),
            ([tiny, "--cors-origin", "https://a.b/c"], "or *: without what follows the host"),
            ([tiny, "--cors-origin", "https://a.b:x"], "--cors-origin https://a.b:x: expected an origin such as"),
            ([tiny, "--token-file", "nowhere"], "--token-file nowhere: cannot be read: No such file or directory"),
            ([tiny, "--token-file", "blank"], "--token-file blank: expected one token without spaces"),
            ([tiny, "--ssl-keyfile", "file"], "--ssl-keyfile and --ssl-certfile: TLS needs both"),
            ([tiny, "--ssl-keyfile", "file", "--ssl-certfile", "file"], "--ssl-certfile file, --ssl-keyfile file: "),
        ):
            ports = [] if "--port" in argv or "--grpc-port" in argv else ["--port", 0, "--grpc-port", 0]
            if "--grpc-port" in argv and "--port" not in argv:
                ports = ["--port", 0]
            if "--port" in argv and "--grpc-port" not in argv:
                ports = ["--grpc-port", 0]
            status, _, err = zoo_main("serve", *argv, *ports)
            assert status == 2, argv
            assert err.startswith("zoo: ") and err.count("\n") == 1, err
            assert message in err


def test_without_the_extra_it_says_how_to_get_it(exports, zoo_main, monkeypatch):
    from apps import serve

    monkeypatch.setattr(serve, "_MODULES", ("no_such_module",))
    status, _, err = zoo_main("serve", exports / "tiny")
    assert status == 2 and 'pip install "keras-menagerie[serve]"' in err

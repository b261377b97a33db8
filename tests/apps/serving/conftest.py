"""Tiny SavedModels, and servers as processes of their own on loopback.

The oracle is the same SavedModel, loaded in the test's own process and asked by its signature.
"""

import http.client
import importlib.util
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.apps.processes import interruptible

ROOT = Path(__file__).parents[3]
NEEDED = ("starlette", "uvicorn", "uvloop", "httptools", "prometheus_client", "grpc", "tensorflow_serving")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
PATIENCE = 120  # seconds until a server must be ready: the machine may be busy


def pytest_collection_modifyitems(items):
    """Without the extra there is nothing to test here."""
    if MISSING:
        for item in items:
            if Path(item.fspath).parent == Path(__file__).parent:
                item.add_marker(pytest.mark.skip(reason=f"needs the extra [serve]: no {', '.join(MISSING)}"))


def write(folder, factor=3.0):
    """A SavedModel with signatures of many kinds; `factor` tells versions apart."""
    import tensorflow as tf

    def spec(dtype, *shape, name):
        return tf.TensorSpec([None, *shape], dtype, name)

    module = tf.Module()
    module.factor = tf.Variable(factor)
    signatures = {}

    def add(name, function, **inputs):
        signatures[name] = tf.function(function).get_concrete_function(**inputs)

    add("serving_default", lambda x: {"y": x * module.factor}, x=spec(tf.float32, 2, name="x"))
    add(
        "two",
        lambda a, b: {"sum": tf.reduce_sum(a) + tf.cast(b, tf.float32), "b": b},
        a=spec(tf.float32, 3, name="a"),
        b=spec(tf.int32, name="b"),
    )
    add(
        "text",
        lambda text: {"length": tf.strings.length(text), "same": text, "same_bytes": text},
        text=spec(tf.string, name="text"),
    )
    for dtype in (tf.float64, tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint32, tf.uint64, tf.bool):
        add(f"same_{dtype.name}", lambda x: {"y": tf.identity(x)}, x=spec(dtype, name="x"))
    add("same_float32", lambda x: {"y": tf.identity(x)}, x=spec(tf.float32, name="x"))
    add("half", lambda x: {"y": tf.cast(x, tf.float32)}, x=spec(tf.float16, name="x"))
    add("free", lambda x: {"y": tf.identity(x)}, x=tf.TensorSpec(None, tf.float32, "x"))
    add("uneven", lambda x: {"y": x, "z": tf.concat([x, x], 0)}, x=spec(tf.float32, name="x"))
    add("picture", lambda jpeg: {"size": tf.shape(tf.io.decode_jpeg(jpeg[0]))}, jpeg=spec(tf.string, name="jpeg"))
    add(
        "slow",
        lambda turns: {
            "y": tf.while_loop(lambda i: i < turns[0], lambda i: [i + 1], [0], parallel_iterations=1)[0][None]
        },
        turns=spec(tf.int32, name="turns"),
    )
    add(
        "classes",
        lambda inputs: {"scores": tf.strings.to_number(inputs)[:, None]},
        inputs=spec(tf.string, name="inputs"),
    )
    tf.saved_model.save(module, str(folder), signatures=signatures)
    return folder


@pytest.fixture(scope="session")
def exports(tmp_path_factory):
    """A folder with the model `tiny` in versions 1 and 3."""
    home = tmp_path_factory.mktemp("exports")
    write(home / "tiny" / "1", 2.0)
    write(home / "tiny" / "3", 3.0)
    return home


@pytest.fixture(scope="session")
def oracle(exports):
    """Asks version 3 in this process: signature and arrays -> arrays by name."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(exports / "tiny" / "3"))

    def ask(signature, **inputs):
        infos = loaded.signatures[signature].structured_input_signature[1]
        given = {name: tf.constant(value, infos[name].dtype) for name, value in inputs.items()}
        return {name: value.numpy() for name, value in loaded.signatures[signature](**given).items()}

    ask.loaded = loaded  # the signatures live no longer than this
    return ask


class Server:
    """`zoo serve` as a process; its lines of journal arrive in `lines`."""

    def __init__(self, *argv, cache, tls=None, patience=PATIENCE):
        self.tls = tls
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(cache)}
        with interruptible():
            self.process = subprocess.Popen(
                [sys.executable, "-m", "apps.cli", "serve", *map(str, argv), "--port", "0", "--grpc-port", "0"],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=environment,
            )
        self.lines, self._arrived = [], queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.ready = self.event("ready", patience)
        except (AssertionError, queue.Empty):
            self.process.kill()
            raise
        self.port = int(self.ready["rest"].rsplit(":", 1)[1])
        self.grpc = self.ready["grpc"]

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(json.loads(line))
            self._arrived.put(self.lines[-1])
        self._arrived.put(None)

    def event(self, name, seconds=PATIENCE, **fields):
        """The next line of that event, and of those fields."""
        while True:
            line = self._arrived.get(timeout=seconds)
            if line is None:
                raise AssertionError(f"the server ended: {self.process.stderr.read()}")
            if line["event"] == name and fields.items() <= line.items():
                return line

    def connect(self, timeout=60):
        if self.tls:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=self.tls)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, verb, path, body=None, headers=None):
        """(status, the JSON of the answer, headers), over a connection of its own."""
        connection = self.connect()
        try:
            connection.request(verb, path, body, headers or {})
            response = connection.getresponse()
            # TF Serving writes a text that is no UTF-8 as it is.
            return response.status, json.loads(response.read().decode("utf-8", "surrogateescape")), response.headers
        finally:
            connection.close()

    def predict(self, body, model="tiny", **headers):
        """(status, the JSON of the answer) of a predict request."""
        raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
        return self.ask("POST", f"/v1/models/{model}:predict", raw, headers)[:2]

    def memory(self):
        """Bytes that the process holds."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def stop(self, number=signal.SIGTERM, seconds=60):
        """(exit status, stderr)."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            status = self.process.wait(seconds)
        finally:
            self.process.kill()
            self.process.wait()
        self._reader.join(5)
        with self.process.stdout, self.process.stderr:
            return status, self.process.stderr.read()


@pytest.fixture(scope="session")
def serve(tmp_path_factory):
    """Starts servers; all end with the tests."""
    started, cache = [], tmp_path_factory.mktemp("cache")

    def start(*argv, **options):
        started.append(Server(*argv, cache=cache, **options))
        return started[-1]

    yield start
    for server in started:
        if not server.process.stdout.closed:
            server.stop(signal.SIGKILL)


@pytest.fixture(scope="session")
def server(serve, exports):
    """One server for all tests that only ask."""
    origins = ["--cors-origin", "https://Shop.example:443/", "--cors-origin", "http://localhost:3000"]
    return serve(exports / "tiny", f"one={exports / 'tiny' / '1'}", "--label", "tiny:stable=1", *origins)


@pytest.fixture(scope="session")
def save():
    """Writes a version of the tiny model."""
    return write

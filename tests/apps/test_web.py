"""The page: what each tab answers, what it refuses, what it leaves behind, and that nothing goes out.

The page's server runs as a process. Without a browser it is asked as the page in one asks it, with a fake task; in a
headless Chromium (`pytest -m matrix`) the shipped presets answer, and the oracle is the preset in the test's process.
"""

import asyncio
import contextlib
import http.client
import importlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote, urlsplit

import matplotlib
import pytest

from apps import cli
from apps.pages import drawings, wording
from apps.reading import command_line
from tests.apps.processes import interruptible
from zoo import preset, task_catalog
from zoo.errors import UserError

ROOT = Path(__file__).parents[2]
MISSING = [name for name in ("gradio", "fastapi", "uvicorn") if importlib.util.find_spec(name) is None]
needs_gradio = pytest.mark.skipif(bool(MISSING), reason=f"needs the extra [web]: no {', '.join(MISSING)}")
MODULES = {name: importlib.import_module(module) for name, (module, _) in cli.COMMANDS.items()}
TABS = {name: module.TAB for name, module in MODULES.items() if hasattr(module, "TAB")}
LABELS = {"labels": ["bad", "good"]}
PATIENCE = 60  # seconds: the machine may be busy


# What applications declare.


def test_every_answering_application_has_a_tab():
    assert set(TABS) == {name for name, module in MODULES.items() if hasattr(module, "application")}


@pytest.mark.parametrize("name", TABS)
def test_a_tab_names_presets_and_pictures_that_are_there(name):
    tab = TABS[name]
    assert tab.task in task_catalog.names()
    for used in (tab.preset, *(chosen for chosen, _ in tab.examples)):
        assert preset.read_config(preset.find(used))["task"] == tab.task
    assert tab.preset in {chosen for chosen, _ in tab.examples}
    if tab.takes == "picture":
        assert {item for _, item in tab.examples} <= set(drawings.OUTLINES)


# One application's desk, with a task that answers at once.


@pytest.fixture
def desk(folders, writers, fake, tmp_path):
    """Makes the desk of an application whose only preset is the fake one."""
    from apps.pages.loaded_tasks import Models
    from apps.pages.tab_session import TabSession

    place = {"sentiment": folders["text"], "classify": folders["image"], "translate": writers["mine"]}
    place["summarize"] = writers["summary"]

    def make(name):
        models = Models({"mine": place[name]})
        return TabSession(name, MODULES[name], models, {"mine": preset.read_config(place[name])}, tmp_path)

    return make


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("sentiment", "gg\nxx", ["bad 60.0 % "]),
        ("summarize", "one\ntwo", ["ONE TWO"]),
        ("translate", "one\n\ntwo", ["ONE", "(empty)", "TWO"]),
    ],
)
def test_a_desk_takes_a_text_whole_or_line_by_line(desk, name, given, expected):
    found = [result.to_text() for _, result in desk(name).answer("mine", given)]
    assert found == [text.strip() for text in expected]


@pytest.mark.parametrize(
    ("name", "given", "line"),
    [
        ("sentiment", "", "nothing to do: give a text"),
        ("sentiment", " \n", "nothing to do: give a text"),
        ("translate", None, "nothing to do: give a text"),
        ("classify", None, "nothing to do: give a picture"),
        (
            "summarize",
            "x" * 10_001,
            "the text has 10,001 characters; this page takes 10,000, zoo summarize FILE as many as there are",
        ),
        ("classify", "/nowhere.png", "cannot be read: No such file or directory"),
    ],
)
def test_a_desk_refuses_in_one_line(desk, name, given, line):
    with pytest.raises(UserError) as refused:
        desk(name).answer("mine", given)
    assert str(refused.value) == line


def test_a_bad_picture_gets_the_line_of_the_command(desk, zoo_main, folders, tmp_path):
    path = tmp_path / "text.png"
    path.write_text("no picture\n")
    with pytest.raises(UserError) as refused:
        desk("classify").answer("mine", str(path))
    _, lines, _ = zoo_main("classify", "--model", folders["image"], path)
    assert str(refused.value) == json.loads(lines[0])["error"]


def test_presets_and_labels_are_called_by_words():
    presets = {
        "runs/mine": {"languages": ["en", "de"]},
        "translate-de-en": {"languages": ["de", "en"]},
        "translate-de-en-lstm": {"languages": ["de", "en"]},
        "other": {"languages": ["xx", "EN"]},
        "sentiment-imdb": {"labels": ["neg", "pos"]},
    }
    assert wording.names(presets) == {
        "runs/mine": "English to German",
        "translate-de-en": "German to English",
        "translate-de-en-lstm": "German to English (translate-de-en-lstm)",
        "other": "xx to English",
        "sentiment-imdb": "sentiment-imdb",
    }
    assert wording.spelled(presets["sentiment-imdb"]) == {"labels": ["negative", "positive"]}
    assert wording.spelled({"labels": ["cat", "pos"], "x": 1}) == {"labels": ["cat", "positive"], "x": 1}


def test_the_introduction_names_labels_in_words(folders, fake, tmp_path):
    from apps.pages.loaded_tasks import Models
    from apps.pages.tab_session import TabSession

    config = preset.read_config(folders["text"]) | {"labels": ["neg", "pos"]}
    found = TabSession("sentiment", MODULES["sentiment"], Models({"mine": folders["text"]}), {"mine": config}, tmp_path)
    assert "negative, positive" in found.introduction("mine")


@needs_gradio
def test_links_follow_the_introduction(folders, fake, tmp_path):
    from apps.pages import page
    from apps.pages.loaded_tasks import Models
    from apps.pages.tab_session import TabSession

    config = preset.read_config(folders["text"]) | {"labels": ["neg", "pos"]}
    found = TabSession("sentiment", MODULES["sentiment"], Models({"mine": folders["text"]}), {"mine": config}, tmp_path)
    assert page._about(found, "mine").endswith("negative, positive. [Limits](/card/mine#limits), [card](/card/mine)")


@needs_gradio
def test_a_card_is_a_page_whose_html_is_not_followed():
    from apps.pages import cards

    card = "# mine\n\n<script>x</script> [a](javascript:x)\n\n| a |\n|---|\n| 1 |\n\n## Limits\n\n- One & two\n"
    shown = cards.page("a<b", card)
    assert "<title>a&lt;b</title>" in shown and '<h2 id="limits">Limits</h2>' in shown and "<td>1</td>" in shown
    assert "<li>One &amp; two</li>" in shown and "<script>" not in shown and "href" not in shown
    assert cards.address("runs/my first") == "/card/runs%2Fmy%20first"


# The command line.


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["--port", "70000"], "--port: expected a port from 0 to 65535, got 70000"),
        (["sentiment-imbd"], "no preset or preset folder named 'sentiment-imbd'; did you mean 'sentiment-imdb'?"),
        (["--host", "nowhere.invalid"], "--host nowhere.invalid: no such address"),
    ],
)
@needs_gradio
def test_wrong_usage_is_one_line_and_2(argv, line, zoo_main):
    status, lines, err = zoo_main("web", *argv)
    assert (status, lines, err.count("\n")) == (2, [], 1)
    assert err.startswith(f"zoo: {line}")


@needs_gradio
def test_a_busy_port_is_refused(zoo_main):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, lines, err = zoo_main("web", "--port", port)
    assert (status, lines) == (2, [])
    assert err == f"zoo: --port {port}: cannot listen on 127.0.0.1: Address already in use; choose another\n"


def test_without_the_extra_the_command_says_what_to_install(zoo_main, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    status, lines, err = zoo_main("web")
    assert (status, lines) == (2, [])
    assert 'pip install "keras-menagerie[web]"' in err and "gradio" in err


# The server, asked as the page asks it.


class Page:
    """Sends what the page in a browser sends, over one connection a request."""

    def __init__(self, address):
        self.port = urlsplit(address).port
        self.config = json.loads(self.get("/config")[1])

    def ask(self, verb, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(verb, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read().decode(), response.headers
        finally:
            connection.close()

    def get(self, path):
        return self.ask("GET", path)

    def post(self, path, value):
        return self.ask("POST", path, json.dumps(value).encode(), {"content-type": "application/json"})

    def upload(self, name, content):
        """The place of the file on the server."""
        head = f'--edge\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        body = head.encode() + content + b"\r\n--edge--\r\n"
        status, text, _ = self.ask(
            "POST", "/gradio_api/upload", body, {"content-type": "multipart/form-data; boundary=edge"}
        )
        return json.loads(text)[0] if status == 200 else status

    def answer(self, event, *given):
        """(succeeded, output) of the first tab whose item has that event."""
        steps = enumerate(self.config["dependencies"])
        number = next(k for k, step in steps if any(kind == event for _, kind in step["targets"]))
        session = f"session{time.monotonic_ns()}"
        assert (
            self.post("/gradio_api/queue/join", {"data": given, "fn_index": number, "session_hash": session})[0] == 200
        )
        _, stream, _ = self.get(f"/gradio_api/queue/data?session_hash={session}")
        messages = [json.loads(line[5:]) for line in stream.splitlines() if line.startswith("data:")]
        done = next(message for message in messages if message["msg"] == "process_completed")
        return done["success"], done["output"]


def file_at(path):
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


@needs_gradio
def test_the_server_answers_refuses_and_leaves_nothing(start, folders, tmp_path):
    # Whatever the process connects to or looks up is noted.
    noted, temporary, home = (tmp_path / name for name in ("noted", "temporary", "home"))
    temporary.mkdir()
    home.mkdir()
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "def note(event, arguments):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo'):\n"
        f"        print(event, arguments, file=open({str(noted)!r}, 'a'))\n"
        "sys.addaudithook(note)\n"
    )
    environment = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "TMPDIR": str(temporary), "HOME": str(home)}
    environment["MPLCONFIGDIR"] = matplotlib.get_cachedir()  # its list of fonts would be made anew in that home
    given = [folders["text"], folders["image"], "--port", "0"]
    server = start("web", *given, cwd=home, env=environment, text=True)
    said = server.stdout.readline()
    address = said.split()[0]
    assert said == f"{address} (classify, sentiment); Ctrl-C ends it\n" and address.startswith("http://127.0.0.1:")
    page = Page(address)

    status, body, headers = page.get("/")
    assert (status, "Menagerie" in body) == (200, True)
    (folders["text"] / "card.md").write_text("# mine\n\n## Limits\n\nMany.\n")
    status, body, headers = page.get(f"/card/{quote(str(folders['text']), safe='')}")
    assert (status, '<h2 id="limits">' in body) == (200, True)
    for nowhere in (folders["image"], ROOT / "zoo" / "presets" / "sentiment-imdb", folders["text"] / ".."):
        assert page.get(f"/card/{quote(str(nowhere), safe='')}")[0] == 404
    assert headers["content-security-policy"].startswith("default-src 'self';")
    text, image = str(folders["text"]), str(folders["image"])
    done, output = page.answer("submit", text, "ggx")
    assert done and "<span>good</span><span>66.7 %</span>" in output["data"][0]
    done, output = page.answer("submit", text, "crash")
    assert not done and output["error"] == "ZeroDivisionError: on purpose"

    held = page.upload("../a.png", drawings.png("dress"))
    assert temporary in Path(held).parents
    done, output = page.answer("upload", image, file_at(held))
    assert done and "<span>bad</span>" in output["data"][0]
    done, output = page.answer("upload", image, file_at(page.upload("b.png", b"<i>no picture</i>")))
    assert not done and output["error"].startswith("expected an image (JPEG, PNG,") and output["error"].endswith("text")

    # Files and addresses of one's choice are no uploads, in whatever place they come.
    outside = tmp_path / "outside.png"
    outside.write_bytes(drawings.png("dress"))
    for path in (str(outside), "http://127.0.0.1:9/a.png", "http://192.0.2.1/a.png"):
        assert not page.answer("upload", image, file_at(path))[0]
        assert not page.answer("submit", text, file_at(path))[0]
        assert not page.answer("upload", image, file_at(path) | {"is_stream": True})[0]
    assert not list(temporary.rglob("outside*"))
    assert not page.answer("submit", str(ROOT), "ggx")[0]
    for path in (f"/gradio_api/file={outside}", "/gradio_api/proxy=http://127.0.0.1:9/", "/gradio_api/openapi.json"):
        assert page.get(path)[0] in (403, 404), path
    assert page.post("/gradio_api/vibe-code", {"code": ""})[0] == 404
    for path, size in (("queue/join", 2**20 + 1), ("upload", 2**27)):
        assert page.ask("POST", f"/gradio_api/{path}", headers={"content-length": str(size)})[0] == 413

    server.send_signal(signal.SIGTERM)
    assert server.wait(PATIENCE) == 0
    assert server.stderr.read() == "zoo: sentiment: ZeroDivisionError: on purpose\n"
    assert [path for folder in (temporary, home) for path in folder.rglob("zoo-web*")] == []
    assert list(home.iterdir()) == []
    assert noted.read_text() == "socket.getaddrinfo ('127.0.0.1', 0, 0, 1, 0)\n"  # its own port


@needs_gradio
def test_ctrl_c_ends_it_within_a_second_though_a_page_is_open_and_an_answer_is_computed(start, folders, tmp_path):
    environment = {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    server = start("web", folders["text"], "--port", "0", env=environment, text=True)
    page = Page(server.stdout.readline().split()[0])
    opened = http.client.HTTPConnection("127.0.0.1", page.port, timeout=PATIENCE)
    opened.request("GET", "/gradio_api/heartbeat/session")
    opened.getresponse()
    number = next(
        k for k, step in enumerate(page.config["dependencies"]) if any(kind == "submit" for _, kind in step["targets"])
    )
    asked = {"data": [str(folders["text"]), "sleep"], "fn_index": number, "session_hash": "session"}
    assert page.post("/gradio_api/queue/join", asked)[0] == 200
    time.sleep(0.5)
    began = time.monotonic()
    server.send_signal(signal.SIGINT)
    assert (server.wait(PATIENCE), server.stderr.read()) == (130, "")
    assert time.monotonic() - began < 1
    assert not list(tmp_path.rglob("zoo-web*"))
    opened.close()


@needs_gradio
@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("queue/join", 2**20, 200),
        ("queue/join", 2**20 + 1, 413),
        ("upload", 2**21, 200),
        ("upload", 2**21 + 1, 413),
        ("anything", 1, 404),
    ],
)
def test_what_announces_no_size_is_bounded_too(path, size, status):
    from starlette.responses import PlainTextResponse

    from apps.pages.request_filter import RequestFilter

    async def application(scope, receive, send):
        while (await receive())["more_body"]:
            pass
        await PlainTextResponse("taken")(scope, receive, send)

    parts = [b"x" * (size // 2), b"x" * (size - size // 2)]

    async def receive():
        return {"type": "http.request", "body": parts.pop(), "more_body": bool(parts)}

    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": f"/gradio_api/{path}", "headers": []}
    asyncio.run(RequestFilter(application, 2**20)(scope, receive, send))
    assert sent[0]["status"] == status


# The same in a browser, with the shipped presets.

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")


@contextlib.contextmanager
def served():
    """The address of `zoo web` with the shipped presets; Ctrl-C ends it."""
    if MISSING:
        pytest.skip(f"needs the extra [web]: no {', '.join(MISSING)}")
    command = [sys.executable, "-m", "apps.cli", "web", "--port", "0"]
    with interruptible():
        server = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    try:
        said = server.stdout.readline()
        assert said, server.stderr.read()
        yield said.split()[0]
        server.send_signal(signal.SIGINT)
        assert (server.wait(PATIENCE), server.stderr.read()) == (130, "")
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
        server.stderr.close()


@pytest.mark.matrix
def test_ctrl_c_ends_it_while_tensorflow_starts():
    with served() as address:
        assert Page(address).get("/")[0] == 200
        time.sleep(1)


@pytest.fixture(scope="module")
def address():
    """One server for all tests in the browser."""
    with served() as address:
        yield address


@pytest.fixture(scope="module")
def browser(address):
    """A headless Chromium that has opened the page; at the end nothing has gone elsewhere, and nothing has failed."""
    if not (CHROMIUM and DRIVER):
        pytest.skip("needs a browser: no chromium and chromedriver (Debian: apt-get install chromium chromium-driver)")
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: pip install selenium")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,1000"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        driver.get(address)
        yield driver
        messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
        sent = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        assert len(sent) > 20
        assert [url for url in sent if not url.startswith((address, "data:", "blob:"))] == []
        assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []
    finally:
        driver.quit()


class Tab:
    """One tab of the page, opened."""

    def __init__(self, browser, name):
        self.browser = browser
        self.wait(lambda: self._button("button[role=tab]", name.capitalize())).click()
        self.panel = self.wait(lambda: self._shown("[role=tabpanel]")[0])

    def wait(self, condition):
        from selenium.common.exceptions import WebDriverException
        from selenium.webdriver.support.ui import WebDriverWait

        ignored = (WebDriverException, IndexError, StopIteration)
        return WebDriverWait(self.browser, PATIENCE, 0.05, ignored).until(lambda _: condition())

    def _shown(self, selector, inside=None):
        found = (inside or self.browser).find_elements("css selector", selector)
        return [element for element in found if element.is_displayed()]

    def _button(self, selector, text):
        return next(button for button in self._shown(selector) if button.text.split("\n")[0] == text)

    def boxes(self):
        return [box.get_attribute("value") for box in self._shown("textarea", self.panel)]

    def labels(self):
        return [row.text.split("\n") for row in self._shown("ol.labels li", self.panel)]

    def width_of(self, told):
        """Pixels of the picture that is described so."""
        return int(self._shown(f"img[alt='{told}']", self.panel)[0].get_attribute("naturalWidth"))

    def choose(self, place):
        self.wait(lambda: self._shown(".gallery-item", self.panel)[place]).click()

    def answer(self):
        self._button("button.primary", "Answer").click()

    def upload(self, path):
        for cross in self._shown("button[aria-label='Remove Image']", self.panel):
            cross.click()
        self.wait(lambda: self.panel.find_element("css selector", "input[type=file]")).send_keys(str(path))

    def error(self):
        """The line of the error that is shown, which is then closed."""
        found = self.wait(lambda: self._shown("[data-testid=toast-text]")[0]).text
        for cross in self._shown("[data-testid=toast-close]"):
            cross.click()
        self.wait(lambda: not self._shown("[data-testid=toast-text]"))
        return found


@pytest.mark.matrix
@pytest.mark.parametrize("name", TABS)
def test_examples_get_the_presets_answers(name, browser):
    import zoo
    from zoo.results.base import percent

    tab = Tab(browser, name)
    chosen = {used: (place, item) for place, (used, item) in reversed(list(enumerate(TABS[name].examples)))}
    for used, (place, item) in list(chosen.items())[::-1][:2]:  # the first of each preset, of two presets at most
        task = zoo.load(used)
        tab.choose(place)
        if "labels" in TABS[name].views:
            result = task(drawings.png(item) if TABS[name].takes == "picture" else item)
            expected = [[wording.label(label), percent(probability)] for label, probability in result.scores[:5]]
            tab.wait(lambda expected=expected: tab.labels() == expected)
        else:
            (result,) = task.generate([item])
            assert result.text
            tab.wait(lambda item=item, text=result.text: tab.boxes() == [item, text])


@pytest.mark.matrix
def test_pictures_that_are_drawn_are_shown(browser):
    tab = Tab(browser, "translate")
    tab.choose(0)
    tab.wait(lambda: tab._button("button.label-wrap", "Where it looked")).click()
    tab.wait(lambda: tab.width_of("Share of the attention") >= 320)


@pytest.mark.matrix
def test_wrong_files_and_no_text_get_the_applications_own_line(browser, tmp_path):
    import cv2
    import numpy as np

    from zoo.inputs import image_files

    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    whole = cv2.imencode(".jpg", noise)[1].tobytes()
    tab = Tab(browser, "classify")
    tab.choose(0)
    tab.wait(tab.labels)
    for name, content in (("text.png", b"<b>no picture</b>\n"), ("cut.jpg", whole[: len(whole) // 2])):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(UserError) as refused:
            image_files.upright(command_line.read_payload(command_line.Item(name, path)))
        tab.upload(path)
        assert tab.error() == str(refused.value)
        assert tab.labels() == []  # no earlier answer that would pass for this one's
    tab = Tab(browser, "summarize")
    tab.answer()
    tab.wait(lambda: tab.boxes())
    assert tab.boxes()[0] or tab.error() == "nothing to do: give a text"

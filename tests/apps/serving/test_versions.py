"""Versions that come while the server runs: good ones are taken, bad ones told, and every answer is of one version."""

import itertools
import json
import shutil
import signal
import threading
import time

import pytest

BODY = {"instances": [[1, 2]]}


@pytest.fixture(scope="module")
def homes(exports, tmp_path_factory):
    """Two folders of versions of their own, both with version 1, whose factor is 2."""
    root = tmp_path_factory.mktemp("homes")
    for name in ("tiny", "swapped"):
        shutil.copytree(exports / "tiny" / "1", root / name / "1")
    return root


@pytest.fixture(scope="module")
def sources(homes, save):
    """Versions that wait to be copied, by factor."""
    return {factor: save(homes / f"source-{factor}", factor) for factor in (3.0, 4.0)}


@pytest.fixture(scope="module")
def changing(serve, homes):
    """A server whose folders of versions the tests change."""
    return serve(homes / "tiny", homes / "swapped", "--label", "tiny:first=1")


def test_new_versions_are_picked_up_and_bad_ones_told(changing, homes, sources, exports):
    server, home = changing, homes / "tiny"
    assert server.predict(BODY)[1] == {"predictions": [[2, 4]]}

    (home / "2").mkdir()
    (home / "2" / "saved_model.pb").write_bytes(b"\x00 rubbish")
    (home / "not-a-version").mkdir()
    told = server.event("failed", version=2)
    assert told["error"] == f"{home / '2'}: saved_model.pb is damaged, or no SavedModel"
    assert server.predict(BODY)[1] == {"predictions": [[2, 4]]}
    states = server.ask("GET", "/v1/models/tiny")[1]["model_version_status"]
    assert [(state["version"], state["state"], state["status"]["error_code"]) for state in states] == [
        ("2", "END", "INVALID_ARGUMENT"),
        ("1", "AVAILABLE", "OK"),
    ]
    assert states[0]["status"]["error_message"] == told["error"]

    # Repaired, it is tried again.
    shutil.rmtree(home / "2")
    shutil.copytree(exports / "tiny" / "3", home / "2")
    server.event("loaded", version=2)
    assert server.predict(BODY)[1] == {"predictions": [[3, 6]]}
    # The old one has a label, and stays.
    assert server.predict(BODY, "tiny/labels/first")[1] == {"predictions": [[2, 4]]}

    partial = home / "5"
    shutil.copytree(sources[4.0], partial)
    server.event("loaded", version=5)
    server.event("unloaded", version=2)
    assert server.predict(BODY)[1] == {"predictions": [[4, 8]]}
    assert server.predict(BODY, "tiny/versions/2")[0] == 404

    # Taken away, the one before is served again; with all away, what is in memory goes on.
    shutil.rmtree(partial)
    server.event("loaded", version=2)
    server.event("unloaded", version=5)
    assert server.predict(BODY)[1] == {"predictions": [[3, 6]]}
    shutil.rmtree(home)
    time.sleep(1.2)
    assert server.predict(BODY)[1] == {"predictions": [[3, 6]]}


def test_a_folder_is_not_loaded_while_it_changes(exports, tmp_path):
    """In this process, look by look: a copy that takes its time is neither loaded nor called bad before it is whole."""
    from apps.serving.models import Model

    home = tmp_path / "tiny"
    shutil.copytree(exports / "tiny" / "1", home / "1")
    told = []
    model = Model("tiny", home, False, {}, lambda event, **fields: told.append((event, fields["version"])))
    (home / "2" / "variables").mkdir(parents=True)
    for path in sorted((exports / "tiny" / "3").rglob("*")):
        if path.is_file():
            shutil.copy(path, home / "2" / path.relative_to(exports / "tiny" / "3"))
            model.refresh()
    assert told == [("loaded", 1)] and model.get().number == 1
    model.refresh()
    assert told == [("loaded", 1), ("loaded", 2), ("unloaded", 1)] and model.get().number == 2
    # A bad one is tried once, and again when it has changed.
    (home / "3").mkdir()
    (home / "3" / "saved_model.pb").write_bytes(b"")
    for _ in range(4):
        model.refresh()
    assert told[3:] == [("failed", 3)] and model.get().number == 2
    (home / "3" / "saved_model.pb").write_bytes(b"\x00")
    for _ in range(4):
        model.refresh()
    assert told[3:] == [("failed", 3), ("failed", 3)] and model.get().number == 2


def swap_under_load(server, home, sources, seconds):
    """8 clients ask for as long as versions change: no answer is wrong, none is an error.

    Returns:
        How many answers there were, and the server's memory after each change.
    """
    ended = time.monotonic() + seconds
    wrong, counts = [], []

    def ask(client):
        connection = server.connect()
        for number in itertools.count():
            if time.monotonic() > ended:
                break
            values = [client + number % 1000, number % 7]
            connection.request("POST", "/v1/models/swapped:predict", json.dumps({"instances": [values]}))
            response = connection.getresponse()
            status, answer = response.status, json.loads(response.read())
            possible = [[[factor * value for value in values]] for factor in (2.0, 3.0, 4.0)]
            if status != 200 or answer["predictions"] not in possible:
                wrong.append((status, answer))
        counts.append(number)
        connection.close()

    clients = [threading.Thread(target=ask, args=(client,)) for client in range(8)]
    for client in clients:
        client.start()
    number, factor = max(int(folder.name) for folder in home.iterdir()), None
    memory = []
    while time.monotonic() < ended - 1:
        number += 1
        factor = (3.0, 4.0)[number % 2]
        shutil.copytree(sources[factor], home / f".{number}")
        (home / f".{number}").rename(home / str(number))
        server.event("loaded", version=number)
        shutil.rmtree(home / str(number - 1))
        memory.append(server.memory())
    for client in clients:
        client.join()
    assert wrong == []
    assert len(counts) == 8
    assert server.predict(BODY, "swapped") == (200, {"predictions": [[factor, 2 * factor]]})
    return sum(counts), memory


def test_versions_change_under_load(changing, homes, sources):
    asked, _ = swap_under_load(changing, homes / "swapped", sources, 4)
    assert asked > 100


def test_sigterm_ends_it_after_what_was_accepted(changing):
    """The last test of this server."""
    answers = []
    slow = {"signature_name": "slow", "instances": [100_000]}
    asking = threading.Thread(target=lambda: answers.append(changing.predict(slow, "swapped")))
    asking.start()
    time.sleep(0.2)
    assert changing.stop(signal.SIGTERM) == (0, "")
    asking.join()
    assert answers == [(200, {"predictions": [100_000]})]
    assert changing.lines[-1]["event"] == "stopped"


@pytest.mark.matrix
def test_versions_change_under_load_for_two_minutes(serve, exports, sources, tmp_path):
    shutil.copytree(exports / "tiny" / "1", tmp_path / "swapped" / "1")
    server = serve(tmp_path / "swapped")
    asked, memory = swap_under_load(server, tmp_path / "swapped", sources, 120)
    assert asked > 10_000
    # After the first third has warmed it up, versions come and go without leaving anything.
    settled = memory[len(memory) // 3 :]
    print(f"{asked} answers, {len(memory)} versions, MB: {[size >> 20 for size in memory]}")
    assert max(settled[-5:]) < 1.05 * max(settled[:5]), [size >> 20 for size in memory]
    assert server.stop() == (0, "")

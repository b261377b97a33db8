"""Applications of other kinds than the shipped ones, through the same road: boxes, items of two fields, no items."""

import csv
import json

import pytest

from tests.zoo import small_tasks
from zoo import training

APPS = ("boxes", "rated", "spots")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folders of the three small presets."""
    folder = tmp_path_factory.mktemp("presets")
    with pytest.MonkeyPatch.context() as monkeypatch:
        small_tasks.register(monkeypatch)
        for name, recipe in small_tasks.RECIPES.items():
            training.fit(recipe, folder / name, say=lambda sentence: None, verbose=0)
    return folder


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    from apps import cli

    small_tasks.register(monkeypatch)
    for name in APPS:
        monkeypatch.setitem(cli.COMMANDS, name, (f"tests.apps.small.{name}", "a small one"))


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, content in enumerate(small_tasks.pictures(2, 1).raw):
        (tmp_path / f"{number}.png").write_bytes(content)
    (tmp_path / "2.png").write_bytes(b"no picture")


def test_boxes(trained, photos, zoo_main):
    status, lines, err = zoo_main("boxes", "--model", trained / "small-box", "0.png", "1.png", "2.png")
    found = [json.loads(line) for line in lines]
    assert (
        status == 1
        and [len(row.get("corners", ())) for row in found] == [4, 4, 0]
        and "expected an image" in str(found[2]["error"])
    )


def test_rows_of_a_table_with_two_fields(trained, photos, zoo_main, tmp_path):
    (tmp_path / "asked.csv").write_text('text,stars\nfine,"[1, 2, 3]"\nbad,"[1, 2, 9]"\n', encoding="utf-8")
    argv = ["--model", trained / "small-rated", "--text", "good", "--stars", "[5, 5, 5]", "--csv", "asked.csv"]
    status, lines, err = zoo_main("rated", *argv)
    found = [json.loads(line) for line in lines]
    assert status == 1 and [row["item"] for row in found] == ["good", "fine", "bad"]
    assert found[0]["label"] in ("bad", "good") and found[2]["error"] == "stars: expected numbers from 1 to 5"
    assert zoo_main("rated", *argv, "--csv-out", "answers.csv")[0] == 1
    rows = list(csv.DictReader(open("answers.csv", encoding="utf-8")))
    assert [row["label"] for row in rows[:2]] == [row["label"] for row in found[:2]]


def test_a_run_without_items(trained, photos, zoo_main):
    status, lines, _ = zoo_main("spots", "--model", trained / "small-spots", "--count", 3, "--seed", 5)
    found = [json.loads(line) for line in lines]
    assert status == 0 and [row["item"] for row in found] == ["seed 5", "seed 6", "seed 7"]
    assert found[0]["numbers"] != found[1]["numbers"]
    again = zoo_main("spots", "--model", trained / "small-spots", "--seed", 6)[1]
    assert json.loads(again[0])["numbers"] == pytest.approx(found[1]["numbers"], abs=1e-6)


def test_a_preset_of_another_task_is_refused(trained, photos, zoo_main):
    status, _, err = zoo_main("boxes", "--model", trained / "small-rated", "0.png")
    assert status == 2 and "is a preset for rated; this application needs one for box" in err


def test_the_page_has_a_tab_of_it(trained, photos, tmp_path):
    from apps.pages.loaded_tasks import Models
    from apps.pages.tab_session import TabSession
    from tests.apps.small import boxes
    from zoo import preset

    place = trained / "small-box"
    session = TabSession("boxes", boxes, Models({"mine": place}), {"mine": preset.read_config(place)}, tmp_path)
    ((item, result),) = session.answer("mine", str(tmp_path / "0.png"))
    assert item.name.endswith("0.png") and len(result.corners) == 4


def test_each_is_exported_by_the_command(trained, photos, zoo_main, tmp_path):
    for name in small_tasks.RECIPES:
        status, lines, err = zoo_main("export", trained / name, tmp_path / "served")
        assert status == 0, err
        assert "the numbers are the preset's" in "\n".join(lines)

"""Output of the answering applications: JSON, CSV, a table, pictures; and failures to write it."""

import csv
import io
import json
import os
import stat

import cv2
import numpy as np
import pytest

from apps.answering import labels
from apps.reading import command_line
from apps.writing import writers
from zoo import preset
from zoo.results.base import Failure
from zoo.results.classification import Classification

GOOD = {"label": "good", "probability": 0.75}
SCORES = [GOOD, {"label": "bad", "probability": 0.25}]


@pytest.fixture
def ask(folders, fake, zoo_main, tmp_path, monkeypatch):
    """Asks the fake text preset: (status, stdout lines, stderr)."""
    monkeypatch.chdir(tmp_path)
    return lambda *argv: zoo_main("sentiment", "--model", folders["text"], *argv)


@pytest.fixture
def pictures(tmp_path):
    """Three images; two bear the same name."""
    for name, value in (("one/a.png", 10), ("two/a.png", 200), ("b.jpg", 100)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), np.full((20, 30, 3), value, np.uint8))
    return tmp_path


def test_json_fields_are_the_contract_s(ask):
    status, lines, err = ask("gggx")
    assert (status, err) == (0, "")
    assert [json.loads(line) for line in lines] == [{"index": 0, "item": "gggx", **GOOD, "scores": SCORES}]
    assert list(json.loads(lines[0])) == ["index", "item", "label", "probability", "scores"]


def test_a_shortened_item_says_how_much_was_used(ask):
    line = json.loads(ask("g" * 600)[1][0])
    assert list(line) == ["index", "item", "label", "probability", "scores", "used_tokens", "total_tokens"]
    assert (line["used_tokens"], line["total_tokens"]) == (512, 600)


def test_failed_items_have_their_error_alone_and_the_rest_is_answered(ask):
    status, lines, err = ask("gggx", "nowhere.txt", "gggx")
    found = [json.loads(line) for line in lines]
    assert (status, err) == (1, "zoo: 1 of 3 items failed\n")
    assert list(found[1]) == ["index", "item", "error"] and found[1]["item"] == "nowhere.txt"
    assert [line["index"] for line in found] == [0, 1, 2] and found[2]["label"] == "good"


def test_an_empty_text_has_an_empty_result_in_its_place(ask):
    status, lines, err = ask("gggx", "", " \t", "gggx")
    found = [json.loads(line) for line in lines]
    assert (status, err) == (0, "")
    assert found[1] == {"index": 1, "item": "", "label": None, "probability": None, "scores": []}
    assert found[2]["item"] == " \t" and found[2]["label"] is None
    assert found[3]["label"] == "good"


def test_top_and_threshold(ask):
    line = json.loads(ask("gggx", "--top", "1", "--threshold", "0.8")[1][0])
    assert line == {"index": 0, "item": "gggx", "label": None, "probability": 0.75, "scores": [GOOD]}
    assert json.loads(ask("gggx", "--threshold", "0.75")[1][0])["label"] == "good"


def test_low_confidence_is_marked_and_strict_gives_no_label(ask, tmp_path):
    plain, marked = (json.loads(line) for line in ask("gggx", "strange")[1])
    assert "low_confidence" not in plain and marked["low_confidence"] is True and marked["label"] == "bad"
    plain, marked = (json.loads(line) for line in ask("gggx", "strange", "--strict")[1])
    assert (plain["label"], marked["label"]) == ("good", None) and marked["scores"] and marked["low_confidence"] is True
    ask("gggx", "strange", "--strict", "--csv-out", "o.csv")
    with open(tmp_path / "o.csv", newline="", encoding="utf-8") as stream:
        plain, marked = csv.DictReader(stream)
    assert (plain["label"], plain["low_confidence"]) == ("good", "")
    assert (marked["label"], marked["low_confidence"]) == ("", "true")


def test_items_then_texts_then_the_table(ask, tmp_path):
    (tmp_path / "t.csv").write_text("text\nfrom the table\n")
    (tmp_path / "l.txt").write_text("from the file\n")
    _, lines, _ = ask("--csv", "t.csv", "--text", "l.txt", "gg", "--json", "l.txt")
    # An option's values run up to the next option: "gg" is a --text too.
    assert [json.loads(line)["item"] for line in lines] == ["from the file", "l.txt", "gg", "from the table"]


def test_json_is_utf_8_and_control_characters_are_escaped(ask):
    text = '猫\x1b[31m \u2028 " \\'
    _, lines, _ = ask("--text", text)
    assert "猫" in "".join(lines)
    assert json.loads("".join(lines) if len(lines) == 1 else "\u2028".join(lines))["item"] == text


def test_csv_out(ask, tmp_path):
    status, lines, err = ask("gggx", "nowhere.txt", "", "g" * 600, 'comma, "quote"\nline', "--csv-out", "o.csv")
    assert (status, lines, err) == (1, [], "zoo: 1 of 5 items failed\n")
    with open(tmp_path / "o.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == (
        "index item label probability label_2 probability_2 low_confidence used_tokens total_tokens error".split()
    )
    assert (rows[0]["label"], rows[0]["probability"], rows[0]["label_2"]) == ("good", "0.75", "bad")
    assert rows[1]["error"].startswith("no such file") and rows[1]["label"] == ""
    assert (rows[2]["item"], rows[2]["label"], rows[2]["error"]) == ("", "", "")
    assert (rows[3]["used_tokens"], rows[3]["total_tokens"]) == ("512", "600")
    assert rows[4]["item"] == 'comma, "quote"\nline'
    assert sorted(path.name for path in tmp_path.iterdir()) == ["image-preset", "o.csv", "text-preset"]


@pytest.mark.parametrize("item", ["crash", "gggx"])
def test_csv_out_keeps_the_old_file_until_the_new_one_is_whole(ask, tmp_path, item):
    (tmp_path / "o.csv").write_text("old")
    status, _, _ = ask("gggx", item, "--csv-out", "o.csv")
    assert status == (2 if item == "crash" else 0)
    assert ((tmp_path / "o.csv").read_text() == "old") == (item == "crash")
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("place", ["missing/o.csv", "text-preset", "text-preset/config.json/o.csv"])
def test_csv_out_that_cannot_be_written_is_told_before_anything_is_loaded(ask, tmp_path, monkeypatch, place):
    import zoo

    monkeypatch.setattr(zoo, "load", None)
    status, lines, err = ask("gggx", "--csv-out", place)
    assert (status, lines) == (2, []) and err.startswith(f"zoo: cannot write {place}: ") and err.count("\n") == 1


def test_a_full_disk_is_one_line_and_a_device_is_never_replaced(ask):
    status, lines, err = ask("gggx", "--csv-out", "/dev/full")
    assert (status, lines, err) == (2, [], "zoo: cannot write /dev/full: No space left on device\n")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)
    assert ask("gggx", "--csv-out", "/dev/null")[0] == 0
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with writers.replacing(tmp_path / "link") as stream:
        stream.write("new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "target").read_text() == "new"


def test_save_writes_each_picture_under_a_name_of_its_own(folders, fake, zoo_main, pictures, monkeypatch):
    monkeypatch.chdir(pictures)
    (pictures / "bad.png").write_bytes(b"")
    status, lines, _ = zoo_main(
        "classify", "--model", folders["image"], "one/a.png", "two/a.png", "b.jpg", "bad.png", "--save", "out/deep"
    )
    assert len(lines) == 4
    saved = sorted(path.name for path in (pictures / "out" / "deep").iterdir())
    assert saved == ["a-answer-2.png", "a-answer.png", "b-answer.jpg"]
    drawn = cv2.imread(str(pictures / "out" / "deep" / "a-answer-2.png"))
    assert drawn.shape[1] >= 320 and (drawn[5, 160] == 200).all()  # enlarged, and the right one


def test_what_is_answered_is_said_although_the_next_item_breaks_the_program(ask):
    status, lines, err = ask("gggx", "crash", "gggx")
    assert status == 2 and [json.loads(line)["item"] for line in lines] == ["gggx"]


def test_save_into_a_place_that_is_no_folder(folders, fake, zoo_main, pictures, monkeypatch):
    monkeypatch.chdir(pictures)
    status, lines, err = zoo_main("classify", "--model", folders["image"], "b.jpg", "--save", "one/a.png")
    assert (status, lines) == (2, []) and err == "zoo: --save one/a.png: cannot make this folder: File exists\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True

    def reconfigure(self, **options):
        pass


@pytest.fixture
def shown(monkeypatch):
    """The output of a batch of answers on a terminal of 80 columns."""

    def show(*answers):
        stream = Terminal()
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setenv("TERM", "dumb")
        monkeypatch.setattr("sys.stdout", stream)
        table = labels.Table(["bad", "good"])
        for index, (item, result) in enumerate(answers):
            table.write(index, item, result)
        table.flush()
        table.write(0, command_line.Item("later", "later"), Classification("bad", 0.9))
        table.flush()
        return stream.getvalue().splitlines()

    return show


def test_table(shown):
    lines = shown(
        (command_line.Item("a text", ""), Classification("good", 0.75)),
        (command_line.Item("[bold]not markup[/bold] \x1b[31m\n", ""), Classification(None, 0.51)),
        (command_line.Item("", ""), Classification(None, None)),
        (command_line.Item("gone.txt", ""), Failure("no such file")),
        (command_line.Item("long " * 100, ""), Classification("good", 0.99999, used_tokens=512, total_tokens=1310)),
    )
    assert lines[0].split() == ["item", "label", "probability"]
    assert lines[1].split() == ["a", "text", "good", "75.0", "%", "██████"]
    assert lines[2].startswith("[bold]not markup[/bold] \ufffd[31m") and "unsure" in lines[2]
    assert lines[3].split() == ["(empty)"]
    assert lines[4] == "gone.txt  failed: no such file"
    assert "…" in lines[5] and ">99.9 %" in lines[5]
    assert lines[6] == "  (used 512 of 1,310 tokens)"
    assert lines[7].startswith("later") and len(lines) == 8  # no second head
    assert all(len(line) <= 80 for line in lines)
    assert len({line.index("%") for line in lines if "%" in line}) == 1


def test_a_path_that_is_too_long_shows_its_end(shown, tmp_path):
    path = "folder/" * 20 + "name.png"
    line = shown((command_line.Item(path, tmp_path), Classification("good", 0.75)))[1]
    assert line.startswith("…") and "name.png" in line


def test_the_table_explains_its_mark_once(shown):
    marked = Classification("good", 0.75, low_confidence=True)
    lines = shown((command_line.Item("a", ""), marked), (command_line.Item("b", ""), marked))
    assert [line.split()[:3] for line in lines[1:3]] == [["a", "good", "?"], ["b", "good", "?"]]
    assert lines[3] == "  ? low confidence: unlike what the model has learned" and len(lines) == 5


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"labels": ["bad", "good"], "data": "r.csv"}, "x: trained on r.csv. It knows 2 labels: bad, good."),
        (
            {"about": "Tells pets apart.", "limits": ["No birds.", "No fish."], "labels": ["cat", "dog"]},
            "x: Tells pets apart. No birds. It knows 2 labels: cat, dog.",
        ),
        ({"about": "Translates.", "languages": ["de", "en"]}, "x: Translates. From de to en."),
    ],
)
def test_introduction_says_what_for_and_the_first_limit(config, expected):
    assert preset.introduction({"name": "x", **config}) == expected


def test_introduction_cuts_many_labels():
    names = [f"label{i}" for i in range(1000)]
    assert preset.introduction({"name": "x", "labels": names}).endswith("label11 and 988 more.")


@pytest.mark.parametrize(
    ("probability", "blocks"), [(0, ""), (1, "████████"), (0.5, "████"), (1 / 64, "▏"), (0.999, "████████")]
)
def test_bar(probability, blocks):
    assert labels.bar(probability) == blocks

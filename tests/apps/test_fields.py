"""Items of several fields: by options, or row by row from a table."""

import argparse

import pytest

from apps.reading import fields
from apps.reading.command_line import read_payload
from zoo.errors import UserError

FIELDS = (fields.Field("question", "what is asked"), fields.Field("photo", "what it is asked about", file=True))


def found(*words):
    parser = argparse.ArgumentParser()
    fields.add_arguments(parser, FIELDS)
    return [(item.name, read_payload(item)) for item in fields.items(parser.parse_args(words), FIELDS)]


@pytest.fixture
def photo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(b"pixels")
    return "a.png"


def test_one_item_by_options_and_more_from_a_table(photo, tmp_path):
    (tmp_path / "asked.csv").write_text("photo,about\na.png,What?\nnone.png,Where?\na.png\n", encoding="utf-8")
    rows = found("--question", "Who?", "--photo", photo, "--csv", "asked.csv", "--question-column", "about")
    assert rows[0] == ("Who?", {"question": "Who?", "photo": b"pixels"})
    assert rows[1] == ("What?", {"question": "What?", "photo": b"pixels"})
    assert rows[2][0] == "Where?" and str(rows[2][1]) == "photo: cannot be read: No such file or directory"
    assert rows[3][0] == "asked.csv, line 4" and str(rows[3][1]) == "the row has no column 'about'"


def test_objects_of_json_lines(photo, tmp_path):
    (tmp_path / "asked.jsonl").write_text('{"question": "What?", "photo": "a.png"}\n{"question": 3}\n')
    rows = found("--csv", "asked.jsonl")
    assert rows[0] == ("What?", {"question": "What?", "photo": b"pixels"})
    assert str(rows[1][1]) == "expected an object with a text 'question'"


def test_bytes_that_are_no_text_spoil_their_own_item(photo, tmp_path):
    (tmp_path / "asked.csv").write_bytes(b"question,photo\nWh\xff?,a.png\nWhat?,a.png\n")
    rows = found("--csv", "asked.csv")
    assert str(rows[0][1]) == "question: not valid UTF-8 at character 3"
    assert rows[1][1]["question"] == "What?"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give --question, --photo, or --csv F"),
        (("--question", "Who?"), "--photo is missing: an item has question, photo"),
        (("--csv", "none.csv"), "--csv none.csv: no such file"),
    ],
)
def test_what_is_missing_is_told_at_once(photo, words, said):
    with pytest.raises(UserError, match=said):
        found(*words)


def test_a_column_that_is_missing_is_told_at_once(photo, tmp_path):
    (tmp_path / "asked.csv").write_text("question,photos\nWhat?,a.png\n")
    with pytest.raises(UserError, match="no column 'photo'; did you mean 'photos'"):
        found("--csv", "asked.csv")

"""`zoo summarize`: documents in, a few complete sentences out."""

import json

import pytest

from apps import summarize


@pytest.fixture
def ask(writers, fake, zoo_main, tmp_path, monkeypatch):
    """Asks the fake preset: (status, stdout lines, stderr); `ask.searched` is what it was told to search."""
    monkeypatch.chdir(tmp_path)
    fake.Writer.searched.clear()

    def run(*argv):
        return zoo_main("summarize", *argv)

    run.searched = fake.Writer.searched
    return run


def test_a_file_is_one_document_and_lines_change_that(ask, tmp_path):
    (tmp_path / "a.txt").write_text("eins\nzwei\n")
    (tmp_path / "b").write_text("\ufeffdrei\r\n\r\nvier")
    assert ask("a.txt", "b", "fünf") == (0, ["EINS ZWEI", "DREI  VIER", "FÜNF"], "")
    assert ask("a.txt", "b", "fünf", "--lines") == (0, ["EINS", "ZWEI", "DREI", "", "VIER", "FÜNF"], "")


def test_standard_input_is_one_document(start, writers):
    for argv, expected in (((), "EINS  ZWEI\n"), (("--lines",), "EINS\n\nZWEI\n")):
        zoo = start("summarize", "-", "--model", writers["summary"], *argv)
        out, err = zoo.communicate(b"eins\n\nzwei\n", timeout=20)
        assert (zoo.returncode, err, out.decode()) == (0, b"", expected)


def test_rows_of_a_table_are_documents(ask, tmp_path):
    (tmp_path / "t.jsonl").write_text('{"dialogue": "eins\\nzwei"}\n{"dialogue": "drei"}\n')
    assert ask("--csv", "t.jsonl", "--column", "dialogue") == (0, ["EINS ZWEI", "DREI"], "")
    assert ask("t.jsonl", "--column", "dialogue")[1] == ["EINS ZWEI", "DREI"]


def test_json_names_the_file(ask, tmp_path):
    (tmp_path / "a.txt").write_text("eins\nzwei\n")
    _, lines, _ = ask("a.txt", "--json")
    assert json.loads(lines[0]) == {
        "index": 0,
        "item": "a.txt",
        "text": "EINS\nZWEI\n",
        "score": -0.5,
        "alternatives": [],
    }


def test_what_is_given_back_unchanged_is_said_in_every_form(ask, tmp_path):
    told = "zoo: item 1, brief: (unchanged: no shorter summary was found)\n"
    assert ask("brief", "long") == (0, ["BRIEF", "LONG"], told)
    brief, long = map(json.loads, ask("brief", "long", "--json")[1])
    assert brief["unchanged"] is True and "unchanged" not in long
    ask("brief", "long", "--csv-out", "out.csv")
    header, brief, long = (tmp_path / "out.csv").read_text().splitlines()
    assert header == "index,item,text,score,unchanged,low_confidence,used_tokens,total_tokens,error"
    assert (brief, long) == ("0,brief,BRIEF,-0.5,true,,,,", "1,long,LONG,-0.5,,,,,")


def test_a_text_that_is_given_back_is_not_cut(ask):
    (line,) = ask("brief one. brief two.", "--sentences", "1", "--json")[1]
    assert json.loads(line)["text"] == "BRIEF ONE. BRIEF TWO."


def test_bad_documents_fail_in_their_place(ask, tmp_path):
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "latin.txt").write_bytes(b"gut\nganz sch\xf6n\n")
    (tmp_path / "utf16.txt").write_bytes("gut".encode("utf-16"))
    (tmp_path / "photo.txt").write_bytes(b"\x89PNG\n" * 10 + b"\0")
    (tmp_path / "folder").mkdir()
    status, lines, err = ask(
        "empty.txt", "latin.txt", "utf16.txt", "photo.txt", "folder", "notes.md", "talk", "😀", "\x1b[31m rot"
    )
    assert (status, lines) == (1, ["", "", "", "", "", "", "TALK", "😀", "\x1b[31M ROT"])
    assert err.splitlines() == [
        "zoo: item 2, latin.txt: line 2 is not valid UTF-8: byte 0xf6 at position 9",
        "zoo: item 3, utf16.txt: the text is UTF-16; expected UTF-8: save it as UTF-8",
        "zoo: item 4, photo.txt: not a text file; expected UTF-8, a document",
        "zoo: item 5, folder: is a folder, expected a file of texts; if it is meant as a text, give it by --text",
        "zoo: item 6, notes.md: no such file; if it is meant as a text, give it by --text",
        "zoo: 5 of 9 items failed",
    ]


def test_a_document_without_end_is_refused(ask, monkeypatch):
    from apps.reading import command_line

    monkeypatch.setattr(command_line, "LONGEST_LINE", 2**20)
    status, lines, err = ask("/dev/zero")
    assert (status, lines) == (1, [""]) and "the document is longer than 1 MiB" in err


def test_a_hundred_thousand_words_are_a_document(ask, tmp_path):
    (tmp_path / "long.txt").write_text("Ein Wort. " * 50_000)
    assert ask("long.txt", "--sentences", "2") == (0, ["EIN WORT. EIN WORT."], "")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ((), "nothing to do: give texts or files, --csv F, or - for a document on stdin"),
        (("x", "--sentences", "0"), "--sentences: expected a whole number of at least 1, got 0"),
        (("x", "--max-length", "0"), "--max-length: expected a whole number of at least 1, got 0"),
        (("x", "--max-length", "few"), "argument --max-length: invalid int value: 'few'"),
        (("x", "--top-k", "3"), "--top-k goes with --sample"),
        (("x", "--model", "translate-de-en"), "is a preset for translation; this application needs one for summariz"),
    ],
)
def test_wrong_usage_is_one_line_and_loads_nothing(ask, argv, message, monkeypatch):
    import zoo

    monkeypatch.setattr(zoo, "load", None)
    status, lines, err = ask(*argv)
    assert (status, lines) == (2, [])
    assert err.startswith("zoo: ") and err.count("\n") == 1 and message in err


def test_what_is_searched(ask):
    assert ask("eins zwei drei", "--max-length", "9", "--beam", "4")[1] == ["EINS ZWEI"]
    assert ask.searched == [{"seed": 0, "batch_size": 8, "beam": 4, "n_best": 1, "max_length": 9}]


def test_alternatives_have_no_more_sentences_either(ask):
    _, lines, _ = ask("eins. zwei. drei.", "--sentences", "1", "--n-best", "2", "--json")
    found = json.loads(lines[0])
    assert (found["text"], [other["text"] for other in found["alternatives"]]) == ("EINS.", ["EINS."])


@pytest.mark.parametrize(
    ("text", "count", "expected"),
    [
        ("One. Two! Three?", 2, "One. Two!"),
        ("One. Two! Three?", 9, "One. Two! Three?"),
        ("One. Two! Thr", 9, "One. Two!"),  # what the length cut off is no sentence
        ("One thing that does not e", 1, "One thing that does not e"),
        ("Mr. Smith meets Dr. J. Doe. They talk.", 1, "Mr. Smith meets Dr. J. Doe."),
        ('He asks "Why?" and goes. She stays.', 1, 'He asks "Why?" and goes.'),
        ('He asks "Why?" She stays.', 1, 'He asks "Why?"'),
        ("It costs 3.50 dollars. #Person1# pays.", 1, "It costs 3.50 dollars."),
        ("Wait... what? Yes.", 1, "Wait... what?"),
        ("今日は晴れ。明日は雨。", 1, "今日は晴れ。"),
        ("", 1, ""),
        (" ", 3, ""),
    ],
)
def test_beginning(text, count, expected):
    assert summarize.beginning(text, count) == expected

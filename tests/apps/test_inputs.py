"""The items that a command line names: files, folders, globs, texts, tables, and what is said of bad ones."""

import argparse
import gzip
import io
import json
import pathlib
import threading
import time

import pytest

from apps.reading import command_line
from zoo.errors import UserError


def items_of(kind, *items, stdin=b"", text=(), csv=None, column="text"):
    arguments = argparse.Namespace(items=list(items), text=list(text), csv=csv, column=column)
    return list(getattr(command_line, kind)(arguments, io.BufferedReader(io.BytesIO(stdin))))


def texts(*items, **options):
    """(name, payload) pairs; of an exception, its text after "!"."""
    found = items_of("texts", *map(str, items), **options)
    return [(i.name, f"!{i.payload}" if isinstance(i.payload, Exception) else i.payload) for i in found]


def same(*values):
    return [(value, value) for value in values]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Texts.


def test_an_item_is_a_text_unless_it_names_a_file(place):
    (place / "good").write_text("from the file\n")
    assert texts("good", "better") == same("from the file", "better")
    assert texts(text=["good"]) == same("good")


def test_a_glob_that_matches_is_its_files_and_one_that_does_not_is_a_text(place):
    (place / "a1").write_text("one\ntwo")
    (place / "a2").write_text("three\n")
    assert texts("a?") == same("one", "two", "three")
    assert texts("really good?", "[sic]") == same("really good?", "[sic]")


@pytest.mark.parametrize(
    "item", ["reviews.txt", "reviews.csv", "r.jsonl", "r.tsv", "and/or", "there/*.txt", "/nowhere"]
)
def test_what_looks_like_a_missing_file_is_an_error_that_mentions_text(place, item):
    assert texts(item) == [(item, "!no such file; if it is meant as a text, give it by --text")]
    assert texts(text=[item]) == same(item)


def test_a_folder_is_no_file_of_texts(place):
    (place / "reviews").mkdir()
    assert texts("reviews") == same("reviews")  # a word, as any other
    assert texts("reviews/")[0][1].startswith("!is a folder, expected a file of texts")


def test_a_very_long_text_is_a_text(place):
    assert texts("good " * 5000) == same("good " * 5000)


def test_lines_of_stdin_and_of_a_txt_file_are_items_and_empty_ones_keep_their_place(place):
    content = b"one\r\n\ntwo\tcolumns\n  \nlast without an end"
    expected = same("one", "", "two\tcolumns", "  ", "last without an end")
    (place / "f.txt").write_bytes(content)
    assert texts("f.txt") == expected
    assert texts("-", stdin=content) == expected
    assert texts("-", stdin=b"") == []
    assert texts("-", stdin=b"\n") == same("")


def test_only_line_feeds_end_lines():
    text = "a\u2028b\x0bc\x0cd\x85e\rf"
    assert texts("-", stdin=text.encode() + b"\n") == same(text)


def test_a_byte_order_mark_is_no_text():
    assert texts("-", stdin=b"\xef\xbb\xbfgood\n") == same("good")


def test_invalid_utf8_fails_for_its_line_alone():
    found = texts("-", stdin=b"good\nsch\xf6n\nbad\n")
    assert found[0] == ("good", "good") and found[2] == ("bad", "bad")
    assert found[1] == ("sch\\xf6n", "!line 2 is not valid UTF-8: byte 0xf6 at position 4")
    assert texts("\udcf6") == [("\udcf6", "!not valid UTF-8 at character 1")]  # as argv brings it


def test_files_that_are_no_text_are_refused_once(place):
    (place / "photo").write_bytes(b"\x89PNG\r\x00\x00\n" * 100)
    (place / "notepad.txt").write_bytes("good\nbad\n".encode("utf-16"))
    assert texts("photo") == [("photo", "!not a text file; expected UTF-8, one item a line")]
    assert texts("notepad.txt") == [("notepad.txt", "!the text is UTF-16; expected UTF-8: save it as UTF-8")]


def test_a_long_line_is_whole_and_an_endless_one_is_refused(monkeypatch):
    assert texts("-", stdin=b"x" * 5_000_000 + b"\nnext")[0][0] == "x" * 5_000_000
    monkeypatch.setattr(command_line, "LONGEST_LINE", 1000)
    for length, end in [(1000, b"\n"), (1000, b"\r\n"), (1000, b"")]:
        assert texts("-", stdin=b"x" * length + end + (b"next" if end else b""))[0][0] == "x" * length
    found = texts("-", stdin=b"first\n" + b"x" * 3_000_000 + b"\nnext\n" + b"y" * 5000)
    assert [name for name, _ in found] == ["first", "-, line 2", "next", "-, line 4"]
    assert found[1][1].startswith("!the line is longer than")


# Tables.


def test_a_column_of_a_table(place):
    (place / "r.csv").write_bytes('\ufeffid,comment\n1,"good, ""really""\nand long"\n\n2,\n3\n4,bad\n'.encode())
    found = texts(csv="r.csv", column="comment")
    assert found[0][0] == 'good, "really"\nand long' and found[1] == ("", "") and found[3] == ("bad", "bad")
    assert found[2] == ("r.csv, line 6", "!the row has no column 'comment'")
    (place / "first.csv").write_bytes(b"\xef\xbb\xbftext,x\ngood,1\n")
    assert texts("first.csv") == same("good")
    (place / "r.tsv").write_text('text\tx\nsay "hi\t1\n"ok"\t2\n')
    assert texts("r.tsv") == same('say "hi', '"ok"')
    with gzip.open(place / "r.jsonl.gz", "wt") as stream:
        stream.write(
            '{"text": "good"}\n\n{"text": 3}\n{"other": 1}\nnonsense\n{"text": "\\ud83d"}\n[1]\n{"text": "bad"}\n'
        )
    found = texts("r.jsonl.gz")
    assert [name for name, payload in found if not payload.startswith("!")] == ["good", "bad"]
    assert len(found) == 7


def test_invalid_utf8_in_a_table_fails_for_its_row_alone(place):
    (place / "r.csv").write_bytes(b"text\ngood\nsch\xf6n\nbad\n")
    found = texts("r.csv")
    assert [name for name, payload in found if not payload.startswith("!")] == ["good", "bad"]
    assert found[1][1] == "!not valid UTF-8 at character 4"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.csv", b"txt,label\ngood,1\n", "no column 'text'; did you mean 'txt'? Name one by --column."),
        ("r.csv", b"", "no column 'text'; there are: none. Name one by --column."),
        ("r.jsonl", b'{"txt": "good"}\n', "no column 'text'; did you mean 'txt'? Name one by --column."),
        ("r.jsonl", b"good\n", "line 1 is not JSON"),
        ("r.csv.gz", b"text\ngood\n", "cannot be read: Not a gzipped file"),
    ],
)
def test_a_table_without_the_column_stops_the_command_or_fails_as_an_item(place, name, content, message):
    (place / name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        texts(csv=name)
    assert str(caught.value).startswith(f"--csv {name}: {message}")
    assert texts(name)[0][1].startswith(f"!{message}")


def test_a_cut_gzip_gives_its_rows_and_then_fails(place):
    whole = gzip.compress(b"text\n" + b"".join(b"%d good %d\n" % (i, i * i) for i in range(20_000)))
    (place / "r.csv.gz").write_bytes(whole[: len(whole) // 2])
    found = texts("r.csv.gz")
    assert len(found) > 1000 and found[0][0] == "0 good 0"
    assert found[-1][1].startswith("!cannot be read further")


# Images.


def images(*items, **options):
    found = items_of("images", *map(str, items), **options)
    return [(i.name, f"!{i.payload}" if isinstance(i.payload, Exception) else str(i.payload)) for i in found]


@pytest.fixture
def pictures(place):
    for name in ("b/2.JPG", "b/1.png", "b/notes.txt", "b/deep/3.webp", "b/.hidden", "a.png", "odd[1].png", "noending"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(b"x")
    (place / "none").mkdir()
    return place


def test_files_folders_and_globs_of_images(pictures):
    assert images("a.png", "noending", "odd[1].png") == same("a.png", "noending", "odd[1].png")
    assert images("b") == same("b/1.png", "b/2.JPG", "b/deep/3.webp")
    assert images("*.png") == same("a.png", "odd[1].png")
    assert images("b*") == images("b")
    assert images("-", stdin=b"a.png\n\nb/1.png\n") == same("a.png", "b/1.png")


def test_bad_images_fail_in_their_place(pictures):
    found = images("a.png", "none", "x.png", "x*.png", "b/1.png")
    assert found[0] == ("a.png", "a.png") and found[-1] == ("b/1.png", "b/1.png")
    assert found[1][1] == "!no image in this folder (no file at all)"
    assert found[2][1].startswith("!no such file or folder; expected an image file, a folder")
    assert found[3][1].startswith("!no file matches; expected an image file")
    assert images("-", stdin=b"\x89PNG\r\n...\n...") == [
        ("-", "!stdin holds an image; expected paths of images, one a line")
    ]


def test_a_file_is_read_when_it_is_its_turn(pictures):
    items = list(command_line.images(argparse.Namespace(items=["a.png", "b/1.png"])))
    (pictures / "b" / "1.png").unlink()
    first, second = map(command_line.read_payload, items)
    assert first == b"x"
    assert isinstance(second, UserError) and str(second) == "cannot be read: No such file or directory"


def test_a_device_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(command_line, "LARGEST_FILE", 10_000)
    assert "which no image needs" in str(
        command_line.read_payload(command_line.Item("zero", pathlib.Path("/dev/zero")))
    )


# Batches.


def numbered(count):
    return (command_line.Item(str(i), str(i)) for i in range(count))


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 1000])
def test_batches_keep_all_items_in_order(count):
    found = list(command_line.batches(numbered(count), 32))
    assert [int(item.name) for batch in found for item in batch] == list(range(count))
    assert all(1 <= len(batch) <= 32 for batch in found)


def test_fast_input_fills_batches():
    assert len(list(command_line.batches(numbered(3200), 32))) <= 105


def test_a_partial_batch_is_handed_out_after_the_wait():
    more, done = threading.Event(), threading.Event()

    def slow():
        time.sleep(0.1)  # the reader of batches waits by then
        yield from numbered(3)
        assert more.wait(30)
        time.sleep(0.1)
        yield from numbered(1)
        assert done.wait(30)  # the source stays open, as `tail -f` does

    found = command_line.batches(slow(), 32, wait=0.2)
    started = time.monotonic()
    assert len(next(found)) == 3
    assert 0.25 < time.monotonic() - started < 10
    more.set()
    assert len(next(found)) == 1
    done.set()
    assert list(found) == []
    assert time.monotonic() - started < 25


def test_reading_stays_a_little_ahead():
    read = []

    def counted():
        for item in numbered(1000):
            read.append(item)
            yield item

    found = command_line.batches(counted(), 10)
    next(found)
    time.sleep(0.2)
    assert len(read) <= 10 + 2 * 10 + 1
    found.close()
    time.sleep(0.1)
    assert not any(thread.name == "inputs" and thread.is_alive() for thread in threading.enumerate())


def test_a_problem_of_the_source_comes_after_its_items():
    def broken():
        yield from numbered(3)
        raise UserError("the disk is gone")

    found = command_line.batches(broken(), 32)
    assert len(next(found)) == 3
    with pytest.raises(UserError, match="the disk is gone"):
        next(found)


def test_json_of_a_text_round_trips_through_lines():
    text = 'a "quoted" \\ text — 映画'
    assert texts("-", stdin=json.dumps(text).encode())[0][0] == json.dumps(text)

"""No text of a person's table is cut or lost without a word, whoever reads it: training, evaluating, answering."""

import argparse
import gzip
import os
import threading

import pytest

from apps.reading import command_line
from zoo import data
from zoo.data.tables import delimited, reader
from zoo.data.texts import pairs
from zoo.errors import UserError


def loaded(path):
    """Texts, labels and notes of examples."""
    found = data.load(path, kind="text")
    return list(found.raw), [found.names[i] for i in found.labels], " ".join(found.notes)


def answered(path):
    """The rows as an application answers them: texts, of an exception its text after "!"."""
    arguments = argparse.Namespace(items=[str(path)], text=[], csv=None, column="text")
    items = command_line.texts(arguments)
    return [f"!{item.payload}" if isinstance(item.payload, Exception) else item.payload for item in items]


def write(folder, name, content):
    path = folder / name
    content = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(gzip.compress(content) if name.lower().endswith(".gz") else content)
    return path


GOOD = (["good, very", "bad"], ["pos", "neg"])
FORMS = {
    "semicolons.csv": "text;label\ngood, very;pos\nbad;neg\n",
    "excel.csv": "sep=;\r\ntext;label\r\ngood, very;pos\r\nbad;neg\r\n",
    "excel-commas.csv": 'SEP=,\ntext,label\n"good, very",pos\nbad,neg\n',
    "marked.csv": '\ufeff"sep=;"\ntext;label\ngood, very;pos\nbad;neg\n',
    "tabs.csv": 'text\tlabel\n"good, very"\tpos\nbad\tneg\n',
    "bars.csv": "text|label\ngood, very|pos\nbad|neg\n",
    "commas.tsv": 'text,label\n"good, very",pos\nbad,neg\n',
    "CAPITALS.CSV": 'text,label\n"good, very",pos\nbad,neg\n',
    "CAPITALS.TSV": "text\tlabel\ngood, very\tpos\nbad\tneg\n",
    "Packed.Csv.GZ": 'text,label\n"good, very",pos\nbad,neg\n',
    "CAPITALS.JSONL": '{"Text": "good, very", "label": "pos"}\n{"Text": "bad", "label": "neg"}\n',
    "names.csv": 'ID,Text,LABEL\n1,"good, very",pos\n2,bad,neg\n',
    "trailing.csv": 'text,label,,\n"good, very",pos,,\nbad,neg,,\n,,,\n,,,\n',
    "wider.csv": 'text,label\n"good, very",pos,,\nbad,neg\n',
    "blank.csv": '\n  \ntext,label\n\n"good, very",pos\nbad,neg\n',
    "blank after.csv": 'text,label\n"good, very" ,pos\nbad,neg\n',
    "old mac.csv": 'text,label\r"good, very",pos\rbad,neg\r',
}


@pytest.mark.parametrize("name", FORMS)
def test_forms(tmp_path, name):
    path = write(tmp_path, name, FORMS[name])
    assert [text.strip() for text in loaded(path)[0]] == GOOD[0]
    assert loaded(path)[1:] == (GOOD[1], "")
    assert [text.strip() for text in answered(path)] == GOOD[0]


# Content, what training says of it, and what an application answers: the rows that are whole are answered.
CUT = {
    "a comma in a text": (
        "text,label\nnice, but long,neg\nbad,neg\n",
        "row 2 has 3 fields, the header 2: quote texts that hold commas$",
        ["!row 2 has 3 fields, the header 2: quote texts that hold commas", "bad"],
    ),
    "a comma in the last column": (
        "label,text\nneg,nice, but long\npos,bad\nneg,a, b\n",
        r"row 2 has 3 fields, .* hold commas \(1 more of its rows are at fault\)",
        ["!row 2 has 3 fields", "bad", "!row 4 has 3 fields"],
    ),
    "a comma beside empty columns": (
        "text,label,,\nnice, but long,neg,\nbad,neg,,\n",
        "row 2 has 3 fields, the header 2",
        ["!row 2 has 3 fields, the header 2", "bad"],
    ),
    "a semicolon in a text": (
        "text;label\nnice; but long;neg\nbad;neg\n",
        "row 2 has 3 fields, the header 2: quote texts that hold semicolons",
        ["!row 2 has 3 fields, the header 2: quote texts that hold semicolons", "bad"],
    ),
    "quotation marks after backslashes": (
        'text,label\n"she said \\"no\\", and left",neg\nbad,neg\n',
        "row 2 has 3 fields, the header 2: quote texts that hold commas; .* is written twice",
        ["!row 2 has 3 fields, the header 2: quote", "bad"],
    ),
    "backslashes alone": (
        'text,label\n"she said \\"no\\" and left",neg\nbad,neg\n',
        "row 2: a quotation mark opens field 1 on line 2, and text follows where it is closed on line 2",
        ["!row 2: a quotation mark opens field 1 on line 2", "bad"],
    ),
    "a blank before the quotation mark": (
        'text,label,x\n1, "nice, but long",neg\nbad,neg,2\n',
        "row 2 has 4 fields, the header 3: .*no blank stands before the quotation mark",
        ["!row 2 has 4 fields, the header 3", "bad"],
    ),
    "a quotation mark that is never closed": (
        'label,text\nneg,"a 5 inch screen\npos,great\nneg,bad\n',
        "row 2: a quotation mark opens field 2 on line 2 and is never closed",
        ["!row 2: a quotation mark opens field 2 on line 2 and is never closed", "great", "bad"],
    ),
    "one in the last row": (
        'label,text\npos,bad\nneg,"a 5 inch screen',
        "row 3: a quotation mark opens field 2 on line 3 and is never closed",
        ["bad", "!row 3: a quotation mark opens field 2 on line 3"],
    ),
    "one that the next text closes": (
        'label,text\nneg,"a 5 inch screen\npos,"great, really"\nneg,"two\nlines"\nneg,"open\n',
        "row 2: a quotation mark opens field 2 on line 2, and text follows where it is closed on line 3.*1 more of its",
        ["!row 2: a quotation mark opens field 2 on line 2", "great, really", "two\nlines", "!row 5 (line 6): a quot"],
    ),
    "a row after texts of several lines": (
        'text,label\n"one\ntwo",pos\n\nnice, but long,neg\n',
        r"row 4 \(line 5\) has 3 fields",
        ["one\ntwo", "!row 4 (line 5) has 3 fields"],
    ),
    "no header": ("spam,buy\nham,hello, you\nham,bye\n", "row 2 has 3 fields, the first row 2", ["!no column 'text'"]),
}


@pytest.mark.parametrize("case", CUT)
def test_a_text_that_would_be_cut_is_refused_by_its_row(tmp_path, case):
    content, message, items = CUT[case]
    path = write(tmp_path, "a.csv", content)
    with pytest.raises(UserError, match=message) as caught:
        data.load(path, kind="text")
    assert "\n" not in str(caught.value)
    found = answered(path)
    assert len(found) == len(items)
    assert all(one.startswith(item) if item[0] == "!" else one == item for one, item in zip(found, items, strict=True))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            "de,en\nEin Hund, der läuft,A dog\n",
            "row 2 has 3 fields, the header 2: quote texts that hold commas",
        ),
        ("a.tsv", "de\ten\nEin\tHund\tA dog\n", "row 2 has 3 fields, the header 2: a text cannot hold a tab"),
        ("a.csv", 'de,en\n"Ein Hund,A dog\nZwei,Two\n', "row 2: a quotation mark opens field 1 on line 2 and is never"),
    ],
)
def test_a_pair_that_would_be_cut_is_refused_by_its_row(tmp_path, name, content, message):
    with pytest.raises(UserError, match=message):
        pairs.load(write(tmp_path, name, content), languages=("de", "en"))


def test_a_quotation_mark_within_a_text_is_let_be(tmp_path):
    path = write(tmp_path, "a.csv", 'text,label\na 5" screen,neg\n"Great" film,pos\n')
    assert loaded(path)[0] == answered(path) == ['a 5" screen', "Great film"]


def test_incomplete_rows_are_left_out_with_a_count(tmp_path):
    rows = "text,label,\ngood,pos,\n,,\nfine,,\n,neg,\nbad,neg,\nx,,\nshort\ny,,\n"
    texts, labels, note = loaded(write(tmp_path, "a.csv", rows))
    assert (texts, labels) == (["good", "bad"], ["pos", "neg"])
    assert note.endswith(
        "a.csv: 5 of 7 rows are incomplete and left out: "
        "row 4, row 7, row 8 and 1 more have no label; row 5 has no text."
    )
    lines = '{"text": "a", "label": 1}\n{"text": "b"}\n{"text": null, "label": 2}\n{"label": 2}\n'
    lines += '{"text": "c", "label": 2}\n'
    texts, labels, note = loaded(write(tmp_path, "a.jsonl", lines))
    assert (texts, labels) == (["a", "c"], ["1", "2"])
    assert "3 of 5 rows are incomplete and left out: line 2 has no label; line 3, line 4 have no text." in note
    path = write(tmp_path, "a.tsv", "de\ten\nEin\tA\nZwei\t\n\t\n")
    found = pairs.load(path, languages=("de", "en"))
    assert (
        list(found.raw) == ["Ein"] and "1 of 2 rows is incomplete and left out: row 3 has no target" in found.notes[0]
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.csv.gz", "a.txt", "-"])
def test_utf16_is_called_so_in_every_kind_of_file(tmp_path, name, encoding):
    path = write(tmp_path, name, "text,label\ngut,1\n".encode(encoding))
    if name not in ("a.txt", "-"):
        for load, options in ((data.load, {"kind": "text"}), (pairs.load, {})):
            with pytest.raises(UserError, match="the text is UTF-16; expected UTF-8: save it as UTF-8"):
                load(path, **options)
    if name == "-":
        with open(path, "rb") as stream:
            found = [str(item.payload) for item in command_line.images(argparse.Namespace(items=["-"]), stream)]
        assert found == [reader.UTF16]
    else:
        assert answered(path) == [f"!{reader.UTF16}"]


HEADERS = {
    "few rows": "review,sentiment\ngood film,pos\nbad film,neg\nfine film,pos\n",
    "eight rows": "Satz,Stimmung\n" + "".join(f"Film {i},{'gut' if i % 2 else 'schlecht'}\n" for i in range(8)),
    "numbers": "Satz,Note\nder eine,1\nder andere,2\n",
    "sentences": "Kommentar,Wertung\nder war gut,a\nder war schlecht,b\ndas war nichts,c\n",
    "semicolons": "review;sentiment\ngood, really;pos\nbad;neg\n",
    "numbers of columns": "0,1\nham,what is this\nspam,buy now\n",
}


@pytest.mark.parametrize("case", HEADERS)
def test_a_header_of_other_names_is_no_example(tmp_path, case):
    with pytest.raises(UserError, match="no column 'text'; .*Name it by --text-column"):
        data.load(write(tmp_path, "a.csv", HEADERS[case]), kind="text")


def test_the_delimiter_of_a_file_without_the_names_gives_each_row_as_many_fields(tmp_path):
    path = write(tmp_path, "a.csv", "Gut, wirklich;pos\nschlecht;neg\nna ja, so;neg\n")
    texts, labels, note = loaded(path)
    assert (texts, labels) == (["Gut, wirklich", "schlecht", "na ja, so"], ["pos", "neg", "neg"])
    assert "taken for an example: the text stands in column 1, the label in column 2" in note
    with pytest.raises(UserError, match="there are: review, sentiment"):
        data.load(write(tmp_path, "b.csv", HEADERS["semicolons"]), kind="text")


def test_names_and_numbers_of_columns(tmp_path):
    path = write(tmp_path, "a.csv", "pos,good\nneg,bad\npos,fine\n")
    found = data.load(path, kind="text", text_column="2", label_column="1")
    assert list(found.raw) == ["good", "bad", "fine"]
    with pytest.raises(UserError, match="no column 3; the first row has 2 fields"):
        data.load(path, kind="text", text_column="3", label_column="1")
    with pytest.raises(UserError, match="no column 'txet'"):  # a name is of a header: nothing is guessed
        data.load(path, kind="text", text_column="txet", label_column="lable")
    with pytest.raises(UserError, match="2 columns are called 'text'; expected one"):
        data.load(write(tmp_path, "b.csv", "Text,TEXT,label\na,b,c\n"), kind="text")
    assert list(data.load(write(tmp_path, "c.csv", "Text,text,label\na,b,c\n"), kind="text").raw) == ["b"]


def test_labels_that_differ_by_little(tmp_path):
    path = write(tmp_path, "a.csv", "text,label\na,1\nb,1.0\nc,2.0\nd,02\ne,-3.00\n")
    texts, labels, note = loaded(path)
    assert labels == ["1", "1", "2.0", "02", "-3.00"]
    assert note.endswith("a.csv: The labels '1', '1.0' are the same number and are one class.")
    path = write(tmp_path, "b.csv", "text,label\na,Pos\nb,pos\nc,A\u0308pfel\nd,\u00c4pfel\n")
    texts, labels, note = loaded(path)
    assert labels == ["Pos", "pos", "\u00c4pfel", "\u00c4pfel"]
    assert note.endswith("The labels 'Pos', 'pos' differ in capitals alone and are 2 classes.")


def test_letters_are_composed(tmp_path):
    path = write(tmp_path, "a.csv", "text,label\nscho\u0308n,a\nbad,b\n")
    assert loaded(path)[0][0] == "sch\u00f6n"
    path = write(tmp_path, "a.tsv", "de\ten\nscho\u0308n\tpass\u00e9\n")
    assert list(pairs.load(path, languages=("de", "en")).raw) == ["sch\u00f6n"]


def test_a_row_that_is_read_again_costs_no_other_and_no_time():
    content = ['a,"b\n'] * 20_000  # each quotation mark closes the one of the line before
    form = delimited.form(content, False, [])
    found = list(delimited.records(content, form))
    assert [record.line for record in found] == list(range(1, 20_001)) and all(record.fault for record in found)


def test_a_table_is_read_as_it_comes(tmp_path):
    """Of a pipe, whose end is not there yet, the first row is answered."""
    path, answered = tmp_path / "pipe.csv", threading.Event()
    os.mkfifo(path)

    def feed():
        with open(path, "w") as stream:
            stream.write("text;label\ngood;1\n")
            stream.flush()
            answered.wait(30)

    feeder = threading.Thread(target=feed)
    feeder.start()
    items = command_line.texts(argparse.Namespace(items=[], text=[], csv=str(path), column="text"))
    assert next(items).payload == "good"
    assert feeder.is_alive()
    answered.set()
    assert list(items) == []
    feeder.join()

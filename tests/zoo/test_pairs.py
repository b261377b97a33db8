"""Pairs of texts: where they come from, how they are split and what is said of them."""

import gzip
import hashlib
import json

import numpy as np
import pytest

from zoo.data.examples import readable
from zoo.data.texts import pairs as data_pairs
from zoo.data.texts.pairs import Pairs, check, load
from zoo.errors import UserError


def _pairs(raw, targets=None, source="mine"):
    targets = [(f"t {text}",) for text in raw] if targets is None else targets
    held = np.empty(len(raw), object)
    held[:] = targets
    return Pairs(np.array(raw, object), held, source)


TABLES = {
    "languages.tsv": 'de\ten\nEin "Hund\tA dog\nZwei\tTwo\n',
    "turned.tsv": 'en\tid\tde\nA dog\t1\tEin "Hund\nTwo\t2\tZwei\n',
    "quoted.csv": 'de,en\n"Ein ""Hund",A dog\nZwei,Two\n',
    "headerless.tsv": 'Ein "Hund\tA dog\tsome author\nZwei\tTwo\tanother\n',
    "objects.jsonl": '{"en": "A dog", "de": "Ein \\"Hund"}\n\n{"de": "Zwei ", "en": "Two", "x": 1}\n',
    "marked.tsv": '\ufeffde\ten\r\nEin "Hund\tA dog\r\nZwei\tTwo\r\n',
    "columns.tsv": 'src\ttgt\nEin "Hund\tA dog\nZwei\tTwo\n',
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("packed", [False, True])
def test_tables(tmp_path, name, packed):
    path = tmp_path / (name + ".gz" * packed)
    path.write_bytes(gzip.compress(TABLES[name].encode()) if packed else TABLES[name].encode())
    columns = {"source_column": "src", "target_column": "tgt"} if name == "columns.tsv" else {}
    loaded = load(path, languages=("de", "en"), **columns)
    assert list(loaded.raw) == ['Ein "Hund', "Zwei"]
    assert list(loaded.targets) == [("A dog",), ("Two",)]
    assert loaded.source == str(path)
    assert bool(loaded.notes) == (name == "headerless.tsv")


def test_languages_in_the_header_win_over_named_columns(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("a\tb\tde\ten\n1\t2\tHund\tdog\n")
    assert load(path, languages=("de", "en"), source_column="a", target_column="b").raw[0] == "Hund"
    assert load(path, languages=("de", "fr"), source_column="a", target_column="b").raw[0] == "1"
    assert load(path, source_column="b", target_column="a").targets[0] == ("1",)


def test_a_guess_is_told(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("Das ist ein Hund.\tThis is a dog.\nKatze\tcat\n")
    (note,) = load(path, languages=("de", "en")).notes
    assert "no column 'de' in its first line, which is taken for an example" in note
    assert "the source stands in column 1, the target in column 2" in note


DE_EN = "Das ist ein Hund.\tThis is a dog.\nIch bin hier.\tI am here.\n"
EN_DE = "This is a dog.\tDas ist ein Hund.\nI am here.\tIch bin hier.\n"


@pytest.mark.parametrize(
    ("languages", "content", "sources"),
    [
        (("de", "en"), DE_EN, (1, "Das ist ein Hund.")),
        (("de", "en"), EN_DE, (2, "Das ist ein Hund.")),  # English first, as of ManyThings
        (("DE", "en-GB"), EN_DE, (2, "Das ist ein Hund.")),
        (("de", "en"), "Er ist in der Stadt.\tHe is in the city.\n", (1, "Er ist in der Stadt.")),
        (("de", "xx"), "Bla blub.\tDas ist ein Hund.\n", (2, "Das ist ein Hund.")),
        (("xx", "de"), "Bla blub.\tDas ist ein Hund.\n", (1, "Bla blub.")),
        (("ru", "en"), "I am here.\tЯ здесь.\n", (2, "Я здесь.")),
        (("ja", "en"), "これは犬です。\tThis is a dog.\n", (1, "これは犬です。")),
        (None, "A long story with many words.\tA story.\n", (1, "A long story with many words.")),
        (None, "A story.\tA long story with many words.\n", (2, "A long story with many words.")),
    ],
)
def test_the_order_of_a_file_without_a_header_is_told_by_its_words(tmp_path, languages, content, sources):
    path = tmp_path / "a.tsv"
    path.write_text(content)
    loaded = load(path, languages=languages)
    assert loaded.raw[0] == sources[1]
    assert f"the source stands in column {sources[0]}, the target in column {3 - sources[0]}" in loaded.notes[0]


@pytest.mark.parametrize(
    ("languages", "content"),
    [
        (("de", "en"), "Hund\tdog\nKatze\tcat\n"),
        (("de", "en"), "Hund in Stadt\tdog is in city\n"),  # "in" is a word of both
        (("xx", "yy"), DE_EN),
        (("ru", "uk"), "Я здесь.\tЯ тут.\n"),
        (None, "A story.\tA tale.\n"),
    ],
)
def test_an_order_that_cannot_be_told_is_refused(tmp_path, languages, content):
    path = tmp_path / "a.tsv"
    path.write_text(content)
    with pytest.raises(UserError, match="it cannot be told which of the two.*--source-column 1 --target-column 2"):
        load(path, languages=languages)
    loaded = load(path, languages=languages, source_column="2", target_column="1")
    assert loaded.raw[0] == content.partition("\n")[0].split("\t")[1] and not loaded.notes
    first = "\t".join(languages or ("source", "target"))
    path.write_text(f"{first}\n{content}")
    assert load(path, languages=languages).raw[0] == content.split("\t")[0]


def test_columns_that_are_named_are_of_a_header(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text(DE_EN)
    with pytest.raises(UserError, match="no column 'a'.*--source-column"):
        load(path, languages=("de", "en"), source_column="a", target_column="b")


@pytest.mark.parametrize("header", ["DE\tEN", "De,En", "deu;eng", "German\tEnglish", "Deutsch,Englisch", "de-DE\ten_US",
                                    "source\ttarget", "Source,Target"])  # fmt: skip
def test_names_of_languages(tmp_path, header):
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\nHund\tdog\n".replace("\t", next(mark for mark in "\t,;" if mark in header)))
    loaded = load(path, languages=("de", "en"))
    assert (list(loaded.raw), list(loaded.targets), loaded.notes) == (["Hund"], [("dog",)], ())


@pytest.mark.parametrize(
    "content",
    [
        "French\tGerman\nLe chien est là.\tDer Hund ist da.\n",
        "Original\tÜbersetzung\nDas ist ein Hund.\tThis is a dog.\nIch bin hier.\tI am here.\n",
        "dialogue\tsummary\nA long story with many words.\tA story.\n",
    ],
)
@pytest.mark.parametrize("languages", [("de", "en"), None])
def test_a_header_of_other_names_is_no_pair(tmp_path, content, languages):
    path = tmp_path / "a.tsv"
    path.write_text(content)
    with pytest.raises(UserError, match="no column '(de|en|source)'; .*Name it by --(source|target)-column"):
        load(path, languages=languages)


BAD_TABLES = {
    "no target": ("a.tsv", "de\ten\nHund\t\nKatze\t \n", "row 2, row 3 have no target: no row is left"),
    "no source": ("a.csv", "de,en\n,dog\n", "row 2 has no source"),
    "null": ("a.jsonl", '{"de": null, "en": "a"}\n', "line 1 has no source"),
    "number": ("a.jsonl", '{"de": "a", "en": 3}\n', "line 1: expected a text as 'en', got 3"),
    "one of two columns": ("a.csv", "de,enn\na,b\n", "no column 'en'; did you mean 'enn'.*--target-column"),
    "one column": ("a.tsv", "Hund\nKatze\n", "no column 'de'"),
    "key": ("a.jsonl", '{"de": "a", "enn": "b"}\n', "no column 'en'; did you mean 'enn'"),
    "JSON number": ("a.jsonl", "3\n", "line 1 has no 'de'; expected an object"),
    "short row": ("a.tsv", "de\ten\nHund\n", "row 2 has no target"),
    "empty": ("a.tsv", "", "no pairs found, the file is empty"),
    "header alone": ("a.tsv", "de\ten\n", "no pairs found, the file is empty"),
    "not UTF-8": ("a.tsv", b"de\ten\ncaf\xe9\tb\n", "line 2 is not valid UTF-8"),
    "damaged": ("a.tsv.gz", b"\x1f\x8b\x08\x00", "not a whole gzip file"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_tables_are_named(tmp_path, case):
    name, content, message = BAD_TABLES[case]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=message) as caught:
        load(path, languages=("de", "en"))
    assert "\n" not in str(caught.value)


def test_bad_sources(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path))
    (tmp_path / "notes.txt").write_text("x")
    for source, message in (
        (tmp_path / "absent.tsv", "absent.tsv: no such file"),
        (tmp_path / "absent", "no such file; expected a table of pairs"),
        (tmp_path / "notes.txt", "notes.txt: expected a table of pairs"),
        (tmp_path, "expected a table of pairs"),
        ("multi3k", "is no file, no folder and no TFDS data set; did you mean 'multi30k'"),
        ("aeslc", "ZOO_DATA_DIR.*online"),
        ("multi30k", "ZOO_DATA_DIR.*online"),
    ):
        with pytest.raises(UserError, match=message):
            load(source, "train", source_column="de", target_column="en")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A small ZOO_DATA_DIR: ten pictures in three languages, and the lines of ANKI."""
    (tmp_path / "multi30k").mkdir()
    (tmp_path / "anki/fra-eng").mkdir(parents=True)
    for language in ("en", "de", "fr"):
        text = "".join(f"{language} {i}\n" for i in range(10))
        (tmp_path / f"multi30k/train.{language}.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "anki/fra-eng/fra.txt.gz").write_bytes(gzip.compress(ANKI.encode()))
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path))
    return tmp_path


def _of_test(count):
    """Sentences that anki's rule puts into the test split; "Hi." falls into train."""
    sentences = (f"ok {i}." for i in range(10_000))
    held = (one for one in sentences if int(hashlib.sha256(one.encode()).hexdigest(), 16) % 50 == 0)
    return [next(held) for _ in range(count)]


FIRST, SECOND = _of_test(2)
ANKI = f"Hi.\tSalut !\nHi.\tBonjour !\n{FIRST}\tOui.\n{SECOND}\tBon.\n{FIRST.upper()}\tD'accord.\n{FIRST}\tOui.\n"


def test_columns_choose_the_direction(folder):
    loaded = load("multi30k", "train", source_column="fr", target_column="de")
    assert (loaded.raw[3], loaded.targets[3], len(loaded)) == ("fr 3", ("de 3",), 10)
    with pytest.raises(UserError, match="multi30k has no 'es'; there are: en, de, fr"):
        load("multi30k", "train", source_column="en", target_column="es")
    with pytest.raises(UserError, match="multi30k: name the source by --source-column; there are: en, de, fr"):
        load("multi30k", "train")


def test_training_has_a_target_each_and_test_gathers_references(folder):
    train = load("anki/fra-eng", "train", source_column="en", target_column="fr")
    assert list(zip(train.raw, train.targets, strict=True)) == [("Hi.", ("Salut !",)), ("Hi.", ("Bonjour !",))]
    test = load("anki/fra-eng", "test", source_column="en", target_column="fr")
    assert dict(zip(test.raw, test.targets, strict=True)) == {FIRST: ("Oui.", "D'accord."), SECOND: ("Bon.",)}
    turned = load("anki/fra-eng", "test", source_column="fr", target_column="en")
    assert sorted(turned.raw) == ["Bon.", "D'accord.", "Oui."]


@pytest.mark.parametrize(
    "split, places",
    [("train[:3]", [0, 1, 2]), ("train[8:]", [8, 9]), ("train[20%:40%]", [2, 3]), ("train[:]", list(range(10)))],
)
def test_slices(folder, split, places):
    loaded = load("multi30k", split, source_column="en", target_column="de")
    assert list(loaded.raw) == [f"en {i}" for i in places]


def test_joined_sources(folder, tmp_path):
    path = tmp_path / "a+b.tsv"
    path.write_text("en\tfr\nme\tmoi\n")
    columns = {"source_column": "en", "target_column": "fr"}
    loaded = load("multi30k+anki/fra-eng", "train", **columns)
    assert len(loaded) == 12 and list(loaded.raw[9:]) == ["en 9", "Hi.", "Hi."]
    assert loaded.source == "multi30k+anki/fra-eng"
    assert list(load(path, **columns).raw) == ["me"]  # a plus in a file's name joins nothing
    with pytest.raises(UserError, match="anki/fra-eng has no 'de'; there are: en, fr"):
        load("multi30k+anki/fra-eng", "train", source_column="en", target_column="de")
    alone, joined = (load(name, "test", **columns) for name in ("anki/fra-eng", "multi30k+anki/fra-eng"))
    assert list(joined.raw) == list(alone.raw) and len(alone) > 0  # of Multi30k, which has no "test", nothing
    with pytest.raises(UserError, match="multi30k: no split 'dev'"):
        load("multi30k+anki/fra-eng", "dev", **columns)


def test_split_keeps_equal_sources_together():
    whole = _pairs([f"text {i // 2}" if i % 2 else f" Text {i // 2}" for i in range(200)])
    rest, held = whole.split(0.1, seed=3)
    assert (len(rest), len(held)) == (180, 20)
    assert not {raw.strip().lower() for raw in rest.raw} & {raw.strip().lower() for raw in held.raw}
    assert list(held.targets) == [(f"t {raw}",) for raw in held.raw]
    assert list(whole.split(0.1, seed=3)[1].raw) == list(held.raw) != list(whole.split(0.1, seed=4)[1].raw)
    assert [len(part) for part in _pairs(["a", "b"]).split(0.01, seed=0)] == [1, 1]
    assert [len(part) for part in _pairs(["a", "a"]).split(0.5, seed=0)] == [2, 0]
    assert [len(part) for part in _pairs([]).split(0.5, seed=0)] == [0, 0]
    with pytest.raises(UserError, match="between 0 and 1"):
        whole.split(1, seed=0)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="2 sources, 1 targets"):
        Pairs(np.array(["a", "b"], object), _pairs(["a"]).targets, "mine")


def test_what_cannot_be_read_is_left_out():
    def raw(item):
        if len(item) > 1:
            raise UserError("too long")

    rest, notes = readable(_pairs(["a", "bb", "c"]), raw)
    assert list(rest.targets) == [("t a",), ("t c",)]
    assert notes == ["1 of 3 examples cannot be read and are left out (example 2: too long)."]


def test_checks_find_what_spoils_a_training():
    many = [f"sentence number {i} about nothing" for i in range(data_pairs.FEW)]
    targets = [(f"Satz Nummer {i} über nichts",) for i in range(data_pairs.FEW)]
    good = _pairs(many, targets)
    assert check(good, _pairs(["new"])) == []
    assert check(good, _pairs(["Sentence number 5 about nothing ", "new"])) == [
        "1 of 2 validation examples stand in the training data too: the validation score is too good by that much."
    ]
    bad = _pairs(many, [(many[0],), *targets[1:7], (" ".join(["weit mehr"] * 20),), *targets[8:]])
    same, long = check(bad, _pairs(["new"]))
    assert same == "1 of 1,000 training pairs have the same text on both sides."
    assert long.startswith("In 1 of 1,000 training pairs one side is far too long") and "pair 8:" in long
    (few,) = check(good.take(slice(12)), _pairs(["new"]))
    assert few.startswith("Only 12 training pairs")
    for train, validation in ((good.take([]), good), (good, good.take([]))):
        with pytest.raises(UserError, match="mine: no pairs found"):
            check(train, validation)
    with pytest.raises(UserError, match="10 of 12 pairs have the same text on both sides"):
        check(_pairs(many[:12], [(text,) for text in many[:10]] + targets[:2]), good)


def test_summaries_are_no_lopsided_pairs():
    # Dialogues of 20 to 400 words, each summed up in twenty: no proportion is usual.
    raw = ["word " * int(count) for count in np.random.default_rng(0).integers(20, 400, data_pairs.FEW)]
    assert check(_pairs(raw, [("short " * 20,)] * len(raw)), _pairs(["new"])) == []


def test_real_references(data_dir):
    spanish = load("anki/spa-eng", "test", source_column="en", target_column="es")
    assert len(spanish) == 2000 and max(map(len, spanish.targets)) > 3
    train = load("anki/spa-eng", "train", source_column="en", target_column="es")
    assert check(train, spanish) == []
    summaries = load("dialogsum", "test")
    assert len(summaries) == 500 and {len(targets) for targets in summaries.targets} == {3}
    with gzip.open(data_dir / "dialogsum/test.jsonl.gz", "rt", encoding="utf-8") as file:
        first = json.loads(next(file))
    assert (summaries.raw[0], summaries.targets[0][2]) == (first["dialogue"], first["summary3"])


def test_real_tfds_set_of_two_texts(data_dir):
    loaded = load("aeslc", "test[:20]", source_column="subject_line", target_column="email_body")
    turned = load("aeslc", "test[:20]")  # as the data set declares itself: email_body -> subject_line
    assert len(loaded) == 20 and list(turned.targets) == [(raw,) for raw in loaded.raw]
    assert sum(map(len, turned.raw)) > 3 * sum(map(len, loaded.raw))
    with pytest.raises(UserError, match="aeslc has no 'subject'; there are: email_body, subject_line"):
        load("aeslc", "test", target_column="subject")
    with pytest.raises(UserError, match="no split 'dev'"):
        load("aeslc", "dev")

"""Builders of the plain sets: what they read, from where, and how the splits fall."""

import gzip
import hashlib
import io
import json
import unicodedata
import urllib.request
import zipfile

import numpy as np
import pytest
import tensorflow_datasets as tfds

from zoo.data import builders
from zoo.errors import UserError

DIALOGUES = {
    "train": [
        {"fname": "t0", "dialogue": "#Person1#: Hi.\n#Person2#: Hello. ", "summary": "They greet.", "topic": "x"}
    ],
    "dev": [{"fname": "d0", "dialogue": "#Person1#: Bye.", "summary": "One leaves.", "topic": "x"}],
    "test": [{"fname": "e0", "dialogue": "#Person1#: Go!", "summary1": "a", "summary2": "b", "summary3": "c"}],
}


def english(split: str, count: int, start: int = 0) -> list[str]:
    """Sentences that belong to that split of anki, found by trying."""
    wanted = {"test": {0}, "validation": {1}, "train": set(range(2, 50))}[split]
    found, number = [], start
    while len(found) < count:
        number += 1
        sentence = f"Sentence number {number}."
        if int(hashlib.sha256(sentence.lower().encode()).hexdigest(), 16) % 50 in wanted:
            found.append(sentence)
    return found


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A small ZOO_DATA_DIR with all plain sets."""
    for split in ("train", "val", "test_2016_flickr"):
        for language in ("en", "de", "fr"):
            _write(tmp_path / f"multi30k/{split}.{language}.gz", f"one {language}\n two\u2028{language} \r\n{split}\n")
    pairs = [(sentence, f"es {i}") for i, sentence in enumerate(english("train", 3))]
    pairs += [(sentence, f"es {i}") for sentence in english("test", 3) for i in range(2)]
    pairs += [(english("validation", 1)[0], "es\tCC-BY 2.0 (France)")]
    _write(tmp_path / "anki/spa-eng/spa.txt.gz", "".join(f"{one}\t{other}\n" for one, other in pairs))
    _write(tmp_path / "anki/fra-eng/fra.txt.gz", f"{english('train', 1)[0]}\tVa !\n")
    for split, count in (("train", 3), ("validation", 2), ("test", 2)):
        rows = "".join(f"Hallo {row // 2} \tHello {row}\ttatoeba\n" for row in range(count))
        _write(tmp_path / f"de_en_everyday/{split}.tsv.gz", f"de\ten\tsource\n{rows}")
    for split, rows in DIALOGUES.items():
        _write(tmp_path / f"dialogsum/{split}.jsonl.gz", "".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path))
    return tmp_path


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()))


def test_multi30k_keeps_its_lines_side_by_side(folder):
    examples = list(builders.find("multi30k").examples("val"))
    assert examples == [
        {"en": "one en", "de": "one de", "fr": "one fr"},
        {"en": "two\u2028en", "de": "two\u2028de", "fr": "two\u2028fr"},
        {"en": "val", "de": "val", "fr": "val"},
    ]
    _write(folder / "multi30k/val.de.gz", "one\ntwo\n")
    with pytest.raises(UserError, match="the files of 'val' differ in length: 3 of en, 2 of de, 3 of fr"):
        list(builders.find("multi30k").examples("val"))


def test_anki_splits_by_the_english_side(folder):
    builder = builders.find("anki/spa-eng")
    parts = {split: list(builder.examples(split)) for split in builder.SPLITS}
    assert [example["en"] for example in parts["train"]] == english("train", 3)
    assert parts["validation"] == [{"en": english("validation", 1)[0], "es": "es"}]
    # All translations of a sentence, one sentence after the other in the order of the hashes.
    order = sorted(english("test", 3), key=lambda sentence: hashlib.sha256(sentence.lower().encode()).hexdigest())
    assert [example["en"] for example in parts["test"]] == [sentence for sentence in order for _ in range(2)]
    assert [example["es"] for example in parts["test"]] == ["es 0", "es 1"] * 3


def test_anki_takes_equal_english_sides_for_equal(folder):
    composed = next(s for s in (f"Caf\u00e9 {i}." for i in range(1000)) if _bucket(s) == 0)
    forms = [composed, unicodedata.normalize("NFD", composed.upper()), f"  {composed}"]
    _write(folder / "anki/fra-eng/fra.txt.gz", "".join(f"{form}\tOui.\n" for form in forms))
    builder = builders.find("anki/fra-eng")
    assert [len(list(builder.examples(split))) for split in ("train", "validation", "test")] == [0, 0, 3]


def _bucket(sentence: str) -> int:
    normalized = unicodedata.normalize("NFC", sentence).lower().strip()
    return int(hashlib.sha256(normalized.encode("utf-8")).hexdigest(), 16) % 50


def test_anki_test_has_at_most_2000_english_sides(folder):
    _write(folder / "anki/fra-eng/fra.txt.gz", "".join(f"{one}\tA.\n{one}\tB.\n" for one in english("test", 2003)))
    assert len(list(builders.find("anki/fra-eng").examples("test"))) == 4000


def test_anki_names_a_line_that_is_no_pair(folder):
    _write(folder / "anki/fra-eng/fra.txt.gz", "Go.\tVa !\nRun!\n")
    with pytest.raises(UserError, match="line 2 is no pair: 'Run!'"):
        list(builders.find("anki/fra-eng").examples("train"))


def test_everyday_sentences_have_all_their_translations_where_they_are_measured(folder):
    from zoo.data.texts import pairs

    assert list(builders.find("de_en_everyday").examples("train"))[2] == {"de": "Hallo 1", "en": "Hello 2"}
    columns = {"source_column": "de", "target_column": "en"}
    assert list(pairs.load("de_en_everyday", "train", **columns).targets) == [("Hello 0",), ("Hello 1",), ("Hello 2",)]
    assert list(pairs.load("de_en_everyday", "val", **columns).targets) == [("Hello 0", "Hello 1")]
    both = pairs.load("multi30k+de_en_everyday", "val", **columns)
    assert list(both.raw) == ["one de", "two\u2028de", "val", "Hallo 0"]
    _write(folder / "de_en_everyday/test.tsv.gz", "en\tde\n")
    with pytest.raises(UserError, match="expected the columns de, en in test.tsv.gz"):
        list(builders.find("de_en_everyday").examples("test"))


def test_a_set_that_cannot_be_downloaded_says_so(monkeypatch):
    monkeypatch.delenv("ZOO_DATA_DIR", raising=False)
    with pytest.raises(UserError, match="whose de_en_everyday/ holds it; it cannot be downloaded"):
        list(builders.find("de_en_everyday").examples("train"))


def test_dialogsum_has_three_references_in_test(folder):
    builder = builders.find("dialogsum")
    assert list(builder.examples("train")) == [
        {"id": "t0", "dialogue": "#Person1#: Hi.\n#Person2#: Hello.", "summary": ["They greet."]}
    ]
    assert [example["summary"] for example in builder.examples("test")] == [["a", "b", "c"]]


@pytest.mark.parametrize("name", builders.NAMES)
def test_every_name_is_a_tfds_builder_whose_files_are_named_once(folder, name):
    builder = builders.find(name)
    assert isinstance(builder, tfds.core.GeneratorBasedBuilder)
    assert isinstance(tfds.builder(name, data_dir=folder / "tfds"), type(builder))
    for split in builder.SPLITS:
        places = builder.places(split)
        assert all((folder / place).is_file() for place in places)
        # The everyday sentences are nowhere to download.
        assert all(url.startswith("https://") != (name == "de_en_everyday") for url in places.values())
        first = next(iter(builder.examples(split)), None)
        assert first is None or set(first) == set(builder.info.features)


def test_tfds_prepares_them_as_it_does_its_own(folder):
    loaded = tfds.load("dialogsum", data_dir=folder / "tfds", try_gcs=False)
    assert {split: len(dataset) for split, dataset in loaded.items()} == {"train": 1, "dev": 1, "test": 1}
    (example,) = loaded["test"].as_numpy_iterator()
    assert example["dialogue"] == b"#Person1#: Go!" and list(example["summary"]) == [b"a", b"b", b"c"]


def test_unknown_names_and_splits(folder):
    assert builders.find("imdb_reviews") is None
    for name in ("anki", "anki/spa-fra", "multi30k/de-en", "dialogsum/x"):
        with pytest.raises(UserError, match=f"no data set '{name}'; (did you mean|there are)"):
            builders.find(name)
    with pytest.raises(UserError, match="multi30k: no split 'test'; there are: test_2016_flickr, train, val"):
        builders.find("multi30k").examples("test")


def test_files_that_are_nowhere_name_both_ways(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path))
    for name in builders.NAMES:
        with pytest.raises(UserError, match="ZOO_DATA_DIR.*online.*does not exist") as caught:
            builders.find(name).examples("train")
        assert name in str(caught.value) and "\n" not in str(caught.value)


@pytest.fixture
def net(monkeypatch, tmp_path):
    """A net of ours: URL -> bytes; what is not in it cannot be resolved. Gives the mapping and the URLs asked for."""
    held, asked = {}, []

    def urlopen(url, timeout):
        asked.append(url)
        if url not in held:
            raise urllib.error.URLError("Name or service not known")
        return io.BytesIO(held[url])

    monkeypatch.delenv("ZOO_DATA_DIR", raising=False)
    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path / "cache"))
    return held, asked


def test_online_the_public_file_is_fetched_once(net):
    held, asked = net
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("spa-eng/_about.txt", "terms")
        file.writestr("spa-eng/spa.txt", f"{english('train', 1)[0]}\tVe.\n")
    builder = builders.find("anki/spa-eng")
    (url,) = builder.places("train").values()
    held[url] = archive.getvalue()
    for _ in range(2):
        assert list(builder.examples("train")) == [{"en": english("train", 1)[0], "es": "Ve."}]
    assert asked == [url]


def test_online_plain_and_packed_texts_are_told_apart(net):
    held, _ = net
    (url,) = builders.find("dialogsum").places("dev").values()
    held[url] = json.dumps(DIALOGUES["dev"][0]).encode()
    assert [example["id"] for example in builders.find("dialogsum").examples("dev")] == ["d0"]
    for url in builders.find("multi30k").places("val").values():
        held[url] = gzip.compress(b"a line\n")
    assert list(builders.find("multi30k").examples("val")) == [dict.fromkeys(("en", "de", "fr"), "a line")]


def test_no_net_is_one_line(net):
    with pytest.raises(UserError, match="'multi30k' is not here: set ZOO_DATA_DIR.*online.*URLError"):
        builders.find("multi30k").examples("train")


@pytest.mark.parametrize(
    "content",
    [b"PK no zip", b"\x1f\x8b no gzip", b"caf\xe9\n", gzip.compress(b"a\n")[:-4]],
    ids=["no zip", "no gzip", "latin", "cut gzip"],
)
def test_a_damaged_file_is_named(folder, content):
    (folder / "multi30k/val.de.gz").write_bytes(content)
    with pytest.raises(UserError, match=r"val.de.gz: expected the text 'val.de.gz', plain or packed"):
        builders.find("multi30k").examples("val")


# The counts that README-text.md tells of the real files; anki's splits are counted by the rule, apart from the code.
COUNTS = {
    "multi30k": {"train": 29_000, "val": 1_014, "test_2016_flickr": 1_000},
    "dialogsum": {"train": 12_460, "dev": 500, "test": 500},
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_of_the_real_data(data_dir, name):
    builder = builders.find(name)
    assert {split: sum(1 for _ in builder.examples(split)) for split in builder.SPLITS} == COUNTS[name]


@pytest.mark.parametrize("name, file, total", [("spa-eng", "spa", 118_964), ("fra-eng", "fra", 167_130)])
def test_the_real_anki_splits_share_no_english_side(data_dir, name, file, total):
    with gzip.open(data_dir / "anki" / name / f"{file}.txt.gz", "rt", encoding="utf-8", newline="\n") as lines:
        buckets = [_bucket(line.split("\t")[0]) for line in lines]
    assert len(buckets) == total
    builder = builders.find(f"anki/{name}")
    sides = {split: [example["en"] for example in builder.examples(split)] for split in builder.SPLITS}
    counts = np.bincount(buckets, minlength=50)
    assert len(sides["train"]) == counts[2:].sum() and len(sides["validation"]) == counts[1]
    assert {_bucket(side) for side in sides["test"]} == {0} and {_bucket(side) for side in sides["validation"]} == {1}
    assert len({unicodedata.normalize("NFC", side).lower() for side in sides["test"]}) == 2000
    assert not {0, 1} & {_bucket(side) for side in sides["train"]}

"""Sources, splits and the checks of a person's own data."""

import gzip
import json

import cv2
import numpy as np
import pytest

import zoo
from zoo import data
from zoo.data import examples as data_examples
from zoo.errors import UserError


def test_digits_are_scikit_learns_own():
    from sklearn.datasets import load_digits

    train, test = (data.load("digits", split, kind="image") for split in ("train", "test"))
    assert (len(train), len(test)) == (1438, 359)
    pixels = cv2.imdecode(np.frombuffer(test.raw[1], np.uint8), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_array_equal(pixels, np.round(load_digits().images[9] * 255 / 16))
    assert test.labels[1] == load_digits().target[9]


TABLES = {
    "reviews.csv": 'text,label\n"good, very ""good""",pos\nbad,neg\n',
    "reviews.tsv": 'label\ttext\npos\tgood, very "good"\nneg\tbad\n',
    "reviews.jsonl": '{"text": "good, very \\"good\\"", "label": "pos"}\n\n{"text": "bad", "label": "neg"}\n',
    "marked.csv": '\ufefftext,label\r\n"good, very ""good""",pos\r\nbad,neg\r\n',
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("packed", [False, True])
def test_tables(tmp_path, name, packed):
    content = TABLES[name].encode()
    path = tmp_path / (name + ".gz" * packed)
    path.write_bytes(gzip.compress(content) if packed else content)
    loaded = data.load(path, kind="text")
    assert loaded.names == ("neg", "pos")
    order = [1, 0]
    assert list(loaded.raw) == ['good, very "good"', "bad"]
    assert list(loaded.labels) == order


@pytest.mark.parametrize("rows", ["spam\tbuy\nham\thello\nham\tbye\n", "buy\tspam\nhello\tham\nbye\tham\n"])
def test_headerless_file_of_two_columns(tmp_path, rows):
    path = tmp_path / "sms.tsv"
    path.write_text(rows)
    loaded = data.load(path, kind="text")
    assert list(loaded.raw) == ["buy", "hello", "bye"]
    assert [loaded.names[i] for i in loaded.labels] == ["spam", "ham", "ham"]


def test_a_header_of_two_other_names_is_no_example(tmp_path):
    path = tmp_path / "reviews.csv"
    path.write_text("review,sentiment\n" + "".join(f"film {i},{'pos' if i % 2 else 'neg'}\n" for i in range(10)))
    with pytest.raises(UserError, match="no column 'text'; there are: review, sentiment. Name it by --text-column"):
        data.load(path, kind="text")


def test_a_guess_is_told(tmp_path):
    path = tmp_path / "sms.tsv"
    path.write_text("spam\tbuy\nham\thello\nham\tbye\n")
    (note,) = data.load(path, kind="text").notes
    assert "the text stands in column 2, the label in column 1" in note


def test_json_may_hold_a_line_separator(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "one\u2028two", "label": true}\r\n{"text": "b", "label": 1.5}\n')
    assert list(data.load(path, kind="text").raw) == ["one\u2028two", "b"]


def test_numeric_labels_keep_their_order(tmp_path):
    path = tmp_path / "stars.jsonl"
    path.write_text("".join(json.dumps({"text": f"t{i}", "label": i}) + "\n" for i in (10, 2, 1)))
    assert data.load(path, kind="text").names == ("1", "2", "10")


BAD_TABLES = {
    "no such column": ("a.csv", "review,label,x\ngood,1,1\n", "no column 'text'; there are: label, review, x. Name it"),
    "near column": ("a.csv", "texts,label,x\ngood,1,1\n", "did you mean 'texts'"),
    "short row": ("a.csv", "text,label\ngood\n", "row 2 has no label: no row is left"),
    "no label": ("a.csv", "text,label\ngood,\n", "row 2 has no label"),
    "no text": ("a.csv", "text,label\n,1\n", "row 2 has no text"),
    "empty": ("a.csv", "", "empty"),
    "not JSON": ("a.jsonl", "{\n", "line 1 is not JSON"),
    "JSON list": ("a.jsonl", "[]\n", "line 1 has no 'text'"),
    "null as text": ("a.jsonl", '{"text": null, "label": 1}\n', "line 1 has no text"),
    "number as text": ("a.jsonl", '{"text": 3, "label": 1}\n', "line 1: expected a text as 'text', got 3"),
    "list as label": ("a.jsonl", '{"text": "a", "label": [1]}\n', "as 'label'"),
    "not UTF-8": ("a.csv", b"text,label\ngood,1\n\xff,0\n", "line 3 is not valid UTF-8"),
    "not gzip": ("a.csv.gz", b"text", "not a whole gzip file"),
    "cut gzip": ("a.csv.gz", gzip.compress(b"text,label\ngood,1\n")[:-9], "not a whole gzip file"),
    "damaged gzip": ("a.csv.gz", gzip.compress(b"text,label\n")[:10] + b"\xff" * 20, "not a whole gzip file"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_tables_are_named(tmp_path, case):
    name, content, message = BAD_TABLES[case]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=message):
        data.load(path, kind="text")


def _photos(folder, counts):
    generator = np.random.default_rng(0)
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for i in range(count):
            cv2.imwrite(str(folder / name / f"{i}.png"), generator.integers(0, 255, (6, 5, 3)).astype(np.uint8))
    return folder


def test_folder_of_class_folders(tmp_path):
    loaded = data.load(_photos(tmp_path / "photos", {"cat": 3, "dog": 2}), kind="image")
    assert loaded.names == ("cat", "dog") and list(loaded.labels) == [0, 0, 0, 1, 1]
    assert loaded.raw[0].name == "0.png"


def test_bad_sources(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "hollow" / "cat").mkdir(parents=True)
    (tmp_path / "notes.txt").write_text("x")
    for source, kind, message in (
        (tmp_path / "empty", "image", "found no folder"),
        (tmp_path / "hollow", "image", "no image found"),
        (tmp_path / "empty", "text", "got a folder"),
        (tmp_path / "absent.csv", "text", "no such file"),
        (tmp_path / "absent", "image", "no such file"),
        (tmp_path / "notes.txt", "text", "expected a table"),
    ):
        with pytest.raises(UserError, match=message):
            data.load(source, kind=kind)


def test_data_that_are_nowhere_name_both_ways(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path))
    with pytest.raises(UserError, match="ZOO_DATA_DIR.*online"):
        data.load("fashion_mnist", "train", kind="image")
    with pytest.raises(UserError, match="did you mean.*'fashion_mnist'"):
        data.load("fashion_mnits", "train", kind="image")


def test_split_is_stratified_seeded_and_whole():
    labels = np.repeat([0, 1, 2], [50, 30, 1]).astype(np.int32)
    raw = np.array([str(i) for i in range(81)], object)
    whole = data.Examples(raw, labels, ("a", "b", "c"), "test")
    rest, held = whole.split(0.1, seed=3)
    assert sorted([*rest.raw, *held.raw]) == sorted(raw)
    assert np.bincount(held.labels, minlength=3).tolist() == [5, 3, 0]
    assert list(whole.split(0.1, seed=3)[1].raw) == list(held.raw) != list(whole.split(0.1, seed=4)[1].raw)
    for fraction in (0, 1, -0.1, 2):
        with pytest.raises(UserError, match="between 0 and 1"):
            whole.split(fraction, seed=0)


def test_labels_are_counted_as_the_model_counts_them():
    ours = data.Examples(np.array(["x", "y"], object), np.array([0, 1], np.int32), ("dog", "cat"), "test")
    theirs = ours.renamed(("cat", "cow", "dog"))
    assert [theirs.names[i] for i in theirs.labels] == ["dog", "cat"]
    with pytest.raises(UserError, match="'dog' is unknown"):
        ours.renamed(("cat", "cow"))


def _texts(texts, labels, names=("a", "b")):
    return data.Examples(np.array(texts, object), np.array(labels, np.int32), names, "mine")


def test_checks_find_what_spoils_a_training():
    many = [f"text {i}" for i in range(60)]
    train = _texts(many, [0] * 55 + [1] * 5)
    notes = " ".join(data_examples.check(train, _texts(["Text 3 ", "new"], [0, 1])))
    assert "uneven: 55 examples of 'a', 5 of 'b'" in notes
    assert "Only 5 training examples of 'b'" in notes
    assert "1 of 2 validation examples" in notes
    even = _texts(many, [0, 1] * 30)
    assert data_examples.check(even, _texts(["new"], [0])) == []
    with pytest.raises(UserError, match="at least two classes"):
        data_examples.check(_texts(["x"], [1]), even)
    with pytest.raises(UserError, match="no examples"):
        data_examples.check(even, _texts([], []))


def test_unreadable_examples_are_named_and_left_out(tmp_path):
    from zoo.tasks.image_classification import ImageClassification

    folder = _photos(tmp_path / "photos", {"cat": 2, "dog": 2})
    (folder / "dog" / "0.png").write_bytes(b"no image")
    rest, notes = data_examples.readable(data.load(folder, kind="image"), ImageClassification.inputs[0].encode)
    assert len(rest) == 3 and list(rest.labels) == [0, 0, 1]
    assert notes[0].startswith("1 of 4 examples cannot be read and are left out (0.png: ")


def test_photos_that_only_opencv_decodes_are_trained_on_as_they_are_answered(tmp_path):
    from zoo.data.batching.example_batches import ExampleBatches
    from zoo.tasks.image_classification import ImageClassification

    declaration = {"kind": "image", "size": [64, 80], "channels": 3}
    model = zoo.build("resnet20", classes=2, image_size=(64, 80), width=2)
    task = ImageClassification(model, {"preprocess": declaration, "labels": ["a", "b"]})
    photo = np.random.default_rng(0).integers(0, 256, (64, 80, 3), np.uint8)
    for name, folder in {"1.png": "a", "2.pnm": "a", "3.jp2": "b"}.items():
        (tmp_path / folder).mkdir(exist_ok=True)
        lossless = [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000] if name == "3.jp2" else []
        done, encoded = cv2.imencode(name[1:], photo, lossless)
        (tmp_path / folder / name).write_bytes(encoded.tobytes())
    examples = data.load(tmp_path, kind="image")
    assert [path.name for path in examples.raw] == ["1.png", "2.pnm", "3.jp2"] and list(examples.labels) == [0, 0, 1]
    trained_on = ExampleBatches(task, examples, 3).kept[0].numpy()
    np.testing.assert_array_equal(trained_on[0], photo[..., ::-1])
    np.testing.assert_array_equal(trained_on[1], photo[..., ::-1])
    for place, path in enumerate(examples.raw):
        answered = task.preprocess(task.stacked([task.encode(path)]))[0].numpy()[0]
        np.testing.assert_array_equal(trained_on[place], answered)
    assert np.abs(trained_on[2].astype(int) - photo[..., ::-1]).max() < 3

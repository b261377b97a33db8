"""Folders and tables of images as people have them: what is learned from, and what is left out and said so."""

import argparse
import os
import unicodedata

import cv2
import numpy as np
import pytest

from apps.reading import command_line
from zoo import data
from zoo.data.examples import Examples, objects, readable
from zoo.errors import NoSplitError, UserError

PNG = cv2.imencode(".png", np.arange(48, dtype=np.uint8).reshape(4, 4, 3))[1].tobytes()
JPEG = cv2.imencode(".jpg", np.arange(48, dtype=np.uint8).reshape(4, 4, 3))[1].tobytes()
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(50)
APFEL = "\u00c4pfel"


@pytest.fixture
def make(tmp_path):
    """Writes files, images unless something else is given, and returns their folder."""

    def write(*names):
        for name in names:
            name, content = (name, PNG) if isinstance(name, str) else name
            path = tmp_path / "photos" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return tmp_path / "photos"

    return write


def held(examples):
    """Class and name of each image."""
    return [f"{examples.names[i]}/{path.name}" for path, i in zip(examples.raw, examples.labels, strict=True)]


def answered(folder):
    """The names of the images that an application finds in a folder."""
    items = command_line.images(argparse.Namespace(items=[str(folder)]))
    return sorted(item.payload.name for item in items if not isinstance(item.payload, Exception))


def test_what_systems_and_hidden_folders_hold_is_no_example(make):
    folder = make(
        "cat/1.png",
        "cat/deep/er/2.png",
        "cat/._1.png",
        "cat/.ipynb_checkpoints/1-checkpoint.png",
        "cat/deep/@eaDir/SYNOPHOTO_THUMB.png",
        "cat/deep/.hidden/3.png",
        "dog/3.png",
        ("dog/Thumbs.db", b"x"),
        ("dog/.DS_Store", b"x"),
        ("dog/desktop.ini", b"x"),
        "__MACOSX/cat/._1.png",
        "@eaDir/cat/1.png",
        "#recycle/cat/9.png",
        "$RECYCLE.BIN/S-1/9.png",
        ".git/9.png",
        ".DS_Store",
    )
    found = data.load(folder, kind="image")
    assert (found.names, held(found), found.notes) == (("cat", "dog"), ["cat/1.png", "cat/2.png", "dog/3.png"], ())
    assert answered(folder) == ["1.png", "2.png", "3.png"]
    items = command_line.images(argparse.Namespace(items=[f"{folder}/**", f"{folder}/*"]))
    assert sorted(item.payload.name for item in items) == [name for name in ("1.png", "2.png", "3.png") for _ in "ab"]
    items = command_line.images(argparse.Namespace(items=[f"{folder}/@eaDir/*"]))  # what is spelled out is meant
    assert [item.payload.name for item in items] == ["1.png"]


def test_what_is_an_image_is_told_by_its_content(make):
    folder = make(
        ("cat/1.jfif", JPEG),
        ("cat/2.jpe", JPEG),
        ("cat/3", PNG),
        ("cat/4.dat", PNG),
        ("cat/5.JPG", JPEG),
        ("dog/6.HEIC", HEIC),
        ("dog/7.jpg_large", JPEG),
        ("dog/notes.txt", b"P5 is no image\n"),
        ("dog/clip.MOV", b"\x00\x00\x00\x18ftypqt  "),
        ("dog/README", b""),
        ("dog/a.txt", b"text"),
        ("only/8.heic", HEIC),
        ("empty/x.txt", b"text"),
        ("broken/9.jpg", b"404 Not Found"),
        "loose.png",
    )
    found = data.load(folder, kind="image")
    assert held(found) == ["cat/1.jfif", "cat/2.jpe", "cat/3", "cat/4.dat", "cat/5.JPG", "dog/7.jpg_large"]
    assert found.names == ("cat", "dog")
    left_out, heic, hollow, loose = found.notes
    assert left_out.endswith("Left out, as they are no images: 3 .txt, 2 .heic, 1 .jpg, 1 .mov, 1 without a suffix.")
    assert "HEIC photos are not read: save it as JPEG: `sips " in heic
    assert "Without an image, and no class: 'broken', 'empty', 'only'." in hollow
    assert "Left out, as they stand beside the class folders: 1 .png." in loose
    # In answering a photo that is not read fails with that hint, and what is no photo is passed over.
    images = [name for name in answered(folder) if not name.endswith((".HEIC", ".heic"))]
    assert images == ["1.jfif", "2.jpe", "3", "4.dat", "5.JPG", "7.jpg_large", "9.jpg", "loose.png"]
    assert set(answered(folder)) - set(images) == {"6.HEIC", "8.heic"}


def test_a_folder_without_an_image_says_what_it_holds(make):
    folder = make(("cat/1.heic", HEIC), ("cat/2.txt", b"x"), ("dog/3.heic", HEIC))
    with pytest.raises(UserError, match="no image found in its 2 folders. Left out.*: 2 .heic, 1 .txt. HEIC.*`sips"):
        data.load(folder, kind="image")
    (item,) = command_line.images(argparse.Namespace(items=[str(make(("text/2.txt", b"x")) / "text")]))
    assert str(item.payload) == "no image in this folder (left out: 1 .txt)"


def test_what_answering_leaves_out_is_said_on_a_terminal_alone(make, capsys, monkeypatch):
    folder = make("1.png", ("2.txt", b"x"), ("3.mov", b"x"))
    assert answered(folder) == ["1.png"] and capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert answered(folder) == ["1.png"]
    assert capsys.readouterr().err == f"zoo: {folder}: no images, left out: 1 .mov, 1 .txt\n"


def test_a_pipe_in_a_folder_is_not_waited_for(make):
    folder = make("cat/1.png", "dog/2.png")
    os.mkfifo(folder / "dog" / "pipe")
    assert len(data.load(folder, kind="image")) == 2 and answered(folder) == ["1.png", "2.png"]


def test_names_of_classes_are_composed(make):
    apart = unicodedata.normalize("NFD", APFEL)
    found = data.load(make(f"{apart}/1.png", f"{APFEL}/2.png", "Birnen/3.png"), kind="image")
    assert found.names == ("Birnen", APFEL) and sorted(found.labels) == [0, 1, 1]
    old = Examples(found.raw, found.labels, ("Birnen", apart), "trained before")
    assert old.renamed(("Birnen", APFEL)).names == ("Birnen", APFEL)
    assert found.renamed(("Birnen", apart)).names == ("Birnen", apart)


@pytest.mark.parametrize(
    ("ours", "theirs", "labels"),
    [
        (("T-shirt_top", "Bag"), ("Bag", "T-shirt/top"), [1, 0]),
        (("t-shirt_top", "BAG"), ("Bag", "T-shirt/top"), [1, 0]),
        (("1.0", "2.0"), ("1", "2"), [0, 1]),
        (("1", "2"), ("1.0", "2.0"), [0, 1]),
        (("pos", "Pos"), ("Pos", "pos"), [1, 0]),
        (("a_b", "a/b"), ("a/b", "a_b"), [1, 0]),
    ],
)
def test_labels_are_matched_as_a_preset_spells_them(ours, theirs, labels):
    examples = Examples(objects("xy"), np.array([0, 1], np.int32), ours, "mine")
    assert list(examples.renamed(theirs).labels) == labels
    assert examples.renamed(theirs).names == theirs


def test_a_label_that_means_several_classes_is_unknown():
    examples = Examples(objects("x"), np.array([0], np.int32), ("POS",), "mine")
    with pytest.raises(UserError, match="'POS' is unknown to the model"):
        examples.renamed(("Pos", "pos"))


# Folders of splits.


@pytest.mark.parametrize("validation", ["val", "valid", "validation", "Val", "dev"])
def test_a_divided_folder(make, validation):
    folder = make("train/a/1.png", "train/b/2.png", f"{validation}/a/3.png", "test/b/4.png", ".cache/x/5.png", "x.png")
    assert data.splits(folder) == ("train", "validation", "test")
    for split, there, inner in (
        ("train", ["a/1.png", "b/2.png"], "train"),
        ("validation", ["a/3.png"], validation),
        ("test", ["b/4.png"], "test"),
    ):
        found = data.load(folder, split, kind="image")
        assert held(found) == there
        assert found.notes == (f"{folder} is divided: its folder {inner!r} is taken for {split}.",)
    assert len(data.load(folder, kind="image")) == 4


def test_a_folder_that_is_divided_in_part(make):
    folder = make("train/a/1.png", "train/b/2.png", ("docs/x.txt", b"x"))
    assert data.splits(folder) == ("train",)
    with pytest.raises(NoSplitError, match="no folder 'test' of class folders; there are: train"):
        data.load(folder, "test", kind="image")
    folder = make("val/a/1.png", "valid/a/1.png")
    with pytest.raises(UserError, match="val and valid both stand for validation; expected one of them"):
        data.load(folder, "train", kind="image")


def test_classes_may_be_called_like_splits(make):
    folder = make("train/1.png", "car/2.png", "test/3.png")
    assert data.splits(folder) == () and data.load(folder, "train", kind="image").names == ("car", "test", "train")
    folder = make("train/2019/4.png")
    assert data.splits(folder) == () and len(data.load(folder, "train", kind="image")) == 4


# Tables of paths.


@pytest.mark.parametrize(
    "content",
    [
        "path,label\ncat/1.png,cat\ncat\\2.png,cat\ndog/3.png,dog\n",
        "Label;Filename\ncat;cat/1.png\ncat;./cat/2.png\ndog;dog/3.png\n",
        "cat/1.png,cat\ncat/2.png,cat\ndog/3.png,dog\n",
        "cat,cat/1.png\ncat,cat/2.png\ndog,dog/3.png\n",
    ],
)
def test_a_table_of_images(make, content):
    folder = make("cat/1.png", "cat/2.png", "dog/3.png", ("list.CSV", content.encode()))
    found = data.load(folder / "list.CSV", "train", kind="image")
    assert held(found) == ["cat/1.png", "cat/2.png", "dog/3.png"]
    assert bool(found.notes) == ("path" not in content and "Filename" not in content)


def test_a_table_of_images_names_the_files_that_are_missing(make):
    lines = "path,label\ncat/1.png,cat\ncat/9.png,cat\n,dog\ndog/3.png,\ndog/3.png,dog\n"
    folder = make("cat/1.png", "dog/3.png", ("list.csv", lines.encode()))
    found = data.load(folder / "list.csv", kind="image")
    assert held(found) == ["cat/1.png", "cat/9.png", "dog/3.png"]
    (incomplete,) = found.notes
    assert "2 of 5 rows are incomplete and left out: row 4 has no path; row 5 has no label." in incomplete
    read, (missing,) = readable(found, lambda path: path.read_bytes())
    assert held(read) == ["cat/1.png", "dog/3.png"]
    assert "1 of 3 examples cannot be read and are left out" in missing and "cat/9.png" in missing
    (folder / "list.csv").write_text("path,label\nx/1.png,a\ny/2.png,b\n")
    with pytest.raises(UserError, match=r"no such file: x/1.png \(row 2\), y/2.png \(row 3\); paths begin at"):
        data.load(folder / "list.csv", kind="image")
    (folder / "list.csv").write_text("picture,label\ncat/1.png,a\n")
    with pytest.raises(UserError, match="no column 'path'.*--path-column"):
        data.load(folder / "list.csv", kind="image")
    assert held(data.load(folder / "list.csv", kind="image", path_column="picture")) == ["a/1.png"]


def test_paths_of_a_table_find_names_with_accents(make):
    apart = unicodedata.normalize("NFD", APFEL)
    folder = make(f"{apart}.png", "b.png", ("list.csv", f"path,label\n{APFEL}.png,a\nb.png,b\n".encode()))
    assert all(path.is_file() for path in data.load(folder / "list.csv", kind="image").raw)

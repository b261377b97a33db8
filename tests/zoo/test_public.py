"""The Python interface: what a task takes, what `zoo` names, and how answers show themselves."""

import copy
import dataclasses
import inspect
import io
import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from PIL import Image

import zoo
from zoo import recipes
from zoo.errors import UserError
from zoo.results.base import Failure
from zoo.results.classification import Classification
from zoo.results.generation import Generation

TEXTS = ["A great film.", "Two wasted hours of boring nonsense."]
LABELS = ["pos", "neg"]
PIXELS = np.random.default_rng(0).integers(0, 256, (30, 20, 3), np.uint8)


@pytest.fixture(scope="module")
def sentiment():
    return zoo.load("sentiment-imdb")


@pytest.fixture(scope="module")
def fashion():
    return zoo.load("classify-fashion")


SEVERAL = {
    "list": TEXTS,
    "tuple": tuple(TEXTS),
    "iterator": iter(TEXTS),
    "bytes": [text.encode() for text in TEXTS],
    "array": np.array(TEXTS),
    "objects": np.array(TEXTS, object),
    "tensor": tf.constant(TEXTS),
    "series": pd.Series(TEXTS, index=[7, 3]),
    "data set": tf.data.Dataset.from_tensor_slices(TEXTS),
    "batched data set": tf.data.Dataset.from_tensor_slices((TEXTS, [1, 0])).batch(2),
}


@pytest.mark.parametrize("given", SEVERAL.values(), ids=SEVERAL)
def test_several_texts_get_a_list_of_results(sentiment, given):
    found = sentiment(given)
    assert [result.label for result in found] == LABELS
    assert found[0] == sentiment(TEXTS[0]) == sentiment(tf.constant(TEXTS[0])) == sentiment(np.str_(TEXTS[0]))


@pytest.mark.parametrize("given", [[], (), np.array([], object), pd.Series([], dtype=object)], ids=str)
def test_of_nothing_the_list_is_empty(sentiment, given):
    assert sentiment(given) == []


def test_a_bad_item_among_several_fails_in_its_place(sentiment):
    good, bad, missing = sentiment(pd.Series([TEXTS[0], 3, None]))
    assert good.label == "pos" and missing.error == "expected a text, str or UTF-8 bytes, got NoneType"
    assert bad == Failure("expected a text, str or UTF-8 bytes, got int")


def pictures(tmp_path):
    """The same picture in every form, the first a file."""
    cv2 = pytest.importorskip("cv2")
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), PIXELS[..., ::-1])
    content = io.BytesIO()
    turned = Image.fromarray(np.rot90(PIXELS))  # shown by EXIF as PIXELS
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(content, "PNG", exif=exif)
    return {
        "path": path,
        "text": str(path),
        "bytes": path.read_bytes(),
        "PIL": Image.fromarray(PIXELS),
        "PIL with a palette": Image.fromarray(PIXELS // 128 * 255).quantize(8),
        "PIL turned by EXIF": Image.open(content),
        "uint8": PIXELS,
        "floats": PIXELS.astype(np.float32) / 255,
        "double": PIXELS / 255,
        "tensor": tf.constant(PIXELS),
    }


def test_a_picture_in_every_form_is_the_same(fashion, tmp_path):
    forms = pictures(tmp_path)
    palette = forms.pop("PIL with a palette")
    expected = fashion(forms["path"])
    for form, given in forms.items():
        assert fashion(given) == expected, form
    assert fashion(palette) == fashion(PIXELS // 128 * 255)
    several = [np.stack([PIXELS, PIXELS]), [forms["path"], forms["PIL"]], tf.constant(np.stack([PIXELS, PIXELS]))]
    several.append(tf.data.Dataset.from_tensor_slices(np.stack([PIXELS, PIXELS])))
    several.append(tf.data.Dataset.from_tensor_slices(np.stack([PIXELS, PIXELS]) / 255).batch(2))
    for given in several:
        for result in fashion(given):
            assert result.label == expected.label
            np.testing.assert_allclose(result.probability, expected.probability, rtol=1e-5)


def test_other_modes_of_pil_are_read_or_refused(fashion):
    grey = Image.fromarray(PIXELS[..., 0])
    assert fashion(grey) == fashion(PIXELS[..., 0])
    clear = Image.fromarray(np.dstack([PIXELS, np.full((30, 20), 255, np.uint8)]))
    assert fashion(clear) == fashion(PIXELS)
    assert fashion(grey.convert("1")).error is None and fashion(grey.convert("CMYK")).error is None
    for mode in ("La", "PA"):
        assert fashion(grey.convert("LA").convert(mode)).error is None
    assert fashion(clear.convert("RGBa")) == fashion(PIXELS)
    with pytest.raises(UserError, match="got F: convert it first"):
        fashion(grey.convert("F"))
    with pytest.raises(UserError, match="at most 16 bits, got values up to 70000"):
        fashion(Image.fromarray(np.full((9, 9), 70_000, np.int32)))


@pytest.mark.parametrize(
    ("preset", "given", "message"),
    [
        ("sentiment-imdb", 3, "expected a text, str or UTF-8 bytes, got int"),
        ("sentiment-imdb", {"text": "x"}, "got dict"),
        ("sentiment-imdb", pd.DataFrame({"text": TEXTS}), 'one of its columns, as in task.frame."text"'),
        ("sentiment-imdb", b"\xff", "not valid UTF-8 at position 0"),
        ("classify-fashion", 3, "expected a picture: a path, .* got int"),
        ("classify-fashion", PIXELS.astype(np.int64), "expected pixels as uint8, or as floats from 0 to 1.* got int64"),
        ("classify-fashion", PIXELS.astype(float), "expected floats from 0 to 1, got 0 to 255"),
        ("classify-fashion", PIXELS / 255 * np.nan, "expected floats from 0 to 1, got nan to nan"),
        ("classify-fashion", PIXELS[..., :2], "1, 3 or 4 channels; got uint8 30x20x2"),
    ],
)
def test_anything_else_is_refused_with_what_is_taken(preset, given, message, sentiment, fashion):
    with pytest.raises(UserError, match=message):
        (sentiment if preset == "sentiment-imdb" else fashion)(given)


LABELLED = {
    "names": (TEXTS, LABELS),
    "bytes": (TEXTS, np.array(LABELS, "S")),
    "places": (TEXTS, np.array([1, 0])),
    "series": (pd.Series(TEXTS), pd.Series(LABELS)),
    "frame": (pd.DataFrame({"text": [*TEXTS, None], "label": [*LABELS, "neg"]}),),
    "data set of places": (tf.data.Dataset.from_tensor_slices((TEXTS, [1, 0])).batch(2),),
    "column": (TEXTS, np.array([[1], [0]])),
    "shuffled data set": (tf.data.Dataset.from_tensor_slices((TEXTS * 50, LABELS * 50)).shuffle(100).batch(3),),
    "data set of names": (tf.data.Dataset.from_tensor_slices((TEXTS, LABELS)),),
}


@pytest.mark.filterwarnings("ignore:a data frame of 3 rows")
@pytest.mark.parametrize("given", LABELLED.values(), ids=LABELLED)
def test_labels_are_counted_as_the_task_counts_them(sentiment, given):
    assert sentiment.labels == ("neg", "pos")
    assert sentiment.evaluate(*given) == {"accuracy": 1.0}


@pytest.mark.parametrize("labels", [("1", "3", "5"), ("0", "1", "2")])
def test_numbers_name_labels_that_are_numbers(sentiment, labels):
    task = copy.copy(sentiment)
    task.labels = labels
    for given in (list(map(int, labels)), np.array(labels, int), list(labels)):
        assert list(task.paired(["a", "b", "c"], list(given)).labels) == [0, 1, 2]
    with pytest.raises(UserError, match="the label '7' is unknown to the model"):
        task.paired(["a"], [7])
    task.labels = ("False", "True")
    assert list(task.paired(["a", "b"], [True, np.False_]).labels) == [1, 0]


@pytest.mark.parametrize("wrong", [{"batchsize": 3}, {"split": "test"}, {"text_column": "words"}])
def test_options_that_say_nothing_about_items_are_refused(sentiment, wrong):
    with pytest.raises(UserError, match=f"expected {next(iter(wrong))} with a path only"):
        sentiment.evaluate(TEXTS, LABELS, **wrong)


def test_rows_that_are_left_out_are_told(sentiment):
    with pytest.warns(UserWarning, match="1 of 3 rows is incomplete and left out: row 3 has no text"):
        sentiment.evaluate(*LABELLED["frame"])


def test_grey_pictures_in_an_array_are_several(fashion, tmp_path):
    grey = PIXELS[..., 0]
    assert [result.label for result in fashion(np.stack([grey, grey]))] == [fashion(grey).label] * 2
    assert fashion.evaluate(np.stack([grey] * 3), [fashion(grey).label] * 3) == {"accuracy": 1.0}
    with pytest.raises(UserError, match="example 2: .*No such file"):
        fashion.evaluate([grey, tmp_path / "none.png"], [0, 0])


def test_pictures_of_a_frame_are_measured(fashion, tmp_path, monkeypatch):
    path = pictures(tmp_path)["path"]
    label = fashion(path).label
    assert fashion.evaluate(pd.DataFrame({"path": [path, str(path)], "label": [label, label]})) == {"accuracy": 1.0}
    with pytest.raises(UserError, match="no such file: none.png .row 1.; paths begin at the current folder"):
        fashion.evaluate(pd.DataFrame({"file": ["none.png"], "label": [label]}))


def test_a_file_is_evaluated_as_by_the_command(sentiment, tmp_path):
    path = tmp_path / "reviews.csv"
    path.write_text(f"label,text\npos,{TEXTS[0]}\nneg,{TEXTS[0]}\n")
    assert sentiment.evaluate(path) == sentiment.evaluate(str(path)) == {"accuracy": 0.5}
    path.write_text(f"stars,words\npos,{TEXTS[0]}\n")
    assert sentiment.evaluate(path, text_column="words", label_column="stars") == {"accuracy": 1.0}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((TEXTS, ["good", "neg"]), "the items: the label 'good' is unknown to the model, which knows neg, pos"),
        ((TEXTS, [2, 0]), "expected labels by name, or from 0 to 1, got 2"),
        ((TEXTS, [-1, 0]), "expected labels by name, or from 0 to 1, got -1"),
        ((TEXTS, [0.5, 1.0]), "expected the name of a label, or its place, got float"),
        ((TEXTS, ["pos"]), "expected a label for each item, got 2 and 1: items, labels"),
        ((TEXTS,), "expected labels beside the items"),
        ((tf.data.Dataset.from_tensor_slices(TEXTS),), "expected labels beside the items"),
        ((tf.data.Dataset.from_tensor_slices((TEXTS,)),), "expected labels beside the items"),
        ((TEXTS, np.eye(2)), "one label for each item, got an array of 2x2; of one-hot labels give argmax"),
        (([], []), "no example to measure on"),
        (("imdb_reviews",), "imdb_reviews: name the split to measure on, as in split='test'"),
        (("nowhere.csv",), "nowhere.csv: no such file"),
        (
            (pd.DataFrame({"txt": TEXTS, "label": LABELS}),),
            "a data frame of 2 rows: no column 'text'; did you mean 'txt'",
        ),
        ((pd.DataFrame({"text": [1, 2], "label": LABELS}),), "a data frame of 2 rows: row 1: expected a text"),
    ],
)
def test_labels_that_do_not_fit_are_refused(sentiment, given, message):
    with pytest.raises(UserError, match=message):
        sentiment.evaluate(*given)


def test_pairs_of_a_frame_or_of_lists_are_measured():
    task = zoo.load("translate-de-en")
    rows = {"de": ["Ein Hund läuft.", "Ein Mann liest."], "en": ["A dog runs.", "A man reads."]}
    expected = task.evaluate(rows["de"], rows["en"])
    assert 0 < expected["chrf"] <= 100
    assert (
        task.evaluate(rows["de"], [("A dog runs.", "The dog is running."), "A man reads."])["bleu"] >= expected["bleu"]
    )
    found = task.evaluate(pd.DataFrame(rows), source_column="de", target_column="en")
    assert found == expected
    with pytest.raises(UserError, match="expected pairs of texts, got int"):
        task.evaluate(rows["de"], [1, 2])


def test_a_frame_is_trained_on_as_the_same_table_in_a_file(tmp_path, monkeypatch):
    small = dataclasses.replace(recipes.get("sentiment-imdb"), arguments={"width": 4, "filters": 4}, initialize=None)
    monkeypatch.setattr(recipes, "get", lambda name: small)
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(["good", "nice", "bad", "poor"], 4)) for _ in range(250)]
    frame = pd.DataFrame({"text": texts, "label": [text.count("good") + text.count("nice") > 1 for text in texts]})
    frame.to_csv(tmp_path / "table.csv", index=False)
    numbers = {"epochs": 1, "validation": 0.2, "seed": 3, "verbose": 0, "say": lambda sentence: None}
    one = zoo.train("sentiment", frame, out=tmp_path / "one", **numbers)
    other = zoo.train("sentiment", tmp_path / "table.csv", out=tmp_path / "other", **numbers)
    assert one.labels == other.labels == ("False", "True")
    for ours, theirs in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert zoo.load(tmp_path / "one").config["data"] == "a data frame of 250 rows"
    assert one.evaluate(frame) == other.evaluate(tmp_path / "table.csv")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "sentimen"}, "no recipe or application named 'sentimen'; did you mean 'sentiment'"),
        ({"name": "sentiment"}, r"sentiment: it needs your own data \(data\); or train a recipe: classify-fashion"),
        ({"name": "quickstart", "epochs": 0}, "epochs: expected a whole number of at least 1, got 0"),
        ({"name": "quickstart", "learning_rate": -1.0}, "learning_rate: expected a number above 0, got -1.0"),
        ({"name": "quickstart", "optimizer": "adamm"}, "optimizer: .*'adamm'"),
        ({"name": "quickstart", "seed": -1}, "seed: expected a whole number from 0 to 4294967295, got -1"),
        ({"name": "quickstart", "epochs": 2.5}, "epochs: expected a whole number of at least 1, got 2.5"),
        ({"name": "quickstart", "validation": 0}, "validation: expected data, or a share between 0 and 1, got 0"),
        ({"name": "nonsense", "recipe": "quickstart", "data": "digits"}, "no recipe or application named 'nonsense'"),
        ({"name": "translate", "data": pd.DataFrame({"de": [], "en": []})}, "name the languages of your pairs"),
        (
            {"name": "sentiment", "data": "x.csv", "languages": ("de", "en")},
            "languages are languages of your own pairs",
        ),
    ],
)
def test_a_training_that_cannot_be_is_refused(arguments, message, tmp_path):
    with pytest.raises(UserError, match=message):
        zoo.train(out=tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_names_of_models_can_be_chosen():
    assert zoo.models("resnet?") == ["resnet9"] and "resnet50" in zoo.models("resnet*")
    assert zoo.models(task="translation") == ["lstm_attention", "transformer"]
    assert zoo.models("*net*", task="image-classification", pretrained=True) == ["resnet9"]
    with pytest.raises(UserError, match="no architecture is for the task 'translating'; did you mean 'translation'"):
        zoo.models(task="translating")


def test_a_model_can_be_built_with_a_presets_weights(fashion):
    model = zoo.build("resnet9", weights="classify-fashion")
    for ours, theirs in zip(model.get_weights(), fashion.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    keras.utils.set_random_seed(1)
    three = zoo.build("resnet9", weights="classify-fashion", classes=3)
    same = [np.array_equal(a, b) for a, b in zip(three.get_weights(), model.get_weights(), strict=True)]
    assert three.output_shape == (None, 3) and same.count(False) == 2  # the last layer's kernel and bias
    with pytest.raises(UserError, match="model 'resnet9' takes no argument 'nonsense'"):
        zoo.build("resnet9", weights="classify-fashion", nonsense=None)
    with pytest.raises(UserError, match="a preset of the model 'resnet9', expected one of 'resnet18'"):
        zoo.build("resnet18", weights="classify-fashion")


def test_zoo_names_what_is_public():
    names = dir(zoo)
    assert {"build", "load", "models", "presets", "train", "transformers", "__version__"} <= set(names)
    assert not [name for name in names if name.startswith("_") and name != "__version__"]
    assert all(getattr(zoo, name) is not None for name in names)
    with pytest.raises(AttributeError, match="module 'zoo' has no attribute 'nothing'"):
        zoo.nothing  # noqa: B018
    for function in (zoo.build, zoo.load, zoo.models, zoo.train):
        documented = inspect.getdoc(function)
        assert all(f"{name}:" in documented for name in inspect.signature(function).parameters), function
        assert "Example:" in documented


def test_importing_zoo_imports_no_framework():
    code = "import sys, zoo; dir(zoo), zoo.__version__; print({'keras', 'tensorflow', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_answers_show_themselves_in_a_line(sentiment):
    assert repr(sentiment) == "<TextClassification 'sentiment-imdb', model='text_cnn', 2 labels>"
    assert repr(Classification("cat", 0.75, (("cat", 0.75), ("dog", 0.25)))) == "<Classification: cat 75.0 %>"
    assert repr(Failure("no\nsuch file")) == "<Failure: failed: no such file>"
    long = repr(Generation("word " * 100, -0.5))
    assert len(long) < 100 and "\n" not in long and long.endswith("…>")


def test_answers_show_themselves_in_a_notebook():
    shown = Classification("a<b", 0.75, (("a<b", 0.75), ("dog", 0.25)), low_confidence=True)._repr_html_()
    assert "a&lt;b</td><td>75.0 %" in shown and "dog" in shown and "<p>(low confidence)</p>" in shown
    assert Generation("A dog.", -0.5, (("One dog.", -0.75),))._repr_html_().count("<tr>") == 2
    assert Classification(None, None)._repr_html_() == "<p>(empty)</p>"
    assert ">unsure</td>" in Classification(None, 0.5, (("cat", 0.5), ("dog", 0.5)))._repr_html_()
    assert Failure("<b>")._repr_html_() == "<p>failed: &lt;b&gt;</p>"
    many = tuple((str(number), 0.01) for number in range(100))
    assert Classification("0", 0.01, many)._repr_html_().count("<tr>") == 5

"""list, show, evaluate, export and classify on a real, small task: what they print and write."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import types

import cv2
import numpy as np
import pytest

import apps.list
import optimizers
from apps.writing import fonts, report, report_picture
from zoo import data
from zoo.errors import UserError


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A preset folder of a small network for digits with chance for weights, scored as a training would."""
    import keras

    from zoo import preset, tasks

    keras.utils.set_random_seed(5)
    config = {
        "name": "digits",
        "task": "image-classification",
        "model": "lenet5",
        "arguments": {"image_size": 28, "channels": 1, "classes": 10},
        "preprocess": {"kind": "image", "size": [28, 28], "channels": 1, "fit": "stretch", "background": None},
        "labels": list("0123456789"),
        "data": "digits",
        "data_terms": "CC BY 4.0",
    }
    folder = tmp_path_factory.mktemp("presets") / "digits"
    tasks.get(config["task"]).create(config).save(folder)
    (folder / "card.md").write_text("# digits\n\nScores *chance*.\n", encoding="utf-8")
    preset.write_json(folder / "scores.json", {"preset": "digits", "data": "digits", "split": "test", "metrics": {}})
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of class folders with four digits, one of which cannot be read."""
    folder = tmp_path_factory.mktemp("photos")
    examples = data.load("digits", "test", kind="image")
    for place in range(4):
        path = folder / examples.names[examples.labels[place]] / f"{place}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(examples.raw[place][: 30 if place == 3 else None])
    return folder


def test_evaluate_ends_with_the_line_of_the_contract(digits, zoo_main):
    from zoo import tasks

    status, lines, err = zoo_main("evaluate", digits, "--json")
    assert (status, err) == (0, "")
    found = json.loads(lines[-1])
    assert list(found) == ["preset", "data", "split", "n", "metrics", "interval"]
    low, high = found["interval"]["accuracy"]
    assert 0 <= low <= found["metrics"]["accuracy"] <= high <= 1
    examples = data.load("digits", "test", kind="image")
    assert (found["preset"], found["data"], found["split"], found["n"]) == ("digits", "digits", "test", len(examples))
    task = tasks.load(digits)
    some = examples.take(np.arange(40))
    right = sum(task(raw).label == some.names[label] for raw, label in zip(some.raw, some.labels, strict=True))
    assert task.evaluate(some)["accuracy"] == pytest.approx(right / 40)
    assert found["metrics"] == task.evaluate(examples)


def test_a_data_set_by_its_name_is_measured_whole(digits, zoo_main):
    status, lines, err = zoo_main("evaluate", digits, "--data", "digits", "--json")
    found = json.loads(lines[-1])
    assert (status, err, found["n"], found["split"]) == (0, "", 1797, None)


def test_evaluate_says_what_it_was_trained_on(digits, photos, zoo_main, tmp_path):
    from zoo.data import examples

    some = data.load(str(photos), kind="image")
    trained = tmp_path / "trained"
    shutil.copytree(digits, trained)
    examples.remember(trained, some.take(np.arange(2)))
    _, lines, _ = zoo_main("evaluate", trained, "--data", photos)
    assert lines[-1] == "2 of 3 examples were trained on: for these the score says nothing."
    assert json.loads(zoo_main("evaluate", trained, "--data", photos, "--json")[1][-1])["trained_on"] == 2
    assert "trained_on" not in json.loads(zoo_main("evaluate", digits, "--data", photos, "--json")[1][-1])


def test_evaluate_for_people(digits, zoo_main):
    _, lines, _ = zoo_main("evaluate", digits)
    assert lines[0] == "digits on 359 examples of digits, split test:"
    assert lines[1].startswith("  accuracy 0.") and "95% interval" in lines[1] and len(lines) == 2


def test_evaluate_own_data_leaves_out_what_cannot_be_read_and_says_so(digits, photos, zoo_main, tmp_path):
    status, lines, err = zoo_main("evaluate", digits, "--data", photos, "--json", "--report", tmp_path / "r")
    found = json.loads(lines[-1])
    assert (status, found["n"], found["split"], found["data"]) == (1, 3, None, str(photos))
    assert err.startswith("zoo: 1 of 4 examples cannot be read and are left out (3.png: the PNG image is truncated")
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == sorted(report.FILES)


def test_evaluating_with_a_report_reads_and_answers_each_example_once(digits, photos, zoo_main, tmp_path, monkeypatch):
    from zoo.inputs import image_files

    read, upright = [], image_files.upright
    monkeypatch.setattr(image_files, "upright", lambda data: read.append(data) or upright(data))
    zoo_main("evaluate", digits, "--data", photos, "--report", tmp_path / "r")
    assert len(read) == 4


def test_evaluate_without_data_where_there_is_no_test_split(folders, zoo_main):
    status, lines, err = zoo_main("evaluate", folders["text"])
    assert (status, lines) == (2, []) and "name labelled data by --data F" in err and err.count("\n") == 1


@pytest.mark.parametrize("name", ["nowhere.csv", "nowhere/"])
def test_evaluate_missing_data(digits, zoo_main, name):
    status, lines, err = zoo_main("evaluate", digits, "--data", name)
    assert (status, lines) == (2, []) and "nowhere" in err and err.count("\n") == 1


def classifier(examples):
    """As much of a task as a report asks for."""
    return types.SimpleNamespace(labels=examples.names, report="labels")


def certain(examples, wrong):
    """Probabilities of one that is sure of its prediction, and wrong where told."""
    count = len(examples.names)
    found = np.full((len(examples), count), 0.1 / (count - 1), np.float32)
    for row, label in enumerate(examples.labels):
        found[row, (label + 1) % count if row in wrong else label] = 0.9
    return found


def test_report_of_images(tmp_path):
    examples = data.load("digits", "test", kind="image").take(np.arange(60))
    measured = {"preset": "p", "data": "digits", "split": "test", "n": 60, "metrics": {"accuracy": 58 / 60}}
    (tmp_path / "other.txt").write_text("stays")
    report.write(str(tmp_path), measured, classifier(examples), examples, certain(examples, {7, 31}))
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert {key: metrics[key] for key in measured} == measured
    confusion = np.array(metrics["confusion"])
    assert confusion.sum() == 60 and np.trace(confusion) == 58
    label = int(examples.labels[7])
    assert confusion[label, (label + 1) % 10] >= 1
    assert sum(scores["n"] for scores in metrics["labels"].values()) == 60
    with open(tmp_path / "worst.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["example"] for row in rows} == {"7", "31"}  # the wrong ones, and no others
    assert rows[0]["predicted"] == examples.names[(examples.labels[int(rows[0]["example"])] + 1) % 10]
    report.write(str(tmp_path), measured, classifier(examples), examples, certain(examples, set(range(25))))
    with open(tmp_path / "worst.csv", newline="", encoding="utf-8") as stream:
        assert len(list(csv.DictReader(stream))) == report.WORST == 20
    picture = cv2.imread(str(tmp_path / "report.png"))
    assert picture.shape[1] >= 1200
    # Twenty black digits stand in the lower half: nothing drawn there would leave it white.
    lower = picture[picture.shape[0] // 2 :]
    assert ((lower < 40).all(-1)).mean() > 0.05
    assert (tmp_path / "other.txt").read_text() == "stays"


def texts_of(count, text, names=("bad $", "good $")):
    """Examples with labels 0, 1, 0, ..., of the texts that a function of the number gives."""
    texts = np.empty(count, object)
    texts[:] = [text(i) for i in range(count)]
    return data.Examples(texts, np.arange(count, dtype=np.int32) % 2, names, "own.csv")


def drawn(examples, wrong, monkeypatch, tmp_path):
    """The figure of a report, and metrics.json."""
    kept, draw = [], report_picture.draw
    monkeypatch.setattr(report_picture, "draw", lambda *given: kept.append(draw(*given)) or kept[0])
    count = len(examples)
    score = {"accuracy": 1 - len(wrong) / count}
    measured = {"preset": "p", "data": "own$1$.csv", "split": None, "n": count, "metrics": score}
    report.write(str(tmp_path / "r"), measured, classifier(examples), examples, certain(examples, set(wrong)))
    return kept[0], json.loads((tmp_path / "r" / "metrics.json").read_text())


def test_report_of_texts_takes_any_text(tmp_path, monkeypatch):
    examples = texts_of(30, lambda i: f"$x^2 is {i} \\frac <b>ß</b>\n\x1b[31m " + "long " * i * 10)
    drawn(examples, range(30), monkeypatch, tmp_path)
    assert cv2.imread(str(tmp_path / "r" / "report.png")).shape[0] > 1000
    with open(tmp_path / "r" / "worst.csv", newline="", encoding="utf-8") as stream:
        assert next(csv.DictReader(stream))["item"] in set(examples.raw)


def test_report_of_many_labels_with_long_names_is_not_cut_off(tmp_path, monkeypatch):
    names = tuple(f"a label with a long name, number {place}" for place in range(60))
    figure, metrics = drawn(texts_of(30, str, names), range(30), monkeypatch, tmp_path)
    figure.draw_without_rendering()
    axes = figure.subfigs[0].axes[0]
    told = [label.get_text() for label in axes.get_yticklabels()]
    assert len(told) == len(set(told)) == report_picture.MOST_LABELS < len(metrics["labels"])
    box = axes.get_tightbbox()
    assert 0 <= box.x0 and box.x1 <= figure.bbox.x1 and axes.get_window_extent().width > 0.4 * figure.bbox.width


def test_report_without_a_wrong_example(tmp_path, monkeypatch):
    figure, _ = drawn(texts_of(4, str), (), monkeypatch, tmp_path)
    upper, lower = figure.subfigs
    assert lower.get_suptitle() == "No example is wrong" and not lower.axes
    assert upper.get_suptitle() == "p on own\\$1\\$.csv: 4 of 4 examples correct\naccuracy 1.0000"
    header = "rank,example,item,label,label_probability,predicted,predicted_probability\n"
    assert (tmp_path / "r" / "worst.csv").read_text() == header


def test_report_s_matrix_is_a_square_with_a_grid_and_knows_labels_without_examples(tmp_path, monkeypatch):
    examples = texts_of(6, lambda i: "text " * 9, names=("bad", "good", "a name of many letters"))
    figure, metrics = drawn(examples, [1], monkeypatch, tmp_path)
    axes = figure.subfigs[0].axes[0]
    box = axes.get_window_extent()
    assert box.width == pytest.approx(box.height, rel=0.01)
    assert list(axes.get_xticks(minor=True)) == list(axes.get_yticks(minor=True)) == [0.5, 1.5]
    assert [line.get_visible() for line in axes.xaxis.get_minorticklines()]
    told = [label.get_text() for label in axes.get_yticklabels()]
    assert told == ["bad (100.0%)", "good (66.7%)", "a name of many letters (none)"]
    nobody = metrics["labels"]["a name of many letters"]
    assert (nobody["n"], nobody["recall"], nobody["precision"]) == (0, None, 0.0)  # 1 was predicted, wrongly
    assert figure.subfigs[1].get_suptitle() == "The only wrong example"


@pytest.mark.parametrize("letters", ["many words of a review ", "WWWWW ", "iiii ", "x"])
def test_report_of_texts_fills_its_page(letters, tmp_path, monkeypatch):
    figure, _ = drawn(texts_of(8, lambda i: letters * 400), range(8), monkeypatch, tmp_path)
    (axes,) = figure.subfigs[1].axes
    figure.draw_without_rendering()
    page = axes.get_window_extent()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert max(box.x1 for box in boxes) == pytest.approx(page.x1 - 0.25 * figure.dpi, abs=0.45 * figure.dpi)
    assert max(box.x1 for box in boxes) < page.x1 and page.y0 <= min(box.y0 for box in boxes) < page.y0 + figure.dpi / 2
    tops = sorted((box.y1 for box in boxes), reverse=True)
    assert max(above - below for above, below in zip(tops, tops[1:], strict=False)) < 0.5 * figure.dpi


def test_what_no_font_has_is_counted_and_not_drawn_as_boxes(tmp_path, monkeypatch, recwarn):
    monkeypatch.setattr(fonts, "installed", lambda: ["DejaVu Sans"])
    fonts._glyphs.cache_clear()
    assert fonts.drawable("Das Café: すごく良い film, 好") == "Das Café: [5 characters] film, [1 character]"
    texts = np.empty(4, object)
    texts[:] = ["この映画はとても良い。" * 9, "这部电影很无聊", "plain", "Ça va"]
    examples = data.Examples(texts, np.array([0, 1, 0, 1], np.int32), ("悪い", "good"), "own.csv")
    measured = {"preset": "p", "data": "own.csv", "split": None, "n": 4, "metrics": {"accuracy": 1.0}}
    report.write(str(tmp_path), measured, classifier(examples), examples, certain(examples, {0, 1, 2, 3}))
    fonts._glyphs.cache_clear()
    assert not [str(warning.message) for warning in recwarn if "Glyph" in str(warning.message)]
    assert "这部电影很无聊" in (tmp_path / "worst.csv").read_text(encoding="utf-8")


def test_report_into_a_file_is_one_line(digits, zoo_main, tmp_path):
    (tmp_path / "file").write_text("")
    status, _, err = zoo_main("evaluate", digits, "--report", tmp_path / "file")
    assert status == 2 and err == f"zoo: --report {tmp_path / 'file'}: cannot make this folder: File exists\n"


@pytest.mark.parametrize("kind", [*apps.list.KINDS])
def test_list(kind, zoo_main):
    status, lines, err = zoo_main("list", kind, "--json")
    entries = [json.loads(line) for line in lines]
    assert (status, err) == (0, "") and all(entry["name"] for entry in entries)
    status, lines, err = zoo_main("list", kind)
    assert (status, err) == (0, "") and lines
    assert all(any(line.startswith(entry["name"]) for line in lines) for entry in entries)
    assert lines[0].startswith(kind.removesuffix("s")) and not [line for line in lines if line != line.rstrip()]


def test_list_optimizers_cuts_no_rule_and_loads_no_tensorflow(zoo_main):
    """For any width of the terminal; the page of the package is the oracle."""
    from optimizers import catalog

    _, lines, _ = zoo_main("list", "optimizers", "--json")
    for cls, entry in zip(map(optimizers.__dict__.get, optimizers.names()), map(json.loads, lines), strict=True):
        expected = {"name": cls.__name__, "about": catalog.summary(cls), "rule": catalog.rule(cls)}
        assert entry == expected and entry["rule"]
    words = [
        word for line in map(json.loads, lines) for text in (line["about"], *line["rule"]) for word in text.split()
    ]
    _, lines, _ = zoo_main("list", "optimizers")
    shown = [word for line in lines[1:] for word in line[lines[0].index("rule") :].split()]
    assert shown == words
    code = "import sys; from apps import cli; cli.main(['list', 'optimizers']); print('tensorflow' in sys.modules)"
    before = os.times()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after = os.times()
    assert done.stdout.endswith("\nFalse\n")
    assert after.children_user + after.children_system - before.children_user - before.children_system < 0.5


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("kind", [*apps.list.KINDS])
def test_a_table_on_a_terminal_fits_and_loses_nothing(kind, width, zoo_main, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    _, lines, _ = zoo_main("list", kind)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    _, wrapped, _ = zoo_main("list", kind)
    wrapped = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in wrapped]
    if width >= 80:
        assert max(map(len, wrapped)) <= width
    assert sorted("".join(lines).replace(" ", "")) == sorted("".join(wrapped).replace(" ", ""))


def test_list_presets_gives_score_size_and_terms(digits, zoo_main, monkeypatch):
    from zoo import preset

    monkeypatch.setattr(preset, "ROOT", digits.parent)
    _, lines, _ = zoo_main("list", "--json")
    entry = json.loads(lines[0])
    assert (entry["name"], entry["data_terms"], entry["split"]) == ("digits", "CC BY 4.0", "test")
    assert entry["bytes"] == sum(path.stat().st_size for path in digits.rglob("*") if path.is_file())
    _, lines, _ = zoo_main("list")
    assert lines[0].split() == ["preset", "task", "answers", "MB", "test", "score"]
    assert re.fullmatch(r"digits  image-classification  10 labels  0\.\d  not evaluated", lines[1])
    assert lines[3:] == ["preset  data and their terms", "digits  CC BY 4.0"]


def test_show_prints_the_card(digits, zoo_main):
    assert zoo_main("show", digits) == (0, ["# digits", "", "Scores *chance*."], "")


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["lenet5"], ["# lenet5", "- Parameters: 61,706", "- `classes: int = 10`", "- Recipes of it: quickstart"]),
        (
            ["ResNet_18"],
            ["# resnet18", "- Build it: `zoo.build('resnet18')`, which is `zoo.classifiers.resnet.resnet("],
        ),
        (["classify-photos"], ["# classify-photos", "- Run it: `zoo train classify --recipe classify-photos --data "]),
        (["quickstart"], ["# quickstart", "- Run it: `zoo train quickstart --out", "- Expected: accuracy 98.50%, ± "]),
        (["translate-en-fr", "--kind", "recipe"], ["- Starts from: ", "- optimizer: `adam`", "## Limits"]),
        (["lion"], ["# Lion", "m = beta_2 m + (1 - beta_2) g", "- **Paper**: Chen et al., arXiv:2302.06675."]),
        (
            ["schedule_free_sgd"],
            ["# ScheduleFreeSGD", "- In a training: `zoo train RECIPE --optimizer schedulefreesgd`"],
        ),
        (["sentiment-imdb"], ["# sentiment-imdb", "## Data and terms"]),
    ],
)
def test_show_tells_of_models_recipes_and_optimizers_too(argv, told, zoo_main):
    status, lines, err = zoo_main("show", *argv)
    assert (status, err) == (0, "")
    assert [text for text in told if not any(line.startswith(text) for line in lines)] == []


@pytest.mark.parametrize("kind", [*apps.list.KINDS])
def test_show_knows_whatever_list_lists(kind, zoo_main):
    names = [json.loads(line)["name"] for line in zoo_main("list", kind, "--json")[1]]
    for name in names:
        status, lines, err = zoo_main("show", name.lower(), "--kind", kind.removesuffix("s"))
        assert (status, err, lines[0]) == (0, "", f"# {name}")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["resnet"], "no preset, model, recipe or optimizer is named 'resnet'; did you mean 'resnet"),
        (["lion", "--kind", "model"], "no model is named 'lion'; there are: bilstm, "),
    ],
)
def test_show_of_what_is_nowhere(argv, message, zoo_main):
    status, lines, err = zoo_main("show", *argv)
    assert (status, lines) == (2, []) and message in err and err.count("\n") == 1


def test_export_prints_where_it_is_and_keeps_what_is_there(digits, zoo_main, tmp_path):
    status, lines, err = zoo_main("export", digits, tmp_path / "serving")
    assert (status, err) == (0, "")
    assert lines[0] == str(tmp_path / "serving" / "digits" / "1")
    assert lines[1].startswith("Checked: loaded in a fresh process that has TensorFlow alone; asked about 9 images, ")
    assert lines[2:4] == ["Next, for example:", f"  zoo serve {tmp_path / 'serving' / 'digits'}"]
    assert json.loads((tmp_path / "serving/digits/1/assets.extra/prepare.json").read_text()) == {"image_bytes": "image"}
    status, lines, err = zoo_main("export", digits, tmp_path / "serving", "--quiet")
    assert (status, lines, err) == (0, [str(tmp_path / "serving" / "digits" / "2")], "")
    assert (tmp_path / "serving" / "digits" / "1" / "saved_model.pb").is_file()
    status, lines, err = zoo_main("export", digits, tmp_path / "serving", "--version", "1")
    assert (status, lines) == (2, []) and "exists already" in err


def test_a_process_of_its_own_answers_as_python_does_and_stderr_is_empty(digits, photos):
    from zoo import tasks

    environment = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    files = sorted(str(path) for path in photos.rglob("[0-2].png"))
    done = subprocess.run(
        [sys.executable, "-m", "apps.classify", "--model", str(digits), *files],
        capture_output=True,
        text=True,
        env=environment,
        cwd=os.path.dirname(os.path.dirname(os.path.dirname(__file__))),
    )
    assert (done.returncode, done.stderr) == (0, "")
    task = tasks.load(digits)
    for index, (line, path) in enumerate(zip(done.stdout.splitlines(), files, strict=True)):
        found, expected = json.loads(line), task(path)
        assert (found["index"], found["item"], found["label"]) == (index, path, expected.label)
        # Three images at a time and one at a time round differently.
        assert [(score["label"], pytest.approx(score["probability"], abs=2e-6)) for score in found["scores"]] == [
            *expected.scores[:5]
        ]


@pytest.fixture(scope="module")
def pairs_table(tmp_path_factory):
    """A table of pairs whose header names the languages, in the other order."""
    path = tmp_path_factory.mktemp("pairs") / "pairs.tsv"
    path.write_text("en\tde\na dog\tein hund\na cat\teine katze\nno\tnein\n", encoding="utf-8")
    return path


class Translator:
    """Knows one word less than it should; says nothing of what it cannot read."""

    labels = ()
    report = "texts"

    @staticmethod
    def load_examples(source, split, **columns):
        from zoo.data.texts import pairs

        return pairs.load(source, split, **columns)

    def answers(self, examples, bad, marks):
        known = {"ein hund": "a dog", "nein": "yes"}
        for place, text in enumerate(examples.raw):
            if text not in known:
                bad[place] = UserError("not a word")
        return [known[text] for text in examples.raw if text in known]

    def measure(self, examples, texts):
        right = [100.0 * (text in several) for text, several in zip(texts, examples.targets, strict=True)]
        return {"bleu": sum(right) / len(right), "chrf": right[0], "signature": "nrefs:1"}


def test_evaluate_of_pairs(writers, pairs_table, zoo_main, tmp_path, monkeypatch):
    import zoo

    monkeypatch.setattr(zoo, "load", lambda folder: Translator())
    argv = ["evaluate", "translate-de-en", "--data", pairs_table, "--report", tmp_path / "r"]
    status, lines, err = zoo_main(*argv, "--json")
    assert status == 1 and err.startswith("zoo: 1 of 3 examples cannot be read and are left out")
    found = json.loads(lines[-1])
    assert (found["n"], found["metrics"]) == (2, {"bleu": 50.0, "chrf": 100.0, "signature": "nrefs:1"})
    _, lines, _ = zoo_main(*argv)
    assert lines[0] == f"Written: {tmp_path / 'r'} (metrics.json, worst.csv)"
    assert lines[2:] == ["  bleu 50.00", "  chrf 100.00", "  signature nrefs:1"]
    assert json.loads((tmp_path / "r" / "metrics.json").read_text()) == found
    with open(tmp_path / "r" / "worst.csv", newline="", encoding="utf-8") as stream:
        (worst,) = csv.DictReader(stream)  # the other one is its reference
    assert (worst["item"], worst["references"], worst["text"], worst["chrf"]) == ("nein", "no", "yes", "0.0")


def test_list_of_presets_that_write(writers, zoo_main):
    from zoo import preset

    metrics = {"bleu": 36.2, "signature": "nrefs:1"}
    preset.write_json(writers["translate-de-en"] / "scores.json", {"split": "test", "metrics": metrics})
    _, lines, _ = zoo_main("list")
    rows = [line.split() for line in lines]
    assert "translate-de-en translation de to en 0.0 bleu 36.20".split() in rows
    assert "summarize-dialogue summarization 0.0 not evaluated".split() in rows
    entries = {entry["name"]: entry for entry in map(json.loads, zoo_main("list", "--json")[1])}
    assert entries["translate-de-en"]["languages"] == ["de", "en"] and "labels" not in entries["translate-de-en"]


@pytest.fixture
def trained(monkeypatch):
    """Records what `zoo train` hands to the training, in place of training."""
    from zoo import training

    given = {}

    def fit(recipe, out, **options):
        given.update(recipe=recipe, **options)
        options["say"]("3 examples to learn from, 1 to validate.")
        options["begin"]()
        options["begin"]()

    monkeypatch.setattr(training, "fit", fit)
    return given


@pytest.mark.parametrize(
    ("argv", "columns", "languages"),
    [
        (
            ("translate", "--source", "cs", "--target", "hu"),
            {"source_column": "cs", "target_column": "hu"},
            ("cs", "hu"),
        ),
        (
            ("translate", "--source", "cs", "--target", "hu", "--source-column", "a", "--target-column", "b"),
            {"source_column": "a", "target_column": "b"},
            ("cs", "hu"),
        ),
        (("translate", "--init", "mine"), {"source_column": "cs", "target_column": "hu"}, ("cs", "hu")),
        (("sentiment",), {}, None),
        (("classify", "--path-column", "a", "--label-column", "b"), {"path_column": "a", "label_column": "b"}, None),
        (("sentiment", "--text-column", "a", "--label-column", "b"), {"text_column": "a", "label_column": "b"}, None),
    ],
)
def test_columns_and_languages_of_own_data(writers, trained, zoo_main, tmp_path, monkeypatch, argv, columns, languages):
    monkeypatch.chdir(tmp_path)
    status, _, err = zoo_main("train", *argv, "--data", "f.tsv", "--out", "runs/mine")
    assert (status, err) == (0, "")
    assert (trained["source"], trained["columns"], trained["languages"]) == ("f.tsv", columns, languages)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("translate", "--data", "f.tsv"), "name the languages of your pairs, what is read and what is written"),
        (("translate", "--data", "f.tsv", "--source", "cs"), "name the languages of your pairs"),
        (("translate", "--data", "f.tsv", "--source", "cs", "--target", "CS"), "expected two different languages"),
        (("sentiment", "--data", "f.tsv", "--source", "cs"), "--source and --target are languages of your own pairs"),
        (("translate-de-en", "--target", "fr"), "--source and --target are languages of your own pairs"),
        (
            ("translate", "--data", "f", "--source", "a", "--target", "b", "--text-column", "t"),
            "--text-column: translation takes --source-column and --target-column",
        ),
        (
            ("classify", "--data", "f.csv", "--text-column", "t"),
            "--text-column: image-classification takes --path-column and --label-column",
        ),
        (
            ("sentiment", "--data", "f.tsv", "--path-column", "t"),
            "--path-column: text-classification takes --text-column and --label-column",
        ),
        (
            ("sentiment", "--data", "f.tsv", "--target-column", "t"),
            "--target-column: text-classification takes --text-column and --label-column",
        ),
    ],
)
def test_columns_and_languages_that_cannot_be(zoo_main, argv, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, lines, err = zoo_main("train", *argv)
    assert (status, lines) == (2, []) and err.startswith("zoo: ") and err.count("\n") == 1 and message in err


def test_train_ends_with_what_was_checked_and_the_next_commands(trained, zoo_main, tmp_path, monkeypatch):
    from zoo import scaling

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(scaling, "strategy", lambda devices, say: say("1 device: CPU:0."))
    monkeypatch.setattr("zoo.scaling.workers.is_chief", lambda strategy: True)
    status, lines, err = zoo_main("train", "sentiment", "--data", "f.tsv", "--out", "runs/the first")
    assert (status, err) == (0, "")
    assert lines == [
        "3 examples to learn from, 1 to validate.",
        "1 device: CPU:0.",
        "Written: runs/the first (card.md, curve.png, scores.json)",
        "Checked: what was written has been loaded again, and gave the score above.",
        "Next, for example:",
        "  zoo sentiment --model 'runs/the first' \"A text.\"",
        "  zoo evaluate 'runs/the first' --data test-data --report report",
        "  zoo export 'runs/the first' served",
        "  zoo show 'runs/the first'",
    ]
    assert zoo_main("train", "quickstart", "--quiet") == (0, [], "")
    assert trained["verbose"] == 0


@pytest.mark.parametrize(
    "argv",
    [
        ["quickstart", "--out", "full"],
        ["classify", "--data", "nowhere/"],
        ["quickstart", "--init", "nothing-like-it"],
        ["quickstart", "--init", "translate-de-en"],
        ["quickstart", "--epochs", "0"],
        ["quickstart", "--resume"],
        ["sentiment"],
    ],
)
def test_nothing_is_said_of_devices_before_a_usage_error(argv, zoo_main, tmp_path, monkeypatch):
    from zoo import scaling

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(scaling, "strategy", lambda devices, say: say("1 device: CPU:0."))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    status, lines, err = zoo_main("train", *argv)
    assert (status, lines, err.count("\n")) == (2, [], 1)


@pytest.mark.parametrize(
    ("variables", "terminal", "expected"),
    [
        ({}, True, 1),
        ({}, False, 2),
        ({"NO_COLOR": "1"}, True, 2),
        ({"NO_COLOR": ""}, True, 1),
        ({"TERM": "dumb"}, True, 2),
    ],
)
def test_a_training_draws_in_colours_only_where_they_are_wanted(
    trained, zoo_main, monkeypatch, variables, terminal, expected
):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    zoo_main("train", "quickstart")
    assert trained["verbose"] == expected

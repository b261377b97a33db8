"""`zoo translate`: which preset is meant, lines in and lines out, scores and choices, heat maps."""

import contextlib
import csv
import io
import json
import signal
import sys

import cv2
import numpy as np
import pytest

from apps.answering import application, texts
from apps.reading import command_line
from apps.writing import attention_maps
from zoo.results.base import Failure
from zoo.results.generation import Generation

DE_EN = ("--from", "de", "--to", "en")


@pytest.fixture
def ask(writers, fake, zoo_main, tmp_path, monkeypatch):
    """Asks fake presets: (status, stdout lines, stderr); `ask.searched` is what the last one was told to search."""
    monkeypatch.chdir(tmp_path)
    fake.Writer.searched.clear()

    def run(*argv):
        return zoo_main("translate", *argv)

    run.searched = fake.Writer.searched
    return run


@pytest.mark.parametrize(
    ("argv", "loaded"),
    [
        (DE_EN, "translate-de-en"),
        (("--from", "EN", "--to", "De"), "translate-en-de"),
        (("--model", "translate-de-en-lstm"), "translate-de-en-lstm"),
        (("--model", "translate-de-en-lstm", *DE_EN), "translate-de-en-lstm"),
        (("--model", "translate-de-en", "--to", "en"), "translate-de-en"),
        (("--model", "mine"), "mine"),
        (("--model", "mine", "--from", "cs"), "mine"),
    ],
)
def test_the_preset_that_is_meant(ask, argv, loaded, monkeypatch):
    import zoo

    asked = []
    load = zoo.load
    monkeypatch.setattr(zoo, "load", lambda name, task: asked.append(name) or load(name, task))
    assert ask("ein hund", *argv) == (0, ["EIN HUND"], "")
    assert asked == [loaded]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ((), "name the languages by --from and --to (there are: de to en, en to de), or a preset by --model"),
        (("--to", "en"), "name the languages by --from and --to (there are: de to en, en to de), or a preset by"),
        (("--from", "de", "--to", "fr"), "no preset translates de to fr; there are: de to en, en to de"),
        (("--from", "de", "--to", "de"), "no preset translates de to de; there are: de to en, en to de"),
        (("--model", "translate-de-en", "--from", "en"), "--from en: --model translate-de-en translates de to en"),
        (("--model", "mine", *DE_EN), "--from de: --model mine translates cs to hu"),
        (("--model", "mine", "--to", "en"), "--to en: --model mine translates cs to hu"),
        (("--model", "summarize-dialogue"), "is a preset for summarization; this application needs one for transla"),
        (("--model", "translate-de-fr"), "no preset or preset folder named 'translate-de-fr'; did you mean 'tra"),
        ((*DE_EN, "--beam", "0"), "--beam: expected a whole number from 1 to 100, got 0"),
        ((*DE_EN, "--beam", "1000000"), "--beam: expected a whole number from 1 to 100, got 1e+06"),
        ((*DE_EN, "--n-best", "0"), "--n-best: expected a whole number from 1 to 100, got 0"),
        ((*DE_EN, "--beam", "2", "--n-best", "3"), "--n-best 3: --beam 2 keeps fewer; expected at most as many"),
        ((*DE_EN, "--beam", "4", "--sample"), "argument --sample: not allowed with argument --beam"),
        ((*DE_EN, "--temperature", "2"), "--temperature goes with --sample"),
        ((*DE_EN, "--seed", "2"), "--seed goes with --sample"),
        ((*DE_EN, "--sample", "--temperature", "0"), "--temperature: expected a number above 0, got 0"),
        ((*DE_EN, "--sample", "--temperature", "nan"), "--temperature: expected a number above 0, got nan"),
        ((*DE_EN, "--sample", "--top-k", "0"), "--top-k: expected a whole number of at least 1, got 0"),
        ((*DE_EN, "--sample", "--top-p", "1.5"), "--top-p: expected a number above 0, at most 1, got 1.5"),
        ((*DE_EN, "--sample", "--seed", "-1"), "--seed: expected a whole number from 0 to 4294967295, got -1"),
        ((*DE_EN, "--attention", "map.jpg"), "--attention map.jpg: expected a file that ends in .png"),
        ((*DE_EN, "--attention", "no/map.png"), "--attention no/map.png: its folder does not exist; expected a file"),
    ],
)
def test_wrong_usage_is_one_line_and_loads_nothing(ask, argv, message, monkeypatch):
    import zoo

    monkeypatch.setattr(zoo, "load", None)
    status, lines, err = ask("ein hund", *argv)
    assert (status, lines) == (2, [])
    assert err.startswith("zoo: ") and err.count("\n") == 1 and message in err


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "ein hund\n\n  \nzwei | drei\r\na\x0bb\x85c\u2028d\nlast".encode(),
            ["EIN HUND", "", "", "ZWEI   DREI", "A B C D", "LAST"],
        ),
        (b"", []),
        (b"\n", [""]),
        (b"\n\nx\n\n", ["", "", "X", ""]),
        ("😀\nこんにちは\n\x1b[31m\x07rot\n".encode(), ["😀", "こんにちは", "\x1b[31M\x07ROT"]),
        (b"wort " * 100_000 + b"\nx\n", ["WORT " * 100_000, "X"]),
    ],
)
def test_exactly_the_lines_of_the_input_come_out(start, writers, content, expected, tmp_path):
    (tmp_path / "in.txt").write_bytes(content)
    for item, stdin in (("-", content), (tmp_path / "in.txt", b"")):
        zoo = start("translate", "--model", writers["mine"], item)
        out, err = zoo.communicate(stdin, timeout=30)
        assert (zoo.returncode, err) == (0, b"")
        assert out.decode() == "".join(f"{line}\n" for line in expected)


def test_a_failed_item_keeps_its_place_and_is_told_on_stderr(ask, tmp_path):
    (tmp_path / "in.txt").write_bytes(b"gut\nsch\xf6n\nschlecht\n")
    (tmp_path / "photo.txt").write_bytes(b"\x89PNG\r\x00\n\x00")
    status, lines, err = ask(*DE_EN, "in.txt", "nowhere.txt", "photo.txt", "folder/", "auch gut")
    assert (status, lines) == (1, ["GUT", "", "SCHLECHT", "", "", "", "AUCH GUT"])
    assert err.splitlines() == [
        "zoo: item 2, sch\\xf6n: line 2 is not valid UTF-8: byte 0xf6 at position 4",
        "zoo: item 4, nowhere.txt: no such file; if it is meant as a text, give it by --text",
        "zoo: item 5, photo.txt: not a text file; expected UTF-8, one item a line",
        "zoo: item 6, folder/: no such file; if it is meant as a text, give it by --text",
        "zoo: 4 of 7 items failed",
    ]


def test_what_was_not_read_is_said_also_where_lines_are_plain(ask):
    assert ask(*DE_EN, "g" * 600) == (0, ["G" * 600], f"zoo: item 1, {'g' * 59}…: (used 512 of 600 tokens)\n")


def test_json_fields_are_the_contract_s(ask):
    _, lines, err = ask(*DE_EN, "--json", "--n-best", "3", "ein hund", "", "nowhere.txt", "g" * 600)
    found = [json.loads(line) for line in lines]
    assert found[0] == {
        "index": 0,
        "item": "ein hund",
        "text": "EIN HUND",
        "score": -0.5,
        "alternatives": [{"text": "EIN HUND!", "score": -0.75}, {"text": "EIN HUND!!", "score": -1.0}],
    }
    assert list(found[0]) == ["index", "item", "text", "score", "alternatives"]
    assert found[1] == {"index": 1, "item": "", "text": "", "score": None, "alternatives": []}
    assert list(found[2]) == ["index", "item", "error"]
    assert list(found[3]) == ["index", "item", "text", "score", "alternatives", "used_tokens", "total_tokens"]
    assert (found[3]["used_tokens"], found[3]["total_tokens"]) == (512, 600)
    assert err == "zoo: 1 of 4 items failed\n"


def test_csv_out(ask, tmp_path):
    status, lines, _ = ask(*DE_EN, "--csv-out", "o.csv", "--n-best", "2", "ein hund", "", "nowhere.txt", "zwei | drei")
    assert (status, lines) == (1, [])
    with open(tmp_path / "o.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == (
        "index item text score text_2 score_2 low_confidence used_tokens total_tokens error".split()
    )
    assert (rows[0]["text"], rows[0]["score"], rows[0]["text_2"]) == ("EIN HUND", "-0.5", "EIN HUND!")
    assert (rows[1]["text"], rows[1]["score"], rows[1]["error"]) == ("", "", "")
    assert rows[2]["error"].startswith("no such file") and rows[3]["text"] == "ZWEI \n DREI"


@pytest.mark.parametrize(
    ("argv", "searched"),
    [
        ((), {"n_best": 1}),
        (("--beam", "4"), {"n_best": 1, "beam": 4}),
        (("--beam", "4", "--n-best", "3"), {"n_best": 3, "beam": 4}),
        (("--n-best", "2"), {"n_best": 2}),  # the preset's beam holds them
        (("--n-best", "3"), {"n_best": 3, "beam": 3}),
        (("--sample",), {"n_best": 1, "temperature": 1.0}),
        (
            ("--sample", "--temperature", "0.5", "--top-k", "9", "--top-p", "0.9", "--seed", "7", "--n-best", "3"),
            {"seed": 7, "n_best": 3, "temperature": 0.5, "top_k": 9, "top_p": 0.9},
        ),
    ],
)
def test_what_is_searched(ask, argv, searched):
    assert ask(*DE_EN, "ein hund", *argv)[0] == 0
    assert ask.searched == [{"seed": 0, "batch_size": 32, **searched}]


def test_samples_of_later_batches_are_others_and_the_seed_repeats_them(ask, tmp_path):
    (tmp_path / "in.txt").write_text("x\n" * 40)
    _, lines, _ = ask(*DE_EN, "in.txt", "--sample", "--seed", str(2**32 - 1))
    assert lines == [f"X {2**32 - 1}"] * 32 + ["X 31"] * 8
    assert ask(*DE_EN, "in.txt", "--sample", "--seed", str(2**32 - 1))[1] == lines


def test_ctrl_c_keeps_what_is_written(start, writers):
    zoo = start("translate", "-", "--model", writers["mine"], bufsize=0)
    zoo.stdin.write(b"eins\n")
    assert zoo.stdout.readline() == b"EINS\n"  # while the input stays open
    zoo.send_signal(signal.SIGINT)
    assert zoo.wait(timeout=10) == 130
    assert zoo.stderr.read() == b"zoo: interrupted\n"


def test_paragraphs_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def reconfigure(self, **options):
            pass

    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("sys.stdout", Terminal())
    paragraphs = texts.Paragraphs()
    for index, (item, result) in enumerate(
        [
            ("ein hund", Generation("a dog that is so long that it wraps around the end", -0.25)),
            ("zwei\x1b[31m [bold]", Generation("two", -0.25, (("twain\x1b[31m", -1.5),))),
            ("", Generation("", None)),
            ("gone.txt", Failure("no such file")),
            ("lang " * 100, Generation("long", -0.1, used_tokens=512, total_tokens=1310)),
        ]
    ):
        paragraphs.write(index, command_line.Item(item, item), result)
    paragraphs.flush()
    import sys

    assert [line.rstrip() for line in sys.stdout.getvalue().splitlines()] == [
        "ein hund",
        "  a dog that is so long that it wraps",
        "  around the end",
        "zwei\ufffd[31m [bold]",
        "  -0.25  two",
        "  -1.50  twain\ufffd[31m",
        "(empty)",
        "gone.txt",
        "  failed: no such file",
        ("lang " * 100)[:39] + "…",
        "  long",
        "  (used 512 of 1,310 tokens)",
    ]


def test_the_preset_says_once_on_a_terminal_what_it_translates(writers, fake, zoo_main, monkeypatch):
    monkeypatch.setattr("apps.writing.writers.is_terminal", lambda stream: stream is sys.stderr)
    monkeypatch.setattr(
        "apps.answering.application._progress", lambda *told: contextlib.nullcontext(application._Silent())
    )
    _, _, err = zoo_main("translate", "--model", writers["mine"], "one", "two")
    assert err == "mine: trained on data of its own. From cs to hu.\n"
    assert zoo_main("translate", "--model", writers["mine"], "one", "--quiet")[1:] == (["ONE"], "")


def test_strict_keeps_the_line_of_a_text_without_confidence(ask):
    assert ask(*DE_EN, "ein hund", "strange hund", "--strict")[:2] == (0, ["EIN HUND", ""])
    assert ask(*DE_EN, "strange hund")[:2] == (0, ["STRANGE HUND"])
    line = json.loads(ask(*DE_EN, "strange hund", "--strict", "--json")[1][0])
    assert line["text"] is None and line["low_confidence"] is True


def test_heat_maps_of_several_items(ask, tmp_path):
    status, lines, err = ask(*DE_EN, "--attention", "map.png", "ein hund", "", "too long", "drei $x^2$ wörter hier")
    assert (status, lines) == (1, ["EIN HUND", "", "TOO LONG", "DREI $X^2$ WÖRTER HIER"])
    assert err == "zoo: --attention: item 3, too long: the item is longer than the model reads at once\n"
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["map-4.png", "map.png"]
    assert cv2.imread("map-4.png").shape[0] > 200


def test_a_heat_map_of_forty_pieces_is_large_enough_to_read_and_shows_the_weights(tmp_path):
    pieces = [f"▁piece{i}" for i in range(40)]
    weights = np.zeros((30, 40))
    weights[np.arange(30), np.arange(30)[::-1]] = 1  # the other diagonal, so that an exchange of axes would show
    figure = attention_maps.draw(pieces, pieces[:30], weights)
    axes = figure.axes[0]
    figure.canvas.draw()
    places = [label.get_window_extent() for label in axes.get_yticklabels()]
    # From top to bottom; no label lies over the next.
    assert all(above.y0 >= below.y1 - 1 for above, below in zip(places, places[1:], strict=False))
    places = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert all(left.x1 <= right.x0 + 1 for left, right in zip(places, places[1:], strict=False))
    assert all(0 <= place.x0 and place.y1 <= figure.bbox.y1 for place in places)
    figure.savefig(tmp_path / "map.png", dpi=110)
    picture = cv2.imread(str(tmp_path / "map.png"))
    box = axes.get_window_extent().transformed(figure.transFigure.inverted())
    height, width = picture.shape[:2]
    top, bottom = round((1 - box.y1) * height), round((1 - box.y0) * height)
    left, right = round(box.x0 * width), round(box.x1 * width)
    inside = picture[top:bottom, left:right].astype(int).sum(-1)
    cells = cv2.resize(inside.astype(np.float32), (40, 30), interpolation=cv2.INTER_AREA)
    assert (cells.argmin(1) == np.arange(30)[::-1]).all()  # the darkest of each row


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        (["▁Sport", "platz", ",", "▁in", "▁e", ".", "g", ".", "</s>"], ["Sportplatz", ",", "in", "e.g", "."]),
        (["▁don", "'", "t", "!", "!", "</s>"], ["don't", "!", "!"]),
        (["▁", "(", "x", ")", "</s>"], ["(x", ")"]),
        (["▁", "映", "画", "▁ok", "。", "</s>"], ["映", "画", "ok", "。"]),  # no blanks between words
        (["one", "Ġtwo", "s", ".", "</s>"], ["one", "twos", "."]),
        (["A", "dog", ".", "[END]"], ["A", "dog", "."]),
        (["▁</s>", "▁a", "</s>"], ["</s>", "a"]),  # in a text that spells it
    ],
)
def test_a_heat_map_s_words(pieces, words):
    count = len(pieces)
    weights = np.full((count, count), 1 / count)
    source, target, found = attention_maps.by_words(pieces, pieces, weights)
    assert (source, target, found.shape) == (words, words, (len(words), len(words)))
    assert found.sum(1) == pytest.approx(np.full(len(words), (count - 1) / count))  # all but the end's share


def test_a_heat_map_sums_over_a_source_word_and_averages_over_a_target_word():
    weights = np.array([[0.5, 0.2, 0.2, 0.1], [0.1, 0.0, 0.6, 0.3], [0.3, 0.3, 0.4, 0.0], [0.0, 0.0, 0.0, 1.0]])
    pieces = ["▁Sport", "platz", "▁ist", "</s>"], ["▁sports", "▁gro", "und", "</s>"]
    source, target, found = attention_maps.by_words(*pieces, weights)
    assert (source, target) == (["Sportplatz", "ist"], ["sports", "ground"])
    np.testing.assert_allclose(found, [[0.7, 0.2], [0.35, 0.5]])
    assert attention_maps.png(["</s>"], ["</s>"], np.ones((1, 1)))[:4] == b"\x89PNG"


def test_a_small_heat_map_is_not_cut_off():
    figure = attention_maps.draw(["ja"], ["yes"], np.ones((1, 1)))
    figure.draw_without_rendering()
    box = figure.axes[1].get_tightbbox()
    assert 0 <= box.y0 and box.y1 <= figure.bbox.y1 and box.x1 <= figure.bbox.x1


def test_a_heat_map_says_what_it_leaves_out():
    figure = attention_maps.draw(["x"] * 250, ["y"], np.full((1, 250), 1 / 250))
    assert figure.axes[0].get_xlabel() == "source, the first 200 of 250 words"
    assert figure.axes[0].get_ylabel() == "translation"

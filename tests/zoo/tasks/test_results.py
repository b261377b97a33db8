"""The fields of an answer, as the contract names them, and the answer drawn."""

import csv
import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest

from zoo.results.base import Failure, Result, one_line, percent
from zoo.results.classification import Classification
from zoo.results.generation import Generation

ANSWER = Classification("cat", 0.7500001, (("cat", 0.7500001), ("dog", 0.2), ("猫", 0.0499999)))


def test_json_has_exactly_the_fields_of_the_contract():
    scores = [("cat", 0.75), ("dog", 0.2), ("猫", 0.0499999)]
    assert ANSWER.to_dict() == {
        "label": "cat",
        "probability": 0.75,
        "scores": [{"label": label, "probability": probability} for label, probability in scores],
    }


def test_tokens_appear_only_where_shortened():
    whole = Classification("good", 0.9, used_tokens=12, total_tokens=12)
    cut = Classification("good", 0.9, used_tokens=512, total_tokens=1310)
    assert "used_tokens" not in whole.to_dict() and "used" not in whole.to_text()
    assert (cut.to_dict()["used_tokens"], cut.to_dict()["total_tokens"]) == (512, 1310)
    assert cut.to_text() == "good 90.0 % (used 512 of 1,310 tokens)"


def test_a_generation_has_exactly_the_fields_of_the_contract():
    written = Generation("A dog.", -0.25000001, (("The dog.", -1 / 3),), used_tokens=5, total_tokens=9)
    others = [{"text": "The dog.", "score": -0.333333}]
    counts = {"used_tokens": 5, "total_tokens": 9}
    assert written.to_dict() == {"text": "A dog.", "score": -0.25, "alternatives": others, **counts}
    assert written.to_row() == {"text": "A dog.", "score": -0.25, "text_2": "The dog.", "score_2": -0.333333, **counts}
    assert written.to_text() == "A dog. (used 5 of 9 tokens)"
    assert Generation("", None).to_dict() == {"text": "", "score": None, "alternatives": []}
    assert Generation("", None).to_text() == "(empty)"


def test_one_line_is_one_for_every_reader():
    assert one_line("a\nb\r\nc\x0bd\x85e\u2028f\n") == "a b c d e f"


def test_a_failure_has_its_error_alone():
    failure = Failure("no such file")
    assert failure.to_dict() == failure.to_row() == {"error": "no such file"}
    assert ANSWER.error is None and failure.error == "no such file"


def test_an_empty_item_has_an_empty_result():
    empty = Classification(None, None)
    assert empty.to_dict() == {"label": None, "probability": None, "scores": []}
    assert empty.limit(3, 0.5) == empty
    assert empty.to_text() == "(empty)"


@pytest.mark.parametrize(("threshold", "label"), [(0.0, "cat"), (0.75, "cat"), (0.76, None), (1.0, None)])
def test_below_the_threshold_the_label_is_null_and_the_rest_stays(threshold, label):
    limited = ANSWER.limit(2, threshold)
    assert limited.label == label
    assert limited.probability == ANSWER.probability
    assert limited.scores == ANSWER.scores[:2]


def test_row_is_flat():
    row = ANSWER.limit(2).to_row()
    assert row == {"label": "cat", "probability": 0.75, "label_2": "dog", "probability_2": 0.2}


def test_certainty_is_not_rounded_up_to_certain():
    assert [percent(p) for p in (1.0, 0.99996, 0.9994, 0.0)] == ["100.0 %", ">99.9 %", "99.9 %", "0.0 %"]


@pytest.mark.parametrize("shape", [(28, 28, 3), (600, 800, 3), (1, 1, 3), (3, 2000, 3), (2000, 3, 3)])
def test_drawing_keeps_the_whole_image_and_adds_below(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    drawn = ANSWER.draw(image)
    factor = max(1, -(-320 // max(shape[:2])))
    left = (drawn.shape[1] - shape[1] * factor) // 2
    kept = drawn[: shape[0] * factor : factor, left : left + shape[1] * factor : factor]
    np.testing.assert_array_equal(kept, image)
    assert drawn.shape[1] >= 320 and drawn.shape[0] < shape[0] * factor + 40 * 3 * max(1, shape[1] // 300) + 60


def test_bar_is_as_long_as_the_probability():
    drawn = Classification("a", 0.25, (("a", 0.25),)).draw(np.zeros((400, 400, 3), np.uint8))
    green = (drawn == np.array([60, 140, 30], np.uint8)).all(-1).any(0)
    assert green.sum() == pytest.approx(0.25 * 400, abs=6)


@dataclasses.dataclass(frozen=True, repr=False)
class Parts(Result):
    """An answer of several rows, and a picture."""

    parts: tuple[int, ...]

    def to_dict(self):
        return {"parts": list(self.parts)}

    def rows(self):
        return [{"part": part} for part in self.parts]

    def files(self):
        return {".png": b"a picture"}

    def to_text(self):
        return f"{len(self.parts)} parts"


def test_an_answer_of_several_rows_with_a_file(tmp_path):
    from apps.reading.command_line import Item
    from apps.writing import writers

    written = io.StringIO()
    table, pictures = writers.CsvFile(written, ["part"]), writers.Pictures(str(tmp_path / "out"))
    for index, (name, payload) in enumerate((("a text", "a text"), ("b.jpg", Path("b.jpg")))):
        for writer in (table, pictures):
            writer.write(index, Item(name, payload), Parts((3, 4)))
    assert [row[:3] for row in csv.reader(io.StringIO(written.getvalue()))][1:] == [
        ["0", "a text", "3"], ["0", "a text", "4"], ["1", "b.jpg", "3"], ["1", "b.jpg", "4"],
    ]  # fmt: skip
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == {
        "0001-answer.png": b"a picture",
        "b-answer.png": b"a picture",
    }
    assert Parts((1,))._repr_png_() == b"a picture" and Classification("cat", 0.5)._repr_png_() is None

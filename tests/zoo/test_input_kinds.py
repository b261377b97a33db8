"""Kinds of raw inputs: what each takes, what it refuses, and the form that a graph gets."""

import io
import wave

import numpy as np
import pytest

from zoo.errors import UserError
from zoo.inputs.audio import Audio
from zoo.inputs.image import Image
from zoo.inputs.number import Number
from zoo.inputs.text import Text

SERIES = Number("series", (None, 2), low=-10, high=10)
COUNT = Number("count", dtype="int32", low=0, high=9)


@pytest.mark.parametrize("given", [Image("image"), Text("text"), Audio("sound"), SERIES, COUNT])
def test_probes_are_accepted_and_stack(given):
    encoded = [given.encode(value) for value in given.probes()]
    for value, expected in zip(given.probes(), encoded, strict=True):
        assert np.array_equal(given.encode_again(value), expected)
    array = given.stacked(encoded)
    assert len(array) == len(encoded) and array.dtype == (object if given.dtype == "string" else given.dtype)


@pytest.mark.parametrize(
    ("given", "value", "shape"),
    [
        (SERIES, [[1, 2], [3, 4], [5, 6]], (3, 2)),
        (SERIES, np.zeros((0, 2)), (0, 2)),
        (COUNT, 7, ()),
        (COUNT, np.float64(7), ()),
    ],
)
def test_numbers(given, value, shape):
    encoded = given.encode(value)
    assert encoded.shape == shape and encoded.dtype == given.dtype
    np.testing.assert_array_equal(encoded, value)


@pytest.mark.parametrize(
    ("given", "value", "said"),
    [
        (SERIES, [1, 2], "expected numbers of the shape any x 2, got 2"),
        (SERIES, [[1, 2], [3]], "got rows of different lengths"),
        (SERIES, [["a", "b"]], "got list"),
        (SERIES, [[1, float("nan")]], "expected finite numbers"),
        (SERIES, [[1, 11]], "expected numbers from -10 to 10"),
        (COUNT, [7], "expected one number, got 1"),
        (COUNT, 7.5, "expected whole numbers"),
        (COUNT, 10, "expected numbers from 0 to 9"),
        (COUNT, None, "expected one number, got NoneType"),
    ],
)
def test_numbers_that_are_refused(given, value, said):
    with pytest.raises(UserError, match=said):
        given.encode(value)


def test_sound_is_what_was_given(tmp_path):
    samples = np.array([[0, 1], [-32768, 32767], [5, -5]], np.int16)
    data = Audio("sound").encode((16000, samples))
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 2, 2)
        assert np.frombuffer(file.readframes(3), "<i2").reshape(3, 2).tolist() == samples.tolist()
    (tmp_path / "a.wav").write_bytes(data)
    assert Audio("sound").encode(tmp_path / "a.wav") == Audio("sound").encode(data) == data
    loud = Audio("sound").encode((8000, np.array([1.0, -1.0, 0.0])))
    assert np.frombuffer(loud[-6:], "<i2").tolist() == [32767, -32767, 0]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"", "the file is empty"),
        (b"RIFF, but no sound", "expected a WAV file of 16 bits a sample"),
        ((0, np.zeros(4)), "a whole number above 0, got 0"),
        ((8000, np.array([2.0])), "expected samples from -1 to 1"),
        ((8000, np.zeros(4, np.int32)), "got int32 4"),
        (3, "expected a sound"),
    ],
)
def test_sound_that_is_refused(value, said):
    with pytest.raises(UserError, match=said):
        Audio("sound").encode(value)


def test_a_sound_that_is_cut_is_refused():
    data = Audio("sound").encode((8000, np.zeros(100, np.int16)))
    with pytest.raises(UserError, match="cut short|expected a WAV file"):
        Audio("sound").encode(data[:100])

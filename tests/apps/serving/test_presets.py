"""Shipped presets behind an address answer as they do in Python."""

import numpy as np
import pytest

TEXTS = ["A great film: funny, warm and over too soon.", "I want these two hours of my life back.", "", "映画 🎬"]
GERMAN = ["Ein Hund läuft durch den Schnee.", "Zwei Kinder spielen am Strand."]


@pytest.mark.matrix
def test_presets_are_exported_and_served(serve):
    """One of words, and one of pieces, whose export needs tensorflow_text."""
    import tensorflow as tf

    import zoo

    server = serve("sentiment-imdb", "german=translate-de-en", "--timeout", 300, patience=400)
    task = zoo.load("sentiment-imdb")
    expected = {name: value.numpy() for name, value in task.answer({"text": tf.constant(TEXTS)}).items()}
    status, answer = server.predict({"inputs": TEXTS}, "sentiment-imdb")
    assert status == 200 and answer["outputs"].keys() == expected.keys()
    for name, value in expected.items():
        told = answer["outputs"][name]
        if value.dtype == object:
            assert np.char.encode(told).tolist() == value.tolist()
        else:
            np.testing.assert_allclose(told, value, rtol=task.tolerance, atol=task.tolerance)
    status, answer = server.predict({"instances": GERMAN}, "german")
    assert status == 200
    task = zoo.load("translate-de-en")
    expected = [text.decode() for text in task.answer({"text": tf.constant(GERMAN)})["text"].numpy()]
    assert [row["text"] for row in answer["predictions"]] == expected
    status, err = server.stop()
    assert status == 0
    assert [line.partition(",")[0].partition(" in ")[0] for line in err.splitlines() if "so far" not in line] == [
        f"zoo: [{place}/2] {verb} {name}"
        for place, name in ((1, "sentiment-imdb"), (2, "german"))
        for verb in ("exporting", "exported")
    ]
    again = serve("sentiment-imdb", "german=translate-de-en")  # both exports are kept
    assert again.predict({"instances": TEXTS[:1]}, "sentiment-imdb")[0] == 200
    assert again.stop() == (0, "")

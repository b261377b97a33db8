"""Summarization by the shipped preset."""

import pytest

import zoo
from zoo.results.generation import Generation

GYM = """#Person1#: Are you coming to the gym tonight?
#Person2#: I can't. I have hurt my knee, and the doctor says that I should rest for two weeks.
#Person1#: I am sorry to hear that. Shall I bring you something to eat?
#Person2#: That would be very kind of you."""


@pytest.fixture(scope="module")
def task():
    return zoo.load("summarize-dialogue")


def test_a_text_without_a_shorter_summary_is_given_back(task):
    """transformers#3657: "Hello." had an empty summary. The model writes nothing for the first three."""
    texts = ["Hello.", " Good morning.\n", "one\ntwo\nthree\nfour\nfive", "#Person1#: Hi! #Person2#: Hi."]
    *short, empty, whole = task.generate([*texts, "", GYM], n_best=2)
    assert [answer.text for answer in short] == texts
    assert all(answer.unchanged and answer.score == 0 and answer.alternatives == () for answer in short)
    assert empty == Generation("", None)
    cut = next(task.generate(["word " * 3000]))
    assert not cut.unchanged and cut.used_tokens < cut.total_tokens
    assert not whole.unchanged and 5 < len(whole.text.split()) < 40 and len(whole.alternatives) == 1
    assert "".join(task.stream("Hello.")) == "Hello."

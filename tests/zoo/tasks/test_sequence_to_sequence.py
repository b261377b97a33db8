"""Texts to texts: answers keep their places, batches change nothing, long texts lose nothing, bad ones are told."""

import time

import numpy as np
import pytest
import tensorflow as tf

from tests.zoo import small_writers
from zoo.decoding import Search
from zoo.errors import UserError
from zoo.results.base import Failure
from zoo.results.generation import Generation
from zoo.tasks.sequence_to_sequence import SequenceToSequence, joined

KINDS = ("sentencepiece", "words")
ITEMS = [*small_writers.TEXTS, "snow", "", "a red house. " * 2, "Hund", "two men", "😀", "  "]


def texts(results):
    return [result.text for result in results]


def close(ours, theirs):
    """Equal texts, and scores that differ by rounding."""
    assert texts(ours) == texts(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert (one.used_tokens, one.total_tokens) == (other.used_tokens, other.total_tokens)
        assert one.score == (other.score and pytest.approx(other.score, abs=1e-4))
        assert [text for text, _ in one.alternatives] == [text for text, _ in other.alternatives]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("search", [{}, {"beam": 3, "n_best": 2}, {"temperature": 1.0, "n_best": 2, "seed": 4}])
def test_an_answer_does_not_hang_on_its_batch(kind, search):
    task = small_writers.writer(kind)
    whole = list(task.generate(ITEMS, **search))
    close(list(task.generate(ITEMS, batch_size=3, **search)), whole)
    assert len(set(texts(whole))) > 3  # they do hang on the item
    if "temperature" not in search:
        close([next(task.generate([item], **search)) for item in ITEMS], whole)
        close(list(task.generate(ITEMS[::-1], **search))[::-1], whole)


def test_samples_hang_on_the_seed_and_on_the_place():
    task = small_writers.writer()

    def sampled(seed, batch_size=32):
        return texts(task.generate(["the red house"] * 12, seed=seed, batch_size=batch_size, temperature=1.0))

    assert sampled(1) == sampled(1, batch_size=5) != sampled(2)
    assert len(set(sampled(1, batch_size=1))) > 6  # equal items draw anew


def test_failures_stay_in_their_places():
    task = small_writers.writer()
    items = ["dog", b"\xff\xfe", UserError("not there"), "snow", OSError("no disk"), b"cat", "\ud800", ""]
    found = list(task.generate(iter(items), batch_size=3))
    assert [result.error for result in found] == [
        None,
        "not valid UTF-8 at position 0",
        "not there",
        None,
        "no disk",
        None,
        "not valid UTF-8 at position 0",
        None,
    ]
    assert all(isinstance(found[place], Failure) for place in (1, 2, 4, 6))
    close([found[0], found[3], found[5]], list(task.generate(["dog", "snow", "cat"])))
    assert found[7] == Generation("", None)
    with pytest.raises(UserError, match="^not valid UTF-8 at position 1$"):
        task(b"a\xff")


@pytest.mark.parametrize("item", ["", "  \n", "\x01\x02\x7f", "\u200b"])
def test_what_holds_nothing_is_answered_by_nothing(item):
    assert small_writers.writer()(item) == Generation("", None)


def test_items_are_read_a_batch_ahead():
    read = []
    answers = small_writers.writer().predict((read.append(item) or item for item in ITEMS), batch_size=2)
    next(answers)
    assert len(read) == 2


def test_predict_is_the_presets_own_search_and_generate_changes_it():
    task = small_writers.writer()
    close(list(task.predict(ITEMS)), list(task.generate(ITEMS, beam=1)))
    assert len(next(task.generate(["dog"], beam=4, n_best=3)).alternatives) == 2
    with pytest.raises(UserError, match="beam"):
        next(task.generate(["dog"], beam=0))


def test_the_graphs_answer_is_the_tasks():
    task = small_writers.writer()
    found = task.answer(task.stacked([task.encode(text) for text in ITEMS]))
    assert [text.decode() for text in found["text"].numpy()][:5] == texts(task.generate(ITEMS))[:5]
    wide = task.beam({"text": tf.constant(["dog", "the red house"])})
    assert wide["text"].shape == wide["score"].shape == (2, 2)
    best = list(task.generate(["dog", "the red house"], beam=2, n_best=2))
    for row, result in enumerate(best):
        told = [text.decode() for text in wide["text"].numpy()[row]]
        assert told == [result.text, *(text for text, _ in result.alternatives)]


@pytest.mark.parametrize("kind", KINDS)
def test_attention(kind):
    task = small_writers.writer(kind)
    source, target, weights = task.attention("A dog, the snow.", "the red")
    assert weights.shape == (len(target), len(source)) and weights.min() >= 0
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    assert source[-1] == target[-1] == ("</s>" if kind == "sentencepiece" else "[END]")
    if kind == "words":
        assert (source[:-1], target[:-1]) == (["A", "dog", ",", "the", "snow", "."], ["the", "red"])
    source, _, weights = task.attention("snow " * 40, "")
    assert len(source) == 16 == weights.shape[1] and len(weights) == 1


# Parts of long texts.

LONG = "A dog runs. The snow is red.  Two men sleep.\n\nEin Hund läuft. Zwei Männer stehen vor dem Haus. Yes! "


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "text",
    [LONG, "\x01\n" + LONG, "\n\n \n" + LONG, "日本語です。" * 9, "😀. " * 9, "ﷺ. " * 3 + LONG, LONG * 20, "Short."],
)
def test_parts_are_the_text_and_fit_the_model(kind, text):
    task = small_writers.writer(kind)
    parts = task.segments(text)
    assert "".join(parts) == text
    for part, numbers in zip(parts, task.tokens.numbered(parts), strict=True):
        assert len(numbers) <= 15 or len(part.strip()) < 40
    assert kind == "words" or len(parts) > 1 or text == "Short."
    result = task(text)
    whole = task.tokens.numbered(parts)
    assert result.total_tokens == sum(map(len, whole))
    # A sentence that is copied is used whole.
    room = [len(numbers) if task.prepared(part).copied else 15 for part, numbers in zip(parts, whole, strict=True)]
    assert result.used_tokens == sum(map(min, room, map(len, whole)))


def test_every_sentence_is_read_alone():
    task = small_writers.writer("words")
    assert task.segments("ant bee. " * 3) == ["ant bee. "] * 3


def test_a_sentence_too_long_is_said():
    task = small_writers.writer("words")
    parts = task.segments("Snow. A" + " dog" * 29 + ". Red.")
    assert parts == ["Snow. ", "A" + " dog" * 29 + ". ", "Red."]
    result = task("Snow. A" + " dog" * 29 + ". Red.")
    assert (result.used_tokens, result.total_tokens) == (2 + 15 + 2, 2 + 31 + 2) and result.shortened


def test_a_summary_reads_the_beginning_and_says_so():
    task = small_writers.writer("words", "summarization")
    assert task.segments("ant. " * 30) == ["ant. " * 30]
    assert (task("ant. " * 30).used_tokens, task("ant. " * 30).total_tokens) == (15, 60)


def test_the_whole_answer_is_that_of_its_parts():
    task = small_writers.writer()
    parts = [next(task.generate([part], beam=3, n_best=2)) for part in task.segments(LONG)]
    result = (
        next(task.generate(["dog", LONG], beam=3, n_best=2, batch_size=2)),
        *task.generate([LONG], beam=3, n_best=2),
    )
    close([result[1]], [joined(parts)])
    said = [text for text in texts(task.generate(task.segments(LONG))) if text]
    assert [piece.removeprefix(" ") for piece in task.stream(LONG)] == said
    sampled = "".join(task.stream(LONG, temperature=1.0, seed=3))
    assert sampled == next(task.generate([LONG], temperature=1.0, seed=3)).text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("search", [{"beam": 1}, {"temperature": 1.5, "top_k": 20}])
def test_an_answer_streams_token_by_token(kind, search):
    task = small_writers.writer(kind)
    task.streams_tokens = True
    items = [*ITEMS[:3], "é 😀 の"]
    for item in items:
        pieces = list(task.stream(item, seed=5, **search))
        assert "".join(pieces) == super_text(task, item, seed=5, **search)
        assert len(pieces) > 1 or len("".join(pieces)) < 12
    assert list(task.stream("")) == []


def super_text(task, item, **search):
    """The text without what a translation gives back to its sentences."""
    (written,) = SequenceToSequence._written(
        task, [item], task._options({k: v for k, v in search.items() if k != "seed"}), search["seed"], 1, 0
    )
    return written.text


def test_joined():
    one = Generation("abc", -1.0, (("x", -2.0), ("y", -3.0)), used_tokens=4, total_tokens=4)
    two = Generation("d", -3.0, (("zzz", -4.0),), used_tokens=15, total_tokens=20)
    empty = Generation("", None)
    assert joined([one]) is one
    assert joined([empty, empty]) == empty
    expected = Generation("abc d", -1.5, (("x zzz", -3.5),), used_tokens=19, total_tokens=24)
    assert joined([one, two]) == joined([one, empty, two]) == expected
    silent = Generation("", -0.5, used_tokens=1, total_tokens=1)  # read, and nothing to say of it
    assert joined([silent, silent]) == Generation("", -0.5, used_tokens=2, total_tokens=2)


# What no model was made for.


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "text",
    [
        "😀🙏🏽👩‍👩‍👧",
        "Привет, мир! שלום",
        "\0\x01dog\x1b[31m\x7f",
        "\u202edog\u2066",
        "a" * 5000,
        "<s></s> [END] [PAD] ▁▁",
    ],
    ids=["emoji", "alphabets", "control", "directions", "a long word", "special"],
)
def test_odd_texts_have_an_answer(kind, text):
    result = small_writers.writer(kind)(text)
    assert result.error is None and result.score <= 0 and 0 < result.used_tokens <= result.total_tokens
    result.text.encode()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("word", ["snow ", "snow. "], ids=["one sentence", "sentences"])
def test_a_hundred_thousand_words_have_an_answer_in_bounded_time(kind, word):
    task = small_writers.writer(kind)
    task("snow")
    started = time.perf_counter()
    text = word * 100_000
    parts = task.segments(text)
    assert "".join(parts) == text and len(parts) in (1, 100_000)
    if word == "snow ":
        result = task(text)
        assert result.used_tokens == 15 < 100_000 <= result.total_tokens
    else:  # a tenth of it is written
        result = task(text[:60_000])
        assert result.used_tokens == result.total_tokens >= 20_000
    assert time.perf_counter() - started < 60  # takes three


# Scores.


def scorer_of(task):
    """A function of texts and their references."""
    return lambda answers, references: task.measure(small_writers.pairs([""] * len(answers), references), answers)


def test_bleu_is_sacrebleus_with_as_many_references_as_there_are():
    import sacrebleu

    score = scorer_of(small_writers.writer())
    answers = ["A dog runs through the snow .", "two men stand in front of a house", "The cat sleeps."]
    references = [
        ("A dog runs through the snow.", "The dog is running through snow ."),
        ("Two men stand before a house.",),
        ("The cat is asleep.", "A cat sleeps.", "The cat sleeps."),
    ]
    single = [(row[0],) for row in references]
    theirs = sacrebleu.corpus_bleu(answers, [[row[0] for row in references]])
    found = score(answers, single)
    assert found["bleu"] == pytest.approx(theirs.score) and "nrefs:1|case:mixed|eff:no|tok:13a" in found["signature"]
    assert found["chrf"] == pytest.approx(sacrebleu.corpus_chrf(answers, [[row[0] for row in references]]).score)
    # A reference that is there twice changes no BLEU: clipping takes the most, the length the nearest.
    filled = [[(row * 3)[n] for row in references] for n in range(3)]
    several = score(answers, references)
    assert several["bleu"] == pytest.approx(sacrebleu.corpus_bleu(answers, filled).score)
    assert several["bleu"] > found["bleu"]
    assert "nrefs:var" in several["signature"]
    assert score([answers[1]], [(answers[1],)])["bleu"] == pytest.approx(100)


def test_bleu_by_hand():
    """Precisions 4/5, 3/4, 2/3, 1/2 and no brevity penalty."""
    found = small_writers.writer().measure(small_writers.pairs(["a"], [("a b c d x",)]), ["a b c d e"])
    assert found["bleu"] == pytest.approx(100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)


def test_rouge_is_the_mean_over_references_then_over_texts():
    from rouge_score import rouge_scorer

    score = scorer_of(small_writers.writer("words", "summarization"))
    answers = ["The dogs were running", "a cat", ""]
    references = [("A dog was running fast", "dogs run"), ("a cat", "the cat", "no dog"), ("something",)]
    found = score(answers, references)
    for name in ("rouge1", "rouge2", "rougeL"):
        scorer = rouge_scorer.RougeScorer([name], use_stemmer=True)
        means = [
            sum(scorer.score(reference, answer)[name].fmeasure for reference in several) / len(several)
            for answer, several in zip(answers, references, strict=True)
        ]
        assert found[name] == pytest.approx(100 * sum(means) / 3)
    assert list(found) == ["rouge1", "rouge2", "rougeL"]
    by_hand = score(["the cat sat"], [("the cat", "sat")])  # F1 4/5 and 1/2
    assert by_hand["rouge1"] == pytest.approx(100 * (4 / 5 + 1 / 2) / 2)


def test_evaluate_scores_what_the_presets_own_search_writes():
    task = small_writers.writer()
    held = small_writers.pairs(["dog", "the red house", "snow"], [("a", "b"), ("c d e",), ("f",)])
    answers = texts(task.predict(held.raw))
    assert task.evaluate(held, batch_size=2) == task.measure(held, answers)
    assert task.answers(held) == answers
    perfect = small_writers.pairs(list(held.raw), [(answer + " x y z.",) for answer in answers])
    assert task.evaluate(perfect)["chrf"] > task.evaluate(held)["chrf"]


def test_what_cannot_be_read_is_one_line_or_entered():
    task = small_writers.writer()
    held = small_writers.pairs(["dog", "\ud800", "snow"], ["a", "b", "c"])
    bad = {}
    assert task.answers(held, bad) == texts(task.predict(["dog", "snow"]))
    assert list(bad) == [1] and str(bad[1]) == "not valid UTF-8 at position 0"
    for ask, place in ((task.answers, ""), (task.evaluate, "example 2: ")):
        with pytest.raises(UserError, match=f"^{place}not valid UTF-8 at position 0$"):
            ask(held)


def test_a_search_that_samples_leaves_the_presets_beam():
    task = small_writers.writer()
    assert task._options({"temperature": 0.5}) == Search(beam=1, max_length=6, temperature=0.5)

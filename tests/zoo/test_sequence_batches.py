"""Batches of pairs: every pair once an epoch, an order of seed and epoch alone, shifted and cut as declared."""

import itertools

import numpy as np
import pytest

from tests.zoo import small_writers
from zoo.data.batching.pair_batches import PairBatches
from zoo.data.texts.noise import Noise
from zoo.inputs.sentencepiece import Pieces
from zoo.inputs.word_sequences import WordSequences
from zoo.layers.sequence import END, PADDING, START

# 83 pairs, each with a source of its own; the targets say which one it is.
SOURCES = ["snow " * (place % 9) + f"dog{place}" for place in range(83)]
TARGETS = [f"{place} cat" + " fox" * (place % 4) for place in range(83)]


def batches(batch_size=8, lengths=(100, 100), sampling=None, noise=None) -> PairBatches:
    tokens = Pieces({"length": 100}, small_writers.vocabulary("sentencepiece"))
    return PairBatches(tokens, small_writers.pairs(SOURCES, TARGETS), batch_size, lengths, sampling, noise)


def listed(dataset):
    """Arrays as lists, so that they compare."""
    return [(x["source"].tolist(), x["target"].tolist(), y.tolist()) for x, y in dataset.as_numpy_iterator()]


def texts(made, epoch_batches):
    """The pairs of some batches: sources and targets, read back."""
    found = []
    for x, _, y in epoch_batches:
        told = [made.tokens.detokenize(np.array(rows, np.int32) * (np.array(rows) != END)).numpy() for rows in (x, y)]
        found += [(source.decode(), target.decode()) for source, target in zip(*told, strict=True)]
    return found


@pytest.mark.parametrize("sampling", [None, 0.3])
def test_every_pair_once_an_epoch_in_an_order_of_seed_and_epoch(sampling):
    made = batches(sampling=sampling)
    assert made.steps == 11
    dataset = made.training(seed=5, first_epoch=0, epochs=3)
    assert int(dataset.cardinality()) == 33
    whole = listed(dataset)
    epochs = [texts(made, whole[n : n + 11]) for n in (0, 11, 22)]
    expected = sorted((source.strip(), target) for source, target in zip(SOURCES, TARGETS, strict=True))
    assert all(sorted(epoch) == expected for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    assert listed(made.training(5, 2, 3)) == whole[22:]  # resumed
    assert listed(batches(sampling=sampling).training(5, 1, 2)) == whole[11:22]  # in another process
    assert listed(made.training(6, 0, 1)) != whole[:11]


@pytest.mark.parametrize("sampling", [None, 0.3])
def test_noise_changes_texts_anew_in_each_epoch_and_leaves_those_in_order(sampling):
    made = batches(sampling=sampling, noise=Noise({"appended": 0.5}))
    whole = listed(made.training(5, 0, 2))
    epochs = [texts(made, whole[:11]), texts(made, whole[11:])]
    changed = [{source for source, _ in epoch} - {source.strip() for source in SOURCES} for epoch in epochs]
    assert all(25 < len(each) < 58 for each in changed) and changed[0] != changed[1]
    assert listed(batches(sampling=sampling, noise=made.noise).training(5, 1, 2)) == whole[11:]
    assert sorted(texts(made, listed(made.in_order()))) == sorted(zip(map(str.strip, SOURCES), TARGETS, strict=True))


def test_segmentations_differ_between_epochs_only_where_they_are_drawn():
    for sampling, count in ((None, 83), (0.2, 84)):
        made = batches(sampling=sampling)
        rows = {tuple(token for token in row if token) for x, _, _ in listed(made.training(1, 0, 3)) for row in x}
        assert len(rows) >= count if sampling else len(rows) == count


def test_in_order():
    for sampling in (None, 0.3):
        made = batches(sampling=sampling)
        first, again = listed(made.in_order()), listed(made.in_order())
        assert first == again and len(first) == int(made.in_order().cardinality()) == 11
        assert [len(x) for x, _, _ in first] == [8] * 10 + [3]
        assert texts(made, first) == list(zip(SOURCES, TARGETS, strict=True))


def test_what_is_written_is_what_was_asked_one_later():
    for x, target, y in itertools.islice(listed(batches().training(1, 0, 1)), 5):
        for source, before, after in zip(x, target, y, strict=True):
            length = after.index(END)
            assert before[: length + 1] == [START, *after[:length]]
            assert before[length + 1 :] == after[length + 1 :] == [PADDING] * (len(after) - length - 1)
            assert START not in source and source.count(END) == 1 and END not in before


def test_lengths_hold_and_end():
    for x, target, y in listed(batches(lengths=(7, 4)).in_order()):
        for source, before, after in zip(x, target, y, strict=True):
            assert len(source) <= 7 and len(before) == len(after) <= 4
            assert END in source and END in after and before[0] == START
    assert max(len(x[0]) for x, _, _ in listed(batches(lengths=(7, 4)).in_order())) == 7


def test_pairs_of_like_length_share_a_batch():
    """Padding is less than half of what it is in random order."""
    words = WordSequences(small_writers.PREPROCESS["words"], (b"[PAD]\n[UNK]\n[START]\n[END]\nant\n"))
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 30, 640)
    pairs = small_writers.pairs(["ant " * length for length in lengths])

    def padding(dataset):
        return sum(y.count(PADDING) for _, _, rows in listed(dataset) for y in rows)

    made = PairBatches(words, pairs, 8, (50, 50))
    assert padding(made.training(0, 0, 1)) < 0.5 * padding(made.in_order())


def test_the_first_reference_is_learned():
    words = WordSequences(small_writers.PREPROCESS["words"], small_writers.vocabulary("words"))
    made = PairBatches(words, small_writers.pairs(["dog"], [("cat", "fox")]), 4, (9, 9))
    ((x, target, y),) = listed(made.in_order())
    (dog,), (cat,) = words.numbered(["dog", "cat"])
    assert (x, target, y) == ([[dog, END]], [[START, cat]], [[cat, END]])

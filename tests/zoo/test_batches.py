"""Batches hold every example once an epoch, in an order of seed and epoch, and texts of like length together."""

import numpy as np
import pytest
import tensorflow as tf

from zoo import data
from zoo.data.batching.examples import Batches


class Task:
    """Numbers as texts of that many words; pictures as single pixels."""

    def __init__(self, text):
        self.text = text

    @staticmethod
    def raw(item):
        return item.encode()

    def examples(self, record):
        counts = tf.strings.to_number(record["raw"], tf.int32)
        if not self.text:
            return tf.cast(counts, tf.float32)[:, None], record["label"], None
        return (
            tf.RaggedTensor.from_row_lengths(tf.ones([tf.reduce_sum(counts)], tf.int32), counts).to_tensor(),
            None,
            None,
        )


def examples(counts):
    return data.Examples(np.array([str(n) for n in counts], object), np.arange(len(counts), dtype=np.int32), (), "test")


def order(batches, *epochs):
    return [y.numpy().tolist() for _, y in batches.training(7, *epochs)]


@pytest.mark.parametrize("text", [False, True])
def test_every_example_once_an_epoch_and_epochs_stand_for_themselves(text):
    counts = np.random.default_rng(0).integers(1, 90, 1030)
    batches = Batches(Task(text), examples(counts), 8)
    assert batches.steps == 129
    epochs = order(batches, 0, 2)
    assert len(epochs) == 2 * 129
    for epoch in (epochs[:129], epochs[129:]):
        assert sorted(sum(epoch, [])) == list(range(1030))
    assert epochs[:129] != epochs[129:] == order(batches, 1, 2)
    assert sorted(map(len, epochs[:129])) == [6] + [8] * 128


def test_texts_of_like_length_share_a_batch():
    counts = np.random.default_rng(0).integers(1, 400, 1024)
    batches = Batches(Task(True), examples(counts), 16)
    padded = used = 0
    for x, y in batches.training(7, 0, 1):
        assert (tf.math.count_nonzero(x, axis=1).numpy() == counts[y.numpy()]).all()
        padded, used = padded + tf.size(x).numpy(), used + counts[y.numpy()].sum()
    assert padded < 1.1 * used
    lengths = [x.shape[1] for x, _ in batches.training(7, 0, 1)]
    assert lengths != sorted(lengths)


def test_in_order():
    batches = Batches(Task(False), examples([5, 6, 7]), 2)
    assert [x.numpy().ravel().tolist() for x, _ in batches.in_order()] == [[5, 6], [7]]

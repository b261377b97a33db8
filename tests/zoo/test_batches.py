"""Batches hold every example once an epoch, in an order of seed and epoch, and texts of like length together."""

import numpy as np
import pytest
import tensorflow as tf

from zoo import data
from zoo.data.batching import order as order_module
from zoo.data.batching.example_batches import ExampleBatches
from zoo.errors import UserError
from zoo.inputs.text import Text
from zoo.tasks.learning import Learning


class Task(Learning):
    """Numbers as texts of that many words; pictures as single pixels."""

    inputs = (Text("text"),)

    def __init__(self, text):
        self.padding = 0 if text else None

    def encode(self, item, checked=False):
        return {"text": self.inputs[0].encode(item)}

    def examples(self, record):
        counts = tf.strings.to_number(record["text"], tf.int32)
        if self.padding is None:
            return tf.cast(counts, tf.float32)[:, None], record["label"]
        words = tf.RaggedTensor.from_row_lengths(tf.ones([tf.reduce_sum(counts)], tf.int32), counts)
        return words.to_tensor(), record["label"]


def examples(counts):
    return data.Examples(np.array([str(n) for n in counts], object), np.arange(len(counts), dtype=np.int32), (), "test")


def order(batches, *epochs):
    return [y.numpy().tolist() for _, y in batches.training(7, *epochs)]


@pytest.mark.parametrize("text", [False, True])
def test_every_example_once_an_epoch_and_epochs_stand_for_themselves(text):
    counts = np.random.default_rng(0).integers(1, 90, 1030)
    batches = ExampleBatches(Task(text), examples(counts), 8)
    assert batches.steps == 129
    epochs = order(batches, 0, 2)
    assert len(epochs) == 2 * 129
    for epoch in (epochs[:129], epochs[129:]):
        assert sorted(sum(epoch, [])) == list(range(1030))
    assert epochs[:129] != epochs[129:] == order(batches, 1, 2)
    assert sorted(map(len, epochs[:129])) == [6] + [8] * 128


def test_texts_of_like_length_share_a_batch():
    counts = np.random.default_rng(0).integers(1, 400, 1024)
    batches = ExampleBatches(Task(True), examples(counts), 16)
    padded = used = 0
    for x, y in batches.training(7, 0, 1):
        assert (tf.math.count_nonzero(x, axis=1).numpy() == counts[y.numpy()]).all()
        padded, used = padded + tf.size(x).numpy(), used + counts[y.numpy()].sum()
    assert padded < 1.1 * used
    lengths = [x.shape[1] for x, _ in batches.training(7, 0, 1)]
    assert lengths != sorted(lengths)


def test_in_order():
    batches = ExampleBatches(Task(False), examples([5, 6, 7]), 2)
    assert [x.numpy().ravel().tolist() for x, _ in batches.in_order()] == [[5, 6], [7]]


def listed(dataset):
    return [[part.tolist() for part in batch] for batch in dataset.as_numpy_iterator()]


@pytest.mark.parametrize("text", [False, True])
def test_what_is_read_anew_comes_in_the_order_of_what_is_kept(text):
    """1,030 examples in batches of 8: five pools, the last one short."""
    counts = np.random.default_rng(0).integers(1, 90, 1030)
    kept, read = (ExampleBatches(Task(text), examples(counts), 8, keep=keep) for keep in (1.0, 0.0))
    assert kept.kept is not None and read.kept is None
    for first_epoch, first_step in ((0, 0), (1, 70)):
        whole = listed(kept.training(3, first_epoch, 2, first_step=first_step))
        assert whole == listed(read.training(3, first_epoch, 2, first_step=first_step))
        assert len(whole) == 129 * (2 - first_epoch) - first_step
    assert listed(kept.in_order()) == listed(read.in_order())


def test_what_cannot_be_read_any_more_is_told():
    batches = ExampleBatches(Task(False), examples([1, 2, 3]), 2, keep=0.0)
    batches.examples.raw[1] = b"\xff"
    with pytest.raises(tf.errors.OpError):
        listed(batches.in_order())
    assert isinstance(batches.problem, UserError) and "UTF-8" in str(batches.problem)


def test_seed_epoch_and_pool_each_choose_another_order():
    whole = order_module.permutation(50, 1, 2).tolist()
    assert sorted(whole) == list(range(50))
    assert whole not in [order_module.permutation(50, *other).tolist() for other in ((2, 2), (1, 3))]
    starts = order_module.of_pool(np.zeros(80), 4, 1, 2, 3)[1].tolist()
    assert sorted(starts) == list(range(0, 80, 4))
    others = [order_module.of_pool(np.zeros(80), 4, *other)[1].tolist() for other in ((2, 2, 3), (1, 3, 3), (1, 2, 4))]
    assert starts not in others

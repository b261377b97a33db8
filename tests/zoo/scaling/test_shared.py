"""Each replica's part of a batch: together the whole batch, and what is costly is made for it alone."""

import numpy as np
import pytest
import tensorflow as tf

from tests.zoo import small_writers
from tests.zoo.scaling import programs
from zoo import data
from zoo.data.batching.example_batches import ExampleBatches
from zoo.data.batching.pair_batches import PairBatches
from zoo.inputs.sentencepiece import Pieces
from zoo.inputs.text import Text
from zoo.scaling import global_batch as scaled
from zoo.scaling import workers
from zoo.tasks.learning import Learning

RANDOM = np.random.default_rng(0)
COUNTS = RANDOM.integers(1, 9, 83).tolist()
TEXTS = [" ".join(RANDOM.choice(["dog", "cat", "fox", "snow"], count)) for count in COUNTS]


class Words(Learning):
    """Texts as so many ones."""

    inputs = (Text("text"),)
    padding = 0

    def encode(self, item, checked=False):
        return {"text": self.inputs[0].encode(item)}

    def examples(self, record):
        ones = tf.ragged.map_flat_values(lambda word: tf.ones_like(word, tf.int32), tf.strings.split(record["text"]))
        return ones.to_tensor(), record["label"]


def of_words(keep=1.0):
    return ExampleBatches(Words(), examples(), 8, keep=keep)


def examples():
    return data.Examples(np.array(TEXTS, object), np.arange(83, dtype=np.int32), (), "test")


def of_pairs(sampling, keep=1.0):
    tokens = Pieces({"length": 100}, small_writers.vocabulary("sentencepiece"))
    return PairBatches(tokens, small_writers.pairs(TEXTS, TEXTS[::-1]), 8, (7, 6), sampling, keep=keep)


MADE = {
    "words": of_words,
    "read words": lambda: of_words(0.0),
    "pairs": lambda: of_pairs(None),
    "read pairs": lambda: of_pairs(None, 0.0),
    "drawn pairs": lambda: of_pairs(0.3),
}


class Workers:
    """Stands for a strategy: its data sets are those of all workers."""

    def __init__(self, workers, replicas):
        self.workers, self.num_replicas_in_sync = workers, workers * replicas

    def distribute_datasets_from_function(self, of_worker):
        contexts = [tf.distribute.InputContext(self.workers, n, self.num_replicas_in_sync) for n in range(self.workers)]
        return [of_worker(context) for context in contexts]


def listed(dataset):
    return [tf.nest.flatten(batch) for batch in dataset.as_numpy_iterator()]


@pytest.mark.parametrize("kind", MADE)
def test_parts_are_together_the_batch(kind):
    """83 rows in batches of 8: the last one has 3, fewer than four replicas."""
    made = MADE[kind]()
    for source in (lambda parts=None: made.training(7, 1, 3, parts, 5), made.in_order):
        whole = listed(source())
        assert len(whole) == 17 if source != made.in_order else 11
        for count, replicas in ((1, 2), (2, 1), (2, 2)):
            found = [listed(each) for each in scaled.shared(source, Workers(count, replicas))]
            for number, batch in enumerate(whole):
                # Of each worker as many parts as it has replicas.
                parts = [part for own in found for part in own[number * replicas : (number + 1) * replicas]]
                rows, n = len(batch[-1]), count * replicas
                copies = 1 if rows >= n else n
                for place, expected in enumerate(batch):
                    together = np.concatenate([part[place] for part in parts])
                    np.testing.assert_array_equal(together, np.concatenate([expected] * copies))
                weights = [part[-1] for part in parts]
                assert np.concatenate(weights)[:, 0].sum() == pytest.approx(rows)
                counted = [(part[-2] != 0).sum() if "pairs" in kind else len(part[-2]) for part in parts]
                shares = [weight[0, 1] / weight[0, 2] for weight in weights]
                np.testing.assert_allclose(shares, np.array(counted) / sum(counted), rtol=1e-6)
                assert all(weight[0, 2] == rows for weight in weights)


def test_a_worker_takes_its_own_rows_only(monkeypatch):
    made, taken = of_words(), []
    finish = made.finish

    def noted(store, rows, whole):
        tf.numpy_function(lambda rows: taken.append(len(rows)), [rows], [])
        return finish(store, rows, whole)

    monkeypatch.setattr(made, "finish", noted)
    first, _ = scaled.shared(made.in_order, Workers(2, 1))
    assert len(listed(first)) == 11 and sorted(taken) == [1] + [4] * 10


def test_the_first_steps_are_left_out_of_the_first_epoch_alone():
    for kind in MADE:
        made = MADE[kind]()
        whole, rest = listed(made.training(7, 0, 2)), listed(made.training(7, 0, 2, None, 4))
        assert len(rest) == len(whole) - 4 == 18
        for one, other in zip(rest, whole[4:], strict=True):
            for a, b in zip(one, other, strict=True):
                np.testing.assert_array_equal(a, b)


def test_arrays_go_from_worker_to_worker_as_they_are():
    arrays = [np.arange(5, dtype=np.uint8), np.ones((2, 3), np.float32), np.zeros((0, 4), np.int32)]
    packets = [workers._packed(arrays), workers._packed(arrays[:1])]
    for expected, found in zip((arrays, arrays[:1]), workers._unpacked(np.concatenate(packets)), strict=True):
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_array_equal(one, other, strict=True)


@pytest.mark.matrix
def test_workers_see_each_example_of_their_own_data_once_an_epoch(tmp_path):
    """Of many files each worker reads its own; of one file, each takes its own examples."""
    runs = []
    for name in ("first", "again"):
        (tmp_path / name).mkdir()
        runs.append(programs.on_workers("own_data", tmp_path / name))
    assert len(runs[0]) == 10 and key(runs[0]) == key(runs[1])  # deterministic
    for case, count in (("many-files", 64), ("one-file", 16), ("one-text", 16), ("numbers", 64), ("parted", 64)):
        epochs = zip(*(line["epochs"] for line in runs[0] if line["case"] == case), strict=True)
        orders = []
        for workers_batches in epochs:
            seen = [sum(batches, []) for batches in workers_batches]
            assert sorted(sum(seen, [])) == list(range(count)), case
            assert len(seen[0]) == len(seen[1])
            if case == "many-files":
                assert all(len({n // 16 for n in own}) == 2 for own in seen)
            orders.append(seen)
        assert orders[0] != orders[1], case


def key(lines):
    return sorted(map(str, lines))

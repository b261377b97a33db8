"""Counts in texts against a few lines that count with dictionaries."""

import math
from collections import Counter

import numpy as np
import pytest
import scipy.sparse as sparse
from sklearn.linear_model import LogisticRegression

from tests.zoo.test_text_cnn import oracle
from zoo.classifiers.text_cnn import HashedNgrams
from zoo.data.texts import statistics

BUCKETS, ORDERS = 61, (1, 2)
GENERATOR = np.random.default_rng(3)
LABELS = GENERATOR.integers(0, 3, 60)
# Word 2 + label is frequent in its class; lengths differ, one text has no word.
TEXTS = [np.where(GENERATOR.random(n) < 0.4, 2 + y, GENERATOR.integers(1, 20, n)) for n, y in enumerate(LABELS % 2, 0)]
TEXTS = [text.astype(np.int32) for text in TEXTS]


def presence():
    filled = np.zeros((len(TEXTS), BUCKETS))
    for row, text in zip(filled, TEXTS, strict=True):
        row[list(set(oracle(text.tolist(), ORDERS, BUCKETS)))] = 1
    return filled


def test_ngram_sets_hold_each_bucket_once():
    layer = HashedNgrams(3, BUCKETS, ORDERS)
    np.testing.assert_array_equal(statistics.ngram_sets(layer, TEXTS, batch=7).toarray(), presence())


def test_nb_svm_is_a_regression_on_presence_times_log_count_ratio():
    table, bias = statistics.nb_svm(HashedNgrams(3, BUCKETS, ORDERS), TEXTS, LABELS, penalty=0.5)
    assert table.shape == (BUCKETS, 2) and bias.shape == (2,)
    filled = presence()
    for other in (1, 2):
        p, q = 1 + filled[other == LABELS].sum(0), 1 + filled[LABELS == 0].sum(0)
        ratio = np.array([math.log((a / p.sum()) / (b / q.sum())) for a, b in zip(p, q, strict=True)])
        rows = (LABELS == 0) | (other == LABELS)
        scaled = sparse.csr_matrix((filled[rows] * ratio).astype(np.float32))
        exact = LogisticRegression(C=0.5, solver="liblinear", tol=1e-8, max_iter=10_000)
        exact.fit(scaled, other == LABELS[rows])
        # The solver stops early (tol 0.05), on purpose.
        np.testing.assert_allclose(table[:, other - 1], ratio * exact.coef_[0], atol=0.02)
        np.testing.assert_allclose(bias[other - 1], exact.intercept_[0], atol=0.05)
        assert np.abs(ratio * exact.coef_[0]).max() > 0.2


@pytest.mark.parametrize("window", [1, 3])
def test_word_vectors_multiply_to_the_positive_information(window):
    words = 20
    counts = Counter()
    for text in TEXTS:
        kept = [int(word) for word in text if word > 1]  # 0 pads, 1 is unknown: neither counts, nor keeps words apart
        for i, word in enumerate(kept):
            for j in range(max(0, i - window), min(len(kept), i + window + 1)):
                if i != j:
                    counts[word, kept[j]] += 1 / abs(i - j)
    pairs = np.zeros((words, words))
    for place, count in counts.items():
        pairs[place] = count
    context = pairs.sum(0) ** 0.75 / (pairs.sum(0) ** 0.75).sum()
    information = np.zeros_like(pairs)
    for a, b in counts:
        information[a, b] = max(0, math.log(pairs[a, b] / pairs[a].sum() / context[b]))
    left, values, _ = np.linalg.svd(information)
    width = 6
    expected = left[:, :width] * np.sqrt(values[:width])
    vectors = statistics.word_vectors(TEXTS, words, width, window, seed=0)
    assert vectors.dtype == np.float32 and np.abs(vectors[:2]).max() < 1e-6
    # A singular vector is known but for its sign; products of vectors are known.
    np.testing.assert_allclose(vectors @ vectors.T, expected @ expected.T, atol=1e-3)

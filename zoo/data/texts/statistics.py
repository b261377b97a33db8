"""Statistics of texts before anything is trained: an NB-SVM on n-grams, and word vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sparse
import tensorflow as tf


def numbered(task, texts: Sequence[str], batch: int = 1024) -> list[np.ndarray]:
    """The word numbers of each text, int32, without padding.

    Args:
        task: A text classification task, whose preprocessing cuts and numbers the words.
        texts: Raw texts.
        batch: Texts that are cut at a time.
    """
    cut = tf.function(task.preprocess, input_signature=[task.raw_specification()])
    rows = []
    for start in range(0, len(texts), batch):
        numbers, context = cut(task.stacked([task.encode(text) for text in texts[start : start + batch]]))
        rows += [row[:used] for row, used in zip(numbers.numpy(), context["used_tokens"].numpy(), strict=True)]
    return rows


def ngram_sets(layer, numbers: Sequence[np.ndarray], batch: int = 256) -> sparse.csr_matrix:
    """The buckets of a `HashedNgrams` layer that each text fills: a matrix of ones, `[texts, buckets]`."""
    from zoo.classifiers.text_cnn import ngram_buckets

    found, ends = [], [0]
    for start in range(0, len(numbers), batch):
        part = numbers[start : start + batch]
        padded = np.zeros((len(part), max(1, *map(len, part))), np.int32)
        for row, words in zip(padded, part, strict=True):
            row[: len(words)] = words
        for row in np.asarray(ngram_buckets(padded, layer.ngrams, layer.buckets)):
            filled = np.unique(row)
            filled = filled[filled < layer.buckets]  # the last number stands for "no n-gram here"
            found.append(filled)
            ends.append(ends[-1] + len(filled))
    columns = np.concatenate(found)
    return sparse.csr_matrix((np.ones(len(columns), np.float32), columns, ends), (len(numbers), layer.buckets))


def nb_svm(layer, numbers: Sequence[np.ndarray], labels: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights of a `HashedNgrams` layer by logistic regression on n-grams scaled by their log-count ratios.

    Wang and Manning 2012, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification", ACL, section 2.3,
    with logistic loss. With more than two classes each is set against the first.

    Args:
        layer: The layer, for its hash and its size.
        numbers: Word numbers of the training texts.
        labels: Their classes; class 0 is the one whose weights are zero.
        penalty: liblinear's C: the larger, the closer to the training texts.

    Returns:
        Table `[buckets, classes - 1]` and bias `[classes - 1]`.
    """
    from sklearn.linear_model import LogisticRegression

    present = ngram_sets(layer, numbers)
    table = np.zeros((layer.buckets, layer.classes - 1), np.float32)
    bias = np.zeros(layer.classes - 1, np.float32)
    first = labels == 0
    for other in range(1, layer.classes):
        second = labels == other
        counts = [1.0 + np.asarray(present[rows].sum(0)).ravel() for rows in (first, second)]
        ratios = np.log(counts[1] / counts[1].sum()) - np.log(counts[0] / counts[0].sum())
        rows = first | second
        scaled = present[rows].multiply(ratios).tocsr().astype(np.float32)
        regression = LogisticRegression(C=penalty, solver="liblinear", dual=True, max_iter=30, tol=0.05, random_state=0)
        regression.fit(scaled, second[rows])
        table[:, other - 1] = ratios * regression.coef_[0]
        bias[other - 1] = regression.intercept_[0]
    return table, bias


def word_vectors(numbers: Sequence[np.ndarray], words: int, width: int, window: int, seed: int) -> np.ndarray:
    """Word vectors from counts: positive pointwise mutual information, reduced by a singular value decomposition.

    Levy and Goldberg 2014, "Neural Word Embedding as Implicit Matrix Factorization", NeurIPS; context counts to the
    power of 0.75 and weights of 1 / distance as in Levy, Goldberg and Dagan 2015, TACL.

    Args:
        numbers: Word numbers of the texts; padding and the unknown word are left out.
        words: Size of the vocabulary.
        width: Numbers a vector.
        window: Words on either side that count as context.
        seed: Of the randomized decomposition.

    Returns:
        float32 `[words, width]`; a word that was never seen has zeros, up to rounding.
    """
    from sklearn.utils.extmath import randomized_svd

    flat = np.concatenate(numbers).astype(np.int64)
    text = np.repeat(np.arange(len(numbers)), [len(row) for row in numbers])
    known = flat > 1
    flat, text = flat[known], text[known]
    counts = sparse.csr_matrix((words, words), dtype=np.float32)
    for distance in range(1, window + 1):
        same = text[:-distance] == text[distance:]
        pairs, times = np.unique(flat[:-distance][same] * words + flat[distance:][same], return_counts=True)
        weights = (times / distance).astype(np.float32)
        counts = counts + sparse.csr_matrix((weights, (pairs // words, pairs % words)), (words, words))
    counts = (counts + counts.T).tocoo()
    marginal = np.asarray(counts.sum(0)).ravel()
    context = marginal**0.75 / (marginal**0.75).sum()
    information = np.log(counts.data / marginal[counts.row] / context[counts.col])
    positive = information > 0
    kept = (information[positive].astype(np.float32), (counts.row[positive], counts.col[positive]))
    left, values, _ = randomized_svd(
        sparse.csr_matrix(kept, (words, words)), width, n_iter=4, random_state=seed, power_iteration_normalizer="QR"
    )
    vectors = np.zeros((words, width), np.float32)  # a vocabulary smaller than the width has fewer components
    vectors[:, : len(values)] = left * np.sqrt(values)
    return vectors

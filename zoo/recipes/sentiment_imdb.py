"""sentiment-imdb: is a film review favourable? (IMDB)

    zoo train sentiment-imdb --out runs/sentiment

Two views whose logits are added. The set of a text's 1-, 2- and 3-grams, weighed by an NB-SVM (Wang and Manning 2012,
"Baselines and Bigrams", ACL): it is fitted first, on the training reviews. Beside it a TextCNN, which starts from word
vectors (positive pointwise mutual information, reduced by a singular value decomposition: Levy and Goldberg 2014) of
the training and the 50,000 unlabelled reviews. `model.fit` trains the TextCNN alone; the two together are better than
either, since they err on different reviews.
"""

from __future__ import annotations

from zoo.recipe import Comparison, Recipe

NGRAM_SCALE = 1.5  # chosen on the validation reviews, of 0.2 ... 3
NGRAM_PENALTY = 0.1  # liblinear's C
WINDOW = 5  # words on either side that make a word's vector


def initialize(task, train) -> None:
    """First weights of the word vectors and the n-gram table.

    Args:
        task: A fresh text classification task around a `text_cnn` with n-grams.
        train: Its training examples. For IMDB the unlabelled reviews join them for the word vectors.
    """
    import numpy as np

    from zoo import data
    from zoo.data.texts import statistics

    numbers = statistics.numbered(task, train.raw)
    weights, bias = statistics.nb_svm(task.model.get_layer("ngrams"), numbers, train.labels, NGRAM_PENALTY)
    task.model.get_layer("ngrams").set_weights([weights * NGRAM_SCALE, bias * NGRAM_SCALE])
    if train.source == RECIPE.data:
        numbers += statistics.numbered(task, data.load(RECIPE.data, "unsupervised", kind="text").raw)
    embedding = task.model.get_layer("embedding")
    vectors = statistics.word_vectors(numbers, *embedding.embeddings.shape, WINDOW, seed=RECIPE.seed)
    embedding.set_weights([0.1 * vectors / np.std(vectors)])


RECIPE = Recipe(
    name="sentiment-imdb",
    app="sentiment",
    task="text-classification",
    data="imdb_reviews",
    data_terms=(
        "IMDB Large Movie Review Dataset (Maas et al. 2011, ACL, pages 142-150): no explicit licence, customary for "
        "research with citation"
    ),
    model="text_cnn",
    arguments={
        "width": 50,
        "filters": 100,
        "windows": [3, 4],
        "dropout": 0.5,
        "word_dropout": 0.2,
        "ngram_buckets": 2**21,
        "ngrams": [1, 2, 3],
        "ngram_dropout": 1.0,
    },
    preprocess={
        "kind": "words",
        "lowercase": "unicode",
        "remove": "<br />",
        "pattern": r"[\pL\pN_']+|[^\pL\pN_'\s]",
        "length": 1000,
        "vocabulary": "vocabulary.txt",
        "words": 30_000,
        "least": 2,
    },
    initialize=initialize,
    optimizer="adam",
    learning_rate=1e-3,
    batch_size=64,
    epochs=5,
    validation=0.1,
    expected=0.9187,
    minutes=8.4,
    about="Tells whether a film review is favourable (pos) or not (neg).",
    comparisons=(
        Comparison("linear: TF-IDF of words and pairs of words, linear SVM", 0.9068, "benchmarks/baselines.py"),
        Comparison("NB-SVM, pairs of words", 0.9122, "Wang and Manning 2012, ACL"),
        Comparison("NB-SVM, triples of words", 0.9182, "the reproduction mesnilgr/nbsvm"),
        Comparison("oh-LSTM, unlabelled reviews used", 0.941, "Johnson and Zhang 2016, arXiv:1602.02373"),
        Comparison("ULMFiT, pretrained on Wikipedia", 0.954, "Howard and Ruder 2018, arXiv:1801.06146"),
    ),
    limits=(
        "It has read English film reviews of 1 to 10 stars without the middle ones; of other texts it knows little.",
        "It reads the first 1,000 words and says how many there were.",
        "Irony, comparisons with other films and retold plots mislead it.",
        "Reviews of famous people or films may pull it either way, whatever is said of them.",
    ),
    foreign=("conversations", "passages", "requests"),
    strangers=("news", "messages"),
)

"""Linear baselines of the presets' data: what a model without hidden layers scores on the same splits.

    python benchmarks/baselines.py sentiment-imdb classify-fashion

Needs the data (ZOO_DATA_DIR, or the network). Writes benchmarks/results/baselines.json.
"""

from __future__ import annotations

import argparse
import datetime
import json
import time
from pathlib import Path

import numpy as np

from zoo import data, recipes

RESULTS = Path(__file__).parent / "results" / "baselines.json"


def texts(train: data.Examples, test: data.Examples) -> tuple[str, float]:
    """TF-IDF of words and pairs of words, and a linear support vector machine."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True), LinearSVC())
    return "TF-IDF of 1- and 2-grams, linear SVM", model.fit(train.raw, train.labels).score(test.raw, test.labels)


def images(train: data.Examples, test: data.Examples) -> tuple[str, float]:
    """Logistic regression on the pixels."""
    import cv2
    from sklearn.linear_model import LogisticRegression

    x, y = (
        np.stack([cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_GRAYSCALE).ravel() for raw in part.raw]) / 255
        for part in (train, test)
    )
    model = LogisticRegression(max_iter=100, tol=1e-3)
    return "logistic regression on pixels", model.fit(x, train.labels).score(y, test.labels)


def main() -> None:
    """Measures the named recipes' data."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="+", choices=["sentiment-imdb", "classify-fashion"])
    rows = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    for name in parser.parse_args().recipes:
        recipe = recipes.get(name)
        kind = recipe.task.partition("-")[0]
        train, test = (data.load(recipe.data, split, kind=kind) for split in recipe.splits)
        started = time.monotonic()
        what, score = (texts if kind == "text" else images)(train, test)
        rows[name] = {"what": what, "accuracy": round(score, 4), "n": len(test), "date": str(datetime.date.today())}
        print(f"{name}: {what}: {score:.2%} on {len(test):,} test examples ({time.monotonic() - started:.0f} s)")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()

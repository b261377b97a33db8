"""Baselines of the presets' data: what a model without hidden layers, or none at all, scores on the same splits.

    python benchmarks/baselines.py sentiment-imdb classify-fashion summarize-dialogue

Needs the data (ZOO_DATA_DIR, or the network). Writes benchmarks/results/baselines.json.
"""

from __future__ import annotations

import argparse
import datetime
import json
import time
from pathlib import Path

import numpy as np

from zoo import data, recipes, tasks
from zoo.data.texts import pairs
from zoo.metrics import shown

RESULTS = Path(__file__).parent / "results" / "baselines.json"


def texts(train: data.Examples, test: data.Examples) -> tuple[str, dict]:
    """TF-IDF of words and pairs of words, and a linear support vector machine."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True), LinearSVC())
    accuracy = model.fit(train.raw, train.labels).score(test.raw, test.labels)
    return "TF-IDF of 1- and 2-grams, linear SVM", {"accuracy": accuracy}


def images(train: data.Examples, test: data.Examples) -> tuple[str, dict]:
    """Logistic regression on the pixels."""
    import cv2
    from sklearn.linear_model import LogisticRegression

    x, y = (
        np.stack([cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_GRAYSCALE).ravel() for raw in part.raw]) / 255
        for part in (train, test)
    )
    model = LogisticRegression(max_iter=100, tol=1e-3)
    return "logistic regression on pixels", {"accuracy": model.fit(x, train.labels).score(y, test.labels)}


def first_turns(train: pairs.Pairs, test: pairs.Pairs) -> tuple[str, dict]:
    """Lead-3: the first three turns of a dialogue for its summary."""
    leads = ["\n".join(dialogue.split("\n")[:3]) for dialogue in test.raw]
    return "the first three turns", tasks.get("summarization").measure(None, test, leads)


def main() -> None:
    """Measures the named recipes' data."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="+", choices=list(BASELINES))
    rows = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    for name in parser.parse_args().recipes:
        recipe = recipes.get(name)
        load = tasks.get(recipe.task).load_examples
        train, test = (load(recipe.data, split, **recipe.columns) for split in recipe.splits)
        started = time.monotonic()
        what, scores = BASELINES[name](train, test)
        rows[name] = {"what": what, **{metric: round(score, 4) for metric, score in scores.items()}, "n": len(test)}
        rows[name]["date"] = str(datetime.date.today())
        told = ", ".join(f"{metric} {shown(metric, score)}" for metric, score in scores.items())
        print(f"{name}: {what}: {told} on {len(test):,} test examples ({time.monotonic() - started:.0f} s)")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n")


BASELINES = {"sentiment-imdb": texts, "classify-fashion": images, "summarize-dialogue": first_turns}

if __name__ == "__main__":
    main()

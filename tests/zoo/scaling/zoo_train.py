"""`zoo train`'s road on several replicas against one device: a program, since the devices of a process are chosen once.

python -m tests.zoo.scaling.zoo_train FOLDER DEVICES CASE ... prints lines of JSON: {"case", "weights", "history"}, the
greatest differences. The recipes draw nothing at random, since replicas draw for themselves.
"""

import contextlib
import csv
import dataclasses
import json
import os
import sys
from pathlib import Path

import numpy as np

from zoo import scaling

FOLDER, DEVICES = Path(sys.argv[1]), sys.argv[2]
STRATEGY = scaling.strategy(DEVICES, say=lambda sentence: None)  # before anything runs on TensorFlow

from zoo import recipes  # noqa: E402
from zoo.training import fitting, preparing, resuming  # noqa: E402

# Batch sizes are multiples of 2, 3 and 4. 1,293 digits to learn from.
# Batch normalization sums pixels: of many, in single precision, no two orders agree.
PICTURES = dataclasses.replace(recipes.get("quickstart"), augment=None, epochs=2, learning_rate=5e-3)
RESNET = dataclasses.replace(
    PICTURES,
    model="resnet9",
    arguments={"image_size": 8, "channels": 1, "width": 2},
    preprocess={**PICTURES.preprocess, "size": [8, 8]},
    optimizer="sgd",
    batch_size=132,
    epochs=1,
)
WORDS = {"kind": "words", "lowercase": "unicode", "pattern": r"\pL+", "length": 8, "words": 20}
PAIRS = dataclasses.replace(
    PICTURES,
    task="translation",
    model="transformer",
    arguments={"width": 8, "layers": 1, "heads": 2, "hidden": 8, "dropout": 0.0},
    preprocess=WORDS,
    options={"languages": ("there", "back"), "decoding": {"max_length": 8}, "label_smoothing": 0.1},
    batch_size=12,
    validation=0.25,
    metric="bleu",
    optimizer="sgd",  # Adam makes steps of what rounding leaves of a gradient that is none, as a key's bias has
    learning_rate=0.1,
)


def table(rows, header=("there", "back")) -> str:
    path = FOLDER / f"{len(rows)}{header[0]}.tsv"
    path.write_text("".join("\t".join(row) + "\n" for row in [header, *rows]), encoding="utf-8")
    return str(path)


def pairs(count):
    """Rows of 1 to 5 words, so that replicas with as many rows have unlike many tokens."""
    random = np.random.default_rng(3)
    words = [random.choice(["ant", "bee", "cat", "dog", "elk"], random.integers(1, 6)) for _ in range(count)]
    return [(" ".join(row), " ".join(row[::-1])) for row in words]


def reviews(count):
    random = np.random.default_rng(4)
    rows = [(" ".join(random.choice(["film", "good", "bad"], random.integers(1, 7))), None) for _ in range(count)]
    return [(text, "pos" if text.count("good") >= text.count("bad") else "neg") for text, _ in rows]


CASES = {
    "pictures": lambda: (dataclasses.replace(PICTURES, batch_size=600, optimizer="sgd", learning_rate=0.1), {}),
    # Pictures are turned and shifted: each replica by what its own rows have drawn. 600 are read in each epoch anew.
    "augmented": lambda: (
        dataclasses.replace(
            PICTURES, augment=recipes.get("quickstart").augment, batch_size=600, optimizer="sgd", learning_rate=0.1
        ),
        {"keep": 0.0},
    ),
    "resnet": lambda: (RESNET, {}),
    # 49 to learn from, the last batch has one: fewer rows than replicas.
    "texts": lambda: (
        dataclasses.replace(
            PICTURES,
            task="text-classification",
            model="bilstm",
            arguments={"width": 6, "units": 4},
            preprocess=WORDS,
            batch_size=12,
            validation=0.25,
        ),
        {"source": table(reviews(65), ("text", "label"))},
    ),
    # 37 to learn from: the last batch has one, and tokens count, not rows.
    "written": lambda: (PAIRS, {"source": table(pairs(51))}),
    "own-loss": lambda: (
        dataclasses.replace(
            PAIRS,
            model="pointer_generator",
            arguments={"width": 6, "units": 4},
            options={"languages": ("there", "back"), "decoding": {"max_length": 8}},
        ),
        {"source": table(pairs(51))},
    ),
}


def history(out):
    rows = list(csv.DictReader(open(out / "history.csv")))
    return np.array([[float(value) for key, value in row.items() if key != "seconds"] for row in rows])


def trained(case, out, strategy, **options):
    """The weights in full precision, as training left them (a preset's are halves), and what the history says."""
    recipe, data = CASES[case]()
    made, new = [], preparing.new_task

    def kept(*arguments):
        made.append(new(*arguments))
        return made[-1]

    preparing.new_task = kept
    fitting.fit(recipe, out, strategy=strategy, say=lambda sentence: None, verbose=0, **data, **options)
    preparing.new_task = new
    return {weight.path: np.asarray(weight) for weight in made[0].model.weights}, history(out)


class Stop(Exception):
    pass


def resumed():
    """An epoch and half of the second on one device, the rest on several, against both on one."""
    whole, whole_history = trained("written", FOLDER / f"whole-{os.getpid()}", None)
    out, saved = FOLDER / "resumed", resuming.Resumable._save

    def stop(self, step):
        saved(self, step)
        if (len(self.history), step) == (1, 2):  # of 4 steps
            raise Stop

    resuming.Resumable._save = stop
    with contextlib.suppress(Stop):
        trained("written", out, None, save_every=0)
    resuming.Resumable._save = saved
    return whole, whole_history, *trained("written", out, STRATEGY, resume=True)


def compared(case):
    if case == "resumed":
        return resumed()
    alone = trained(case, FOLDER / f"{case}-one-{os.getpid()}", None)
    return *alone, *trained(case, FOLDER / f"{case}-several", STRATEGY)


def main():
    # A state is written by one process: workers resume in a case of their own.
    cases = sys.argv[3:] or [*CASES, *([] if "TF_CONFIG" in os.environ else ["resumed"])]
    for case in cases:
        alone, alone_history, together, together_history = compared(case)
        difference = max(
            float((np.abs(together[key] - value) / np.maximum(1, np.abs(value))).max()) for key, value in alone.items()
        )
        told = {"case": case, "weights": difference, "history": float(np.abs(together_history - alone_history).max())}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()

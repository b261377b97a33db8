"""Low confidence: which answers deserve no trust, since their items are unlike what a preset has learned.

A softmax is sure of something whatever it is shown. So an answer is marked where one of a few numbers about its item,
each the larger the stranger the item is, lies above the limit that calibration has set. Which numbers there are, the
task says (`Task.judged`). Two of them come from a vector of the item's traits:

    distance   its squared distance from the training items' mean, in units of their covariance (Mahalanobis: Lee et
               al. 2018, arXiv:1807.03888, but of all classes together). Beside its COMPONENTS principal directions the
               covariance is the same in all others (Tipping and Bishop 1999, "Probabilistic PCA"), so that it is small
    foreign    a logistic rule that tells training items from others, which the recipe names

Limits are quantiles of the validation items: all numbers together exceed theirs for at most SHARE of these.

A preset keeps them in its config.json, and the few kilobytes of the two above in confidence.npz:

    "confidence": {"limits": {"distance": 301.5, "energy": -4.2}, "validation": 3000}
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from keras import ops

from zoo.errors import UserError

SHARE = 0.03  # of the validation items; of a test split the share differs by chance, and must stay below 0.05
LEAST = 40  # validation items: the largest of 40 is exceeded by one new item in 41
TRAINING = 4000  # training items, at most, whose traits are looked at
FILE = "confidence.npz"
COMPONENTS = 32
_ARRAYS = {"distance": ("mean", "directions", "precisions"), "foreign": ("weights", "bias")}
_RIDGE = 1e-3  # of the mean variance, added to each: a channel that is always dead must not decide


class Confidence:
    """The numbers of a preset, their limits, and what they are computed with.

    Args:
        limits: Number -> what it must not exceed.
        arrays: Of `distance`, "mean" `[D]`, "directions" `[D, K]` and "precisions" `[K + 1]`, one over the variances in
            these directions and in all others; of `foreign`, "weights" `[D]` and "bias" `[]`.
        about: What `config.json` says besides.

    Raises:
        ValueError: A limit is no number, or an array is missing.
    """

    def __init__(
        self, limits: Mapping[str, float], arrays: Mapping[str, np.ndarray] | None = None, about: Mapping | None = None
    ):
        arrays = arrays or {}
        for name, limit in limits.items():
            if isinstance(limit, bool) or not isinstance(limit, int | float) or math.isnan(limit):
                raise ValueError(f"expected a number as the limit of {name!r}, got {limit!r:.60}")
            if missing := [array for array in _ARRAYS.get(name, ()) if array not in arrays]:
                raise ValueError(f"{name!r} lacks its array {missing[0]!r}")
        self.limits, self.about = dict(limits), dict(about or {})
        # As they are stored: what calibrates is what answers later.
        self.arrays = {name: _stored(array).astype(np.float32) for name, array in arrays.items()}

    def distance(self, traits):
        """Traits `[B, D]` -> their squared distances from training items, `[B]`."""
        centred, directions = traits - self.arrays["mean"], self.arrays["directions"]
        along = ops.matmul(centred, directions)  # B K
        rest = ops.sum(ops.square(centred - ops.matmul(along, directions.T)), axis=-1, keepdims=True)
        squares = ops.concatenate([ops.square(along), rest], axis=-1)  # B K+1
        return ops.matmul(squares, self.arrays["precisions"])

    def foreign(self, traits):
        """Traits `[B, D]` -> log-odds that they are not of a training item, `[B]`."""
        return ops.matmul(traits, self.arrays["weights"]) + self.arrays["bias"]

    def low(self, doubts: Mapping):
        """The numbers of B items, each `[B]` -> which of them exceed a limit, bool `[B]`."""
        return ops.any(ops.stack([doubts[name] > limit for name, limit in self.limits.items()]), axis=0)

    def limited(self, doubts: Mapping[str, np.ndarray], **about) -> Confidence:
        """The same with limits that the numbers of N validation items set.

        Args:
            doubts: The numbers, each `[N]`, N at least LEAST.
            **about: What `config.json` says besides.
        """
        chosen = {name: float(f"{limit(values, SHARE / len(doubts)):.6g}") for name, values in doubts.items()}
        return Confidence(chosen, self.arrays, self.about | about)

    def to_config(self) -> dict:
        """The entry of `config.json`."""
        return {"limits": self.limits, **self.about}

    def write(self, folder: Path) -> None:
        """Writes the arrays into a preset's folder; one that calibrates anew replaces what stands there."""
        (folder / FILE).unlink(missing_ok=True)
        if self.arrays:
            np.savez_compressed(folder / FILE, **{name: _stored(array) for name, array in self.arrays.items()})


def read(folder: Path, config: Mapping, known: Sequence[str]) -> Confidence | None:
    """The calibration in a preset's folder; None where there is none.

    Args:
        folder: The preset's.
        config: Its `config.json`.
        known: The numbers that its task has.

    Raises:
        UserError: It is damaged.
    """
    if "confidence" not in config:
        return None
    path = folder / FILE
    try:
        about = dict(config["confidence"])
        limits = dict(about.pop("limits"))
        arrays = {}
        if path.is_file():
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        if not limits or not set(limits) <= set(known):
            raise ValueError(f"expected limits of {' or '.join(known)}, got {', '.join(limits) or 'none'}")
        return Confidence(limits, arrays, about)
    except (KeyError, TypeError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{folder}: its 'confidence' cannot be used ({error}); is {FILE} whole?") from None


def limit(values: np.ndarray, share: float) -> float:
    """The value that a new one, drawn as these were, exceeds with this probability; the largest where they are few.

    Example:
        >>> limit(np.arange(100.0), 0.03), limit(np.arange(10.0), 0.03)
        (97.0, 9.0)
    """
    place = min(math.ceil((1 - share) * (len(values) + 1)), len(values))  # what a new value exceeds as rarely
    return float(np.sort(values)[place - 1])


def gaussian(traits: np.ndarray) -> dict[str, np.ndarray]:
    """The arrays that `distance` needs, from the traits `[N, D]` of training items."""
    traits = traits.astype(np.float64)
    covariance = np.atleast_2d(np.cov(traits.T))
    covariance += max(_RIDGE * np.trace(covariance) / len(covariance), 1e-12) * np.eye(len(covariance))
    variances, directions = np.linalg.eigh(covariance)  # rising
    variances, directions = variances[::-1], directions[:, ::-1]
    rest = variances[COMPONENTS:].mean() if len(variances) > COMPONENTS else variances[-1]
    precisions = 1 / np.append(variances[:COMPONENTS], rest)
    return {"mean": traits.mean(0), "directions": directions[:, :COMPONENTS], "precisions": precisions}


def logistic(home: np.ndarray, foreign: np.ndarray) -> dict[str, np.ndarray]:
    """The arrays that `foreign` needs: a logistic regression on the traits `[N, D]` of training items and of others."""
    from sklearn.linear_model import LogisticRegression

    traits = np.concatenate([home, foreign]).astype(np.float64)
    mean, deviation = traits.mean(0), traits.std(0) + 1e-6
    rule = LogisticRegression(class_weight="balanced", max_iter=1000)
    rule.fit((traits - mean) / deviation, np.arange(len(traits)) >= len(home))
    weights = rule.coef_[0] / deviation
    return {"weights": weights, "bias": rule.intercept_[0] - mean @ weights}


def _stored(array: np.ndarray) -> np.ndarray:
    """Tables in half precision, of numbers within -1 and 1; what is small in single precision."""
    return np.asarray(array, np.float16 if np.ndim(array) == 2 else np.float32)

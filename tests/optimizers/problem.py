"""The problem that every optimizer and oracle is given: NumPy only, so that peers elsewhere can be given it too."""

import numpy as np

STEPS = 60
SHAPES = ((), (7,), (4, 5), (3, 4, 2), (2, 3, 2, 3))


def weights() -> list[np.ndarray]:
    """One array of each shape, a scalar to four dimensions."""
    random = np.random.RandomState(1)
    return [np.asarray(random.normal(size=shape)) for shape in SHAPES]


def gradients(steps: int = STEPS) -> list[list[np.ndarray]]:
    """For each step one gradient a weight: of scales from 0.03 to 3, and in the first steps with zeros among them."""
    random = np.random.RandomState(2)
    scales = np.geomspace(0.03, 3, len(SHAPES))
    made = [
        [scale * (0.3 + random.normal(size=shape)) for scale, shape in zip(scales, SHAPES, strict=True)]
        for _ in range(steps)
    ]
    for step in made[:5]:
        for gradient in step[1:]:
            gradient.ravel()[:2] = 0
    return [[np.float32(gradient).astype("float64") for gradient in step] for step in made]


def rates(peak: float, steps: int = STEPS) -> np.ndarray:
    """A learning rate that falls by more than half, rounded to float32, as Keras keeps it."""
    return np.float32(peak * (0.4 + 0.6 * 0.96 ** np.arange(steps))).astype("float64")

"""Confidence intervals of shares that were measured on few examples."""

from __future__ import annotations

import math

_NORMAL = 1.959964  # 95 % of a normal distribution lie within so many deviations
WIDEST = 0.2  # of an interval that still says something
FEW = 200  # examples below which a training is cross-validated


def wilson(share: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927, JASA 22, pages 209-212), which is right for few examples too.

    Args:
        share: What was found, in [0, 1].
        n: Of how many examples.

    Example:
        >>> [round(end, 4) for end in wilson(1.0, 6)]
        [0.6097, 1.0]
    """
    square = _NORMAL**2 / n
    middle = share + square / 2
    half = _NORMAL * math.sqrt(share * (1 - share) / n + square / (4 * n))
    return max(0.0, (middle - half) / (1 + square)), min(1.0, (middle + half) / (1 + square))


def told(share: float, n: int) -> str:
    """The interval in words.

    Example:
        >>> told(1.0, 6), told(0.9541, 10_000)
        ('95% interval 60.97% to 100.00%: too few to trust', '95% interval 94.98% to 95.80%')
    """
    low, high = wilson(share, n)
    return f"95% interval {low:.2%} to {high:.2%}" + (": too few to trust" if high - low > WIDEST else "")

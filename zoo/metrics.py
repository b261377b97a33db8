"""The table of metrics: what each number counts, and how it is written."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.errors import named


@dataclass(frozen=True)
class Metric:
    """One number, or text, by which a task is measured.

    Attributes:
        name: As `Task.measure` calls it.
        unit: "share" in [0, 1], shown in percent; "points" from 0 to 100; "text", which is no number.
        better: "higher" or "lower"; None of a text.
        digits: Digits after the point, as it is shown.
    """

    name: str
    unit: str = "points"
    better: str | None = "higher"
    digits: int = 2


METRICS: tuple[Metric, ...] = (
    Metric("accuracy", unit="share"),
    Metric("bleu"),
    Metric("chrf"),
    Metric("rouge1"),
    Metric("rouge2"),
    Metric("rougeL"),
    Metric("signature", unit="text", better=None),
)


def get(name: str) -> Metric:
    """The line of a metric.

    Raises:
        UserError: There is none of that name.
    """
    return named(METRICS, name, "unknown metric")


def is_share(name: str) -> bool:
    """True of a metric that counts examples, so that `zoo.interval` tells how far it can be trusted."""
    return get(name).unit == "share"


def shown(name: str, value: float | str) -> str:
    """A metric's value for people.

    Example:
        >>> shown("accuracy", 0.9541), shown("bleu", 36.204), shown("signature", "nrefs:1")
        ('95.41%', '36.20', 'nrefs:1')
    """
    metric = get(name)
    if metric.unit == "text":
        return str(value)
    return f"{value:.{metric.digits}%}" if metric.unit == "share" else f"{value:.{metric.digits}f}"


def counted(name: str, value: float | str) -> str:
    """A metric's value as it counts, for `zoo evaluate`: a share is no percentage.

    Example:
        >>> counted("accuracy", 0.9541), counted("bleu", 36.204)
        ('0.9541', '36.20')
    """
    metric = get(name)
    return f"{value:.{metric.digits + 2}f}" if metric.unit == "share" else shown(name, value)

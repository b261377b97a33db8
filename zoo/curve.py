"""The learning curve of a training, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def draw(history: Sequence[dict], metric: str, path: Path, title: str) -> None:
    """Draws loss and metric over the epochs, of training (dashed) and validation (solid), legible in grey.

    Args:
        history: One row per epoch, with "loss", "val_loss" and the metric's two columns.
        metric: Name of the metric, as in the history; left out where the history has none.
        path: PNG to write.
        title: Stands above.
    """
    from matplotlib.figure import Figure

    epochs = [row["epoch"] for row in history]
    columns = [name for name in ("loss", metric) if name in history[0]]
    figure = Figure(figsize=(4.5 * len(columns), 3.4), layout="constrained")
    figure.suptitle(title)
    for axes, name in zip(figure.subplots(1, len(columns), squeeze=False)[0], columns, strict=True):
        marker = "o" if len(epochs) < 3 else None
        axes.plot(epochs, [row[name] for row in history], "--", color="0.45", marker=marker, label="training")
        axes.plot(epochs, [row["val_" + name] for row in history], color="tab:blue", marker=marker, label="validation")
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=120)

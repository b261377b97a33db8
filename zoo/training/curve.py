"""The learning curve of a training, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zoo import metrics
from zoo.recipe import Recipe


def draw(history: Sequence[dict], recipe: Recipe, path: Path, title: str) -> None:
    """Draws loss and metric over the epochs, of training (dashed) and validation (solid), legible in grey.

    The epoch of the best validation value is marked in each. The title names the last epoch: a preset has its weights.

    Args:
        history: One row per epoch, with "loss" or other losses, and the recipe's metric where it has it; columns of
            the validation begin with "val_".
        recipe: What was trained.
        path: PNG to write.
        title: Stands above.
    """
    import io

    from matplotlib.figure import Figure
    from PIL import Image

    epochs = [row["epoch"] for row in history]
    losses = ["loss"] if "loss" in history[0] else [name for name in history[0] if _is_loss(name)]
    columns = [*losses, *([recipe.metric] if recipe.metric in history[0] else [])]
    figure = Figure(figsize=(4.8 * len(columns), 3.6), layout="constrained")
    figure.suptitle(f"{title}: weights of epoch {epochs[-1]}")
    for axes, name in zip(figure.subplots(1, len(columns), squeeze=False)[0], columns, strict=True):
        marker = "o" if len(epochs) < 3 else None
        axes.plot(epochs, [row[name] for row in history], "--", color="0.45", marker=marker, label="training")
        if "val_" + name in history[0]:
            held = [row["val_" + name] for row in history]
            axes.plot(epochs, held, color="tab:blue", marker=marker, label="validation")
            falls = name in losses or metrics.get(name).better == "lower"
            best = (min if falls else max)(range(len(held)), key=held.__getitem__)
            label = f"best: epoch {epochs[best]}, {held[best]:.4f}"
            look = {"markersize": 9, "markerfacecolor": "none", "markeredgecolor": "black", "linestyle": "none"}
            axes.plot(epochs[best], held[best], marker="o", label=label, **look)
        axes.set(xlabel="epoch", ylabel=_loss(recipe) if name == "loss" else name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=120, format="png")
    # Few colours in few bytes: a preset of 6 MB has none to spare.
    Image.open(drawn).convert("RGB").quantize(32, dither=Image.Dither.NONE).save(path, format="png", optimize=True)


def _is_loss(name: str) -> bool:
    """True of "discriminator_loss", and of no validation's."""
    return name.split("_")[-1] == "loss" and name.split("_")[0] != "val"


def _loss(recipe: Recipe) -> str:
    """The name of the loss: smoothed labels keep it above 0, however good the model."""
    # A model with a loss of its own has it among its arguments.
    smoothing = recipe.options.get("label_smoothing") or recipe.arguments.get("smoothing", 0.0)
    return f"loss (label smoothing {smoothing:g})" if smoothing else "loss"

"""The picture of a training's losses and metrics."""

import dataclasses

import pytest

from zoo import recipes
from zoo.training import curve

HISTORY = [
    {"epoch": 1, "loss": 1.0, "val_loss": 0.9, "accuracy": 0.5, "val_accuracy": 0.6},
    {"epoch": 2, "loss": 0.8, "val_loss": 0.7, "accuracy": 0.7, "val_accuracy": 0.9},
    {"epoch": 3, "loss": 0.6, "val_loss": 0.6, "accuracy": 0.8, "val_accuracy": 0.8},
    {"epoch": 4, "loss": 0.5, "val_loss": 0.65, "accuracy": 0.9, "val_accuracy": 0.9},
]


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Draws a history; answers the figure."""
    from matplotlib.figure import Figure

    kept, save = [], Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: kept.append(self) or save(self, *a, **k))

    def draw(history, recipe):
        curve.draw(history, recipe, tmp_path / "curve.png", title="mine")
        return kept[-1]

    return draw


def test_the_best_epochs_are_marked_and_the_one_that_is_kept_is_named(drawn):
    figure = drawn(HISTORY, recipes.get("quickstart"))
    assert figure.get_suptitle() == "mine: weights of epoch 4"
    loss, accuracy = figure.axes
    for axes, best, told in ((loss, (3, 0.6), "best: epoch 3, 0.6000"), (accuracy, (2, 0.9), "best: epoch 2, 0.9000")):
        training, validation, mark = axes.lines
        assert (*mark.get_xdata(), *mark.get_ydata()) == best
        assert [text.get_text() for text in axes.get_legend().get_texts()] == ["training", "validation", told]
        assert training.get_linestyle() == "--" and validation.get_linestyle() == "-"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"options": {"label_smoothing": 0.1}}, "loss (label smoothing 0.1)"),
        ({"options": {"label_smoothing": 0.0}}, "loss"),
        ({"arguments": {"smoothing": 0.05}}, "loss (label smoothing 0.05)"),
    ],
)
def test_the_loss_names_its_label_smoothing(changes, told, drawn):
    recipe = dataclasses.replace(recipes.get("quickstart"), **changes)
    loss, accuracy = drawn(HISTORY, recipe).axes
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == (told, "accuracy")


def test_a_metric_without_a_history_is_left_out(drawn):
    recipe = dataclasses.replace(recipes.get("quickstart"), metric="bleu")
    assert [axes.get_ylabel() for axes in drawn(HISTORY[:1], recipe).axes] == ["loss"]

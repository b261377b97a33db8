"""Menagerie: models, the tasks around them and the recipes that trained them.

`import zoo` is light: TensorFlow and Keras are imported by the first call that needs them.

Example:
    model = zoo.build("resnet18", classes=10, image_size=32)
    task = zoo.load("sentiment-imdb")
    task("A great film.").label
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    import keras

    from zoo.tasks.base import Task

# Modules that `import zoo` alone gives access to.
_MODULES = frozenset(
    """catalog classifiers data decoding errors export inputs layers lstms metrics preset recipe recipes results scaling
    tasks training transformers""".split()
)
__all__ = ["build", "load", "models", "presets", "train"]


def build(name: str, *, weights: str | os.PathLike | None = None, **arguments) -> keras.Model:
    """Builds a model of the catalog.

    Args:
        name: One of `models()`.
        weights: A preset of that architecture, by its name or folder: the model has its arguments and its weights. Of
            other `arguments`, those weights are taken whose names and shapes fit, and the rest starts anew. None builds
            an untrained model.
        **arguments: Of the builder, as `zoo show NAME` lists them; they win over the defaults.

    Returns:
        The model, from raw numbers (pixels, token ids) to logits.

    Raises:
        UserError: No such model or preset, a preset of another architecture, or an argument that the builder does not
            take.
        ValueError: A value that the builder cannot use.

    Example:
        model = zoo.build("resnet18", classes=10, image_size=32)
        model = zoo.build("resnet9", weights="classify-fashion")
    """
    from zoo import catalog

    if weights is None:
        return catalog.build(name, **arguments)
    from zoo import weights as files

    return files.build(name, weights, **arguments)


def models(filter: str | None = None, task: str | None = None, pretrained: bool = False) -> list[str]:
    """Names of the architectures that `build` knows.

    Args:
        filter: Only names of this pattern: "resnet*"; "*" stands for any letters, "?" for one.
        task: Only architectures for this task, "image-classification".
        pretrained: Only those of which a preset is shipped.

    Example:
        zoo.models("resnet*", pretrained=True)
    """
    from zoo import catalog

    return catalog.models(filter, task, _shipped() if pretrained else None)


def _shipped() -> set[str]:
    """The architectures of the shipped presets."""
    from zoo import preset

    return {preset.read_config(preset.find(name))["model"] for name in preset.names()}


def load(preset: str | os.PathLike, **use) -> Task:
    """Loads a trained task.

    Args:
        preset: A shipped preset's name, a preset folder, or "hub:NAME" or "hub:FOLDER", a model of KerasHub.
        **use: Of a model of KerasHub `task`, the kind of problem, and of a translation `languages`.

    Returns:
        The task: called with an item, or several, it answers them.

    Raises:
        UserError: No such preset, or a folder that is not whole.

    Example:
        task = zoo.load("sentiment-imdb")
        task("A great film.").label
    """
    from zoo import tasks

    return tasks.load(preset, **use)


def train(
    name: str,
    data: object = None,
    *,
    out: str | os.PathLike | None = None,
    recipe: str | None = None,
    optimizer: str | None = None,
    learning_rate: float | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    seed: int | None = None,
    validation: object = None,
    languages: tuple[str, str] | None = None,
    text_column: str | None = None,
    path_column: str | None = None,
    label_column: str | None = None,
    source_column: str | None = None,
    target_column: str | None = None,
    init: str | os.PathLike | None = None,
    **options,
) -> Task:
    """Trains a recipe, or an application on one's own data, as `zoo train` does, and writes a preset folder.

    Args:
        name: A recipe's name, or an application's: "sentiment", "classify", "translate", "summarize".
        data: One's own data: a data frame, a table's path (.csv, .tsv, .jsonl, each also with .gz) or a folder of class
            folders.
        out: Folder to write; it must not exist or be empty. None: "runs/RECIPE".
        recipe: Of an application, another recipe than its default.
        optimizer: Name of one of our optimizers; with its own rate where `learning_rate` is None.
        learning_rate: Peak learning rate.
        epochs: Passes over the training data.
        batch_size: Examples a step.
        seed: Seeds everything that is random.
        validation: Data to validate on, or the share in (0, 1) of the data to hold back.
        languages: Of one's own translation pairs, the language that is read and the one that is written: ("de", "en").
        text_column: Column of texts; None: "text".
        path_column: Column of the paths of images; None: "path" or another usual name.
        label_column: Column of labels; None: "label".
        source_column: Of pairs, the column that is read; None: its language, or "source".
        target_column: Of pairs, the column that is written; None: its language, or "target".
        init: A preset to start from (fine-tuning).
        **options: Of `zoo.training.fit`: `resume`, `save_every`, `strategy`, `say`, `begin`, `verbose`, `callbacks`,
            `keep`, `record_divergence`.

    Returns:
        The trained task, as `zoo.load(out)` gives it.

    Raises:
        UserError: No such recipe, a number out of its range, or data that cannot be learned from.

    Example:
        task = zoo.train("sentiment", data=frame, out="runs/mine", epochs=3)
    """
    import numbers

    from zoo import recipes, training

    share = validation if isinstance(validation, numbers.Real) else None
    own = data is not None
    followed = recipes.changed(
        recipes.followed(name, recipe, own),
        optimizer=optimizer,
        learning_rate=learning_rate,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        validation=share,
    )
    columns = {
        "text_column": text_column,
        "path_column": path_column,
        "label_column": label_column,
        "source_column": source_column,
        "target_column": target_column,
    }
    return training.fit(
        followed,
        out or f"runs/{followed.name}",
        source=data,
        columns=columns,
        languages=recipes.languages(followed, languages, own, init),
        validation=None if share is not None else validation,
        init=init,
        **options,
    )


def presets() -> list[str]:
    """Names of the shipped presets."""
    from zoo import preset

    return preset.names()


def __getattr__(name: str):
    if name in _MODULES:
        return importlib.import_module(f"zoo.{name}")
    if name == "__version__":
        from importlib import metadata

        return metadata.version("keras-menagerie")
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES, "__version__"])

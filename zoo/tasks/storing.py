"""Storing of a task: the files of a preset folder, and what is made anew from a recipe and its data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import keras

from zoo import catalog, preset, weights
from zoo.errors import UserError
from zoo.recipe import Recipe
from zoo.tasks import confidence


class Storing:
    """Disk side of a task; part of `zoo.tasks.base.Task`."""

    model: keras.Model
    config: dict
    confidence: confidence.Confidence | None
    numbers: tuple[str, ...] = ()  # of `zoo.tasks.confidence`, what may have limits

    @classmethod
    def create(cls, config: Mapping, **assets):
        """A task around a new, untrained model.

        Args:
            config: "model" and "arguments" name the builder's; "preprocess" and "labels" are the task's.
            assets: What stands in files of its own: a vocabulary.
        """
        return cls(catalog.build(config["model"], **config["arguments"]), config, **assets)

    @classmethod
    def config_from_data(cls, config: Mapping, examples) -> tuple[dict, dict]:
        """The builder's arguments, completed by what the training examples say, and the assets: a new vocabulary."""
        return {**config["arguments"], "classes": len(examples.names)}, {}

    @classmethod
    def config_fields(cls, recipe: Recipe, examples) -> dict:
        """The fields of config.json that only this kind of task has."""
        return {"labels": list(examples.names)}

    @classmethod
    def refit_arguments(cls, arguments: Mapping, examples) -> dict:
        """The arguments of a preset's model, fitted to other training examples."""
        return {**arguments, "classes": len(examples.names)}

    @classmethod
    def card_sections(cls, config: Mapping) -> dict[str, str]:
        """Sections of the card that only this kind of task has: title -> paragraph."""
        return {"Labels": ", ".join(config["labels"])} if "labels" in config else {}

    def own_assets(self) -> dict:
        """This task's assets, as `create` takes them."""
        return {}

    @classmethod
    def assets(cls, folder: Path, config: Mapping) -> dict:
        """The assets that a preset of this task keeps in files of their own, as `create` takes them."""
        return {}

    @classmethod
    def load(cls, folder: Path, config: Mapping):
        """The trained task of a preset folder; see `zoo.load`."""
        try:
            task = cls.create(config, **cls.assets(folder, config))
        except (TypeError, ValueError, KeyError) as error:
            raise UserError(f"{folder / 'config.json'}: {error}") from error
        weights.load(task.model, folder / "weights" / "model.weights.h5")
        task.confidence = confidence.read(folder, config, cls.numbers)
        return task

    def save(self, folder: str | os.PathLike) -> None:
        """Writes config, weights and vocabulary as a preset folder, whole or not at all."""
        with preset.replacing(Path(folder)) as partial:
            self.write(partial)

    def write(self, folder: Path) -> None:
        """Writes the task's files into an existing folder."""
        self.write_config(folder)
        (folder / "weights").mkdir()
        weights.save(self.model, folder / "weights" / "model.weights.h5")

    def write_config(self, folder: Path) -> None:
        """Writes what a calibration changes: the configuration, and the arrays of `confidence`."""
        preset.write_json(folder / "config.json", {"format": preset.FORMAT, **self.config})
        if self.confidence is not None:
            self.confidence.write(folder)

"""Presets of KerasHub: what a person means by `hub:NAME|FOLDER`, read without loading KerasHub.

A folder that KerasHub's `save_to_preset` wrote is read strictly: numbers and texts of two known classes, HDF5 and the
tokenizer's files. Nothing in it chooses what is imported or run.
"""

from __future__ import annotations

import json
from pathlib import Path

from zoo import task_catalog
from zoo.errors import UserError
from zoo.hub_backbones import BACKBONES

PREFIX = "hub:"
_OUTSIDE = ("name", "trainable", "dtype")  # what Keras keeps beside the class's own arguments
_LENGTH = 512  # tokens that are read where the model does not bound them


def is_hub(preset: object) -> bool:
    """True if a preset's name is one of KerasHub's."""
    return str(preset).startswith(PREFIX)


def config(preset: str, task: str, languages: tuple[str, str] | None = None) -> dict:
    """The configuration of a preset before it is loaded: as much of `config.json` as is known.

    Args:
        preset: "hub:NAME" or "hub:FOLDER".
        task: What the model is used for: KerasHub's presets do not say it.
        languages: Of a translation.
    """
    name = Path(str(preset).removeprefix(PREFIX)).resolve().name
    found = {"name": name, "task": task, "model": "hub_seq2seq", "decoding": {"beam": 4, "max_length": 128}}
    found |= {"data": str(preset), "data_terms": f"Weights of KerasHub's preset {name}: see its own terms"}
    if "languages" in task_catalog.entry(task).config_lists:
        found["languages"] = list(languages or ("source", "target"))
    return found


def described(backbone: str, arguments: dict, specials: dict, task_config: dict) -> dict:
    """The whole `config.json` of a task around a backbone of KerasHub.

    Args:
        backbone: Its class.
        arguments: The class's arguments.
        specials: KerasHub's ids of padding, start and end.
        task_config: What `config` answers.
    """
    arguments = {name: value for name, value in arguments.items() if name not in _OUTSIDE}
    room = arguments.get("max_sequence_length", _LENGTH + 1) - 1  # BART puts a token before source and target
    return {
        **task_config,
        "arguments": {"backbone": backbone, "config": arguments, **specials},
        "preprocess": {"kind": BACKBONES[backbone].tokens, "length": room, "size": arguments["vocabulary_size"]},
        "decoding": {**task_config["decoding"], "max_length": min(room, task_config["decoding"]["max_length"])},
    }


def read_backbone(folder: Path) -> tuple[str, dict]:
    """Class and arguments of the backbone in a folder that KerasHub wrote.

    Raises:
        UserError: It is none of ours.
    """
    kind, arguments = _class(folder / "config.json")
    if kind not in BACKBONES:
        raise UserError(f"{folder}: a preset for KerasHub's {kind!r:.60}, expected one for {' or '.join(BACKBONES)}")
    if type(arguments.get("vocabulary_size")) is not int or type(arguments.get("max_sequence_length", 1)) is not int:
        raise UserError(f"{folder / 'config.json'}: expected whole numbers as sizes")
    return kind, arguments


def read_tokenizer(folder: Path, backbone: str) -> bytes:
    """The tokenizer of such a folder, packed as `zoo.inputs.hub_tokens` takes it."""
    kind, arguments = _class(folder / "tokenizer.json")
    if kind != backbone.replace("Backbone", "Tokenizer"):
        raise UserError(f"{folder / 'tokenizer.json'}: {kind!r:.60} is no tokenizer of {backbone}")
    files = folder / "assets" / "tokenizer"
    if backbone == "T5Backbone":
        return _bytes(files / "vocabulary.spm")
    merges = _bytes(files / "merges.txt").decode("utf-8", "replace").split("\n")
    held = {"vocabulary": _json(files / "vocabulary.json"), "merges": [merge.rstrip() for merge in merges if merge]}
    return json.dumps({**held, "add_prefix_space": arguments.get("add_prefix_space") is True}).encode()


def weights(folder: Path) -> Path:
    """The file of such a folder's weights, or that which lists its parts."""
    for name in ("model.weights.h5", "model.weights.json"):
        if (folder / name).is_file():
            return folder / name
    raise UserError(f"{folder / 'model.weights.h5'}: the weights file is missing")


def _class(path: Path) -> tuple[str, dict]:
    found = _json(path)
    if not isinstance(found, dict) or not isinstance(found.get("config"), dict):
        raise UserError(f"{path}: not written by KerasHub's save_to_preset")
    return str(found.get("class_name")), found["config"]


def _json(path: Path):
    try:
        return json.loads(_bytes(path))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not valid JSON ({error})") from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None

"""Tasks around KerasHub's pretrained models: `zoo.load("hub:bart_large_en_cnn")`, `zoo.load("hub:FOLDER")`."""

from __future__ import annotations

from pathlib import Path

from zoo import hub_presets, tasks
from zoo.errors import UserError, nearest
from zoo.hub_backbones import BACKBONES
from zoo.tasks.sequence_to_sequence import TOKENIZERS


def load(preset: str, task: str = "summarization", languages: tuple[str, str] | None = None):
    """A task around a model of KerasHub.

    Args:
        preset: "hub:FOLDER", a folder that KerasHub's `save_to_preset` wrote, or "hub:NAME", one of KerasHub's own,
            which is fetched where it is not on this machine yet.
        task: What it is used for.
        languages: Of a translation.

    Raises:
        UserError: There is no such preset, or none that can be used so.
    """
    config = hub_presets.config(preset, task, languages)
    name = str(preset).removeprefix(hub_presets.PREFIX)
    folder = Path(name)
    if not folder.is_dir():
        return _known(name, config)
    backbone, arguments = hub_presets.read_backbone(folder)
    found = _task(config, backbone, arguments, hub_presets.read_tokenizer(folder, backbone), folder)
    path = hub_presets.weights(folder)
    try:
        found.model.backbone.load_weights(str(path))
    except (ValueError, OSError, KeyError, RuntimeError) as error:
        raise UserError(f"{path}: not the weights of this model ({' '.join(str(error).split())[:160]})") from None
    return found


def _known(name: str, config: dict):
    """One of KerasHub's own presets, of which KerasHub itself knows where it is."""
    if "/" in name:
        raise UserError(f"{name}: no such folder; expected hub:NAME or hub:FOLDER")
    import keras_hub

    classes = {kind: getattr(keras_hub.models, kind) for kind in BACKBONES}
    names = [one for cls in classes.values() for one in cls.presets]
    if name not in names:
        raise UserError(f"KerasHub has no preset {name!r} that reads and writes{nearest(name, names)}")
    kind = next(kind for kind, cls in classes.items() if name in cls.presets)
    writer = getattr(keras_hub.models, BACKBONES[kind].writer)
    try:
        there = writer.from_preset(name)
    except (OSError, ValueError) as error:  # requests' errors are OSErrors
        told = " ".join(str(error).split())[:120]
        raise UserError(
            f"hub:{name} is not on this machine and could not be fetched ({type(error).__name__}: {told}); "
            "offline, give hub:FOLDER, a folder that KerasHub's save_to_preset wrote"
        ) from None
    found = _task(
        config, kind, there.backbone.get_config(), _tokens(kind).packed(there.preprocessor.tokenizer), f"hub:{name}"
    )
    for variable, value in zip(found.model.backbone.weights, there.backbone.weights, strict=True):
        variable.assign(value)
    return found


def _tokens(backbone: str) -> type:
    """The class of a backbone's tokenizer."""
    return TOKENIZERS[BACKBONES[backbone].tokens]


def _task(config: dict, backbone: str, arguments: dict, vocabulary: bytes, place):
    """The task around an untrained model of these arguments."""
    kind = _tokens(backbone)
    try:
        specials = kind.specials(kind.opened(vocabulary))
        config = hub_presets.described(backbone, arguments, specials, config)
        return tasks.get(config["task"]).create(config, vocabulary=vocabulary)
    except (TypeError, ValueError, KeyError) as error:
        raise UserError(f"{place}: {' '.join(str(error).split())[:200]}") from None

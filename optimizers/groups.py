"""Parameter groups: learning rate, weight decay and freezing for some variables, chosen by name.

    optimizers.AdamW(1e-3, groups=[
        {"match": "backbone/", "multiplier": 0.1},
        {"match": "bias$|gamma$|beta$", "weight_decay": 0.0},
        {"match": "embedding", "frozen": True},
    ])

Every group whose pattern matches a variable's path (or name, anywhere) applies to it, later ones over earlier ones. A
multiplier is of the learning rate, so that a schedule holds for all groups.
"""

import math
import re

from optimizers.messages import nearest, paths_in_short, texts

KEYS = ("match", "multiplier", "weight_decay", "frozen")


def resolve(groups, variables, owner, weight_decays) -> tuple[list[float], list[float], list[bool]]:
    """The multiplier, the weight decay and whether frozen, for each variable.

    Raises:
        ValueError: for a pattern that matches no variable.
    """
    multipliers = [1.0] * len(variables)
    decays = [float(decay or 0) for decay in weight_decays]
    frozen = [False] * len(variables)
    for group in groups:
        matched = [i for i, v in enumerate(variables) if any(re.search(group["match"], text) for text in texts(v))]
        if not matched:
            raise ValueError(
                f"{owner}: the group {group['match']!r} matches none of the {len(variables)} variables: "
                f"{paths_in_short(variables)}."
            )
        for i in matched:
            multipliers[i] = float(group.get("multiplier", multipliers[i]))
            decays[i] = float(group.get("weight_decay", decays[i]))
            frozen[i] = bool(group.get("frozen", frozen[i]))
    return multipliers, decays, frozen


def checked(groups, owner) -> list[dict]:
    """The groups as plain dicts; raises ValueError for what is not a group."""
    found = []
    for group in groups or ():
        if not isinstance(group, dict) or not isinstance(group.get("match"), str):
            raise ValueError(
                f'{owner}: a group is a dict with a pattern, such as {{"match": "bias", "multiplier": 2.0}}. '
                f"Received: {group!r}"
            )
        for key, value in group.items():
            if key not in KEYS:
                raise ValueError(f"{owner}: a group has no key {key!r}. {nearest(key, KEYS)}")
            if key in ("multiplier", "weight_decay") and not 0 <= value < math.inf:
                raise ValueError(f"{owner}: `{key}` of the group {group['match']!r} must be >= 0. Received: {value}")
        found.append(dict(group))
    return found


def layerwise_decay(layers: list[str], decay: float) -> list[dict]:
    """Groups whose learning rates fall from the last layer to the first.

    Args:
        layers: a pattern for each layer, from the input to the output.
        decay: factor from one layer to the one before it, in (0, 1]; 0.65 to 0.9 are usual when fine-tuning.

    Example:
        >>> layerwise_decay(["embedding", "block_0/", "block_1/"], 0.5)[0]
        {'match': 'embedding', 'multiplier': 0.25}
    """
    if not 0 < decay <= 1:
        raise ValueError(f"layerwise_decay: `decay` must be in (0, 1]. Received: decay={decay}")
    return [{"match": layer, "multiplier": decay ** (len(layers) - 1 - i)} for i, layer in enumerate(layers)]

"""The Transformer against torch.nn's stacks and Hugging Face's MarianMTModel: same weights, same logits and gradients.

The reference is tests/fixtures/torch_transformer.npz, which make_torch_transformer.py beside it writes.
"""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.zoo.parity import assert_close, named
from zoo.transformers.transformer import transformer

FIXTURE = Path(__file__).parents[1] / "fixtures" / "torch_transformer.npz"
SIZES = {"vocabulary": 13, "width": 8, "layers": 2, "heads": 2, "hidden": 12}
ARGUMENTS = {
    "post": {"norm": "post", "activation": "relu", "tied": False},
    "pre": {"norm": "pre", "activation": "gelu", "tied": True},
    "marian": {"norm": "post", "activation": "silu", "tied": True},
}
# Ours -> torch.nn's and Marian's names of a block's parts.
TORCH = {"hidden": "linear1", "out": "linear2", "self_attention": "self_attn", "cross_attention": "multihead_attn"}
MARIAN = {"hidden": "fc1", "out": "fc2", "self_attention": "self_attn", "cross_attention": "encoder_attn"}
MARIAN |= {"self_norm": "self_attn_layer_norm", "cross_norm": "encoder_attn_layer_norm", "out_norm": "final_layer_norm"}


def ported(values: dict[str, np.ndarray], marian: bool) -> dict[str, np.ndarray]:
    """Arrays under torch's names -> arrays under the paths of our variables; torch has a kernel's transpose."""
    names = MARIAN if marian else TORCH
    arrays = {}
    for stack in ("encoder", "decoder"):
        norms = ("self_norm", "out_norm") if stack == "encoder" else ("self_norm", "cross_norm", "out_norm")
        for layer in range(SIZES["layers"]):
            ours, theirs = f"{stack}{layer + 1}", f"{'model.' if marian else ''}{stack}.layers.{layer}"
            for part in ("hidden", "out"):
                _dense(arrays, f"{ours}/{part}", values, f"{theirs}.{names[part]}")
            for place, part in enumerate(norms, 1):
                _norm(arrays, f"{ours}/{part}", values, f"{theirs}.{names[part] if marian else f'norm{place}'}")
            for part in ("self_attention", "cross_attention")[: 1 if stack == "encoder" else 2]:
                _attention(arrays, f"{ours}/{part}", values, f"{theirs}.{names[part]}", marian)
        if f"{stack}.norm.weight" in values:
            _norm(arrays, f"{stack}_norm", values, f"{stack}.norm")
    if "logits.weight" in values:
        arrays["source_embedding/embeddings"] = values["source.weight"]
        arrays["target_embedding/embeddings"] = values["target.weight"]
        arrays["target_embedding/reverse_embeddings"] = values["logits.weight"].T
    else:
        arrays["embedding/embeddings"] = values["model.shared.weight" if marian else "source.weight"]
    return arrays


def _dense(arrays: dict, ours: str, values: dict, theirs: str) -> None:
    arrays[f"{ours}/kernel"], arrays[f"{ours}/bias"] = values[f"{theirs}.weight"].T, values[f"{theirs}.bias"]


def _norm(arrays: dict, ours: str, values: dict, theirs: str) -> None:
    arrays[f"{ours}/gamma"], arrays[f"{ours}/beta"] = values[f"{theirs}.weight"], values[f"{theirs}.bias"]


def _attention(arrays: dict, ours: str, values: dict, theirs: str, marian: bool) -> None:
    """Marian has queries, keys and values apart; torch.nn has them in one, rows of q over those of k and v."""
    _dense(arrays, f"{ours}/out", values, f"{theirs}.out_proj")
    width = SIZES["width"]
    for kind, (end, turn) in {"kernel": ("weight", np.transpose), "bias": ("bias", np.asarray)}.items():
        if marian:
            whole = np.concatenate([values[f"{theirs}.{part}_proj.{end}"] for part in "qkv"])
        else:
            whole = values[f"{theirs}.in_proj_{end}"]
        if ours.endswith("self_attention"):
            arrays[f"{ours}/qkv/{kind}"] = turn(whole)
        else:
            arrays[f"{ours}/q/{kind}"], arrays[f"{ours}/kv/{kind}"] = turn(whole[:width]), turn(whole[width:])


@pytest.fixture(scope="module")
def reference() -> dict[str, np.ndarray]:
    with np.load(FIXTURE) as file:
        return dict(file)


def build(reference: dict[str, np.ndarray], kind: str):
    model = transformer(**SIZES, **ARGUMENTS[kind], dropout=0.1)  # which only training has
    weights = ported(named(reference, f"{kind}/weight "), kind == "marian")
    assert weights.keys() == {variable.path for variable in model.weights}
    for variable in model.weights:
        variable.assign(weights[variable.path])
    return model


@pytest.mark.parametrize("kind", ARGUMENTS)
def test_logits_and_gradients_are_those_of_the_reference(reference, kind):
    model = build(reference, kind)
    following = reference["following"]
    with tf.GradientTape() as tape:
        logits = model({"source": reference["source"], "target": reference["target"]})
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(following, logits)
        loss = tf.reduce_mean(losses[following != 0])
    assert_close(logits, reference[f"{kind}/logits"], "logits")
    assert_close(loss, reference[f"{kind}/loss"], "loss")

    variables = model.trainable_variables
    assert len(variables) == len(model.weights)
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    expected = ported(named(reference, f"{kind}/gradient "), kind == "marian")
    for variable, gradient in zip(variables, gradients, strict=True):
        # Queries of attention that is nearly even learn from small differences of large numbers: processors differ by
        # 2e-5 in the rounding.
        assert_close(tf.convert_to_tensor(gradient), expected[variable.path], variable.path, tolerance=1e-4)


def test_marian_looks_where_ours_looks(reference):
    model = build(reference, "marian")
    weights = model.attention({"source": reference["source"], "target": reference["target"]})
    assert_close(weights, reference["marian/attention"], "attention")


@pytest.mark.parametrize("kind", ARGUMENTS)
def test_steps_say_what_the_reference_says_of_all_positions_at_once(reference, kind):
    """Every position of targets of unequal length, one after the other, from a cache with more room than they need."""
    model = build(reference, kind)
    target = reference["target"]
    logits = reference[f"{kind}/logits"]
    expected = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    cache = model.start(model.encode({"source": reference["source"]}), max_length=target.shape[1] + 3)
    for position in range(target.shape[1]):
        assert int(cache["index"]) == position
        logs, cache = model.step(target[:, position], cache)
        assert_close(logs, expected[:, position], f"position {position}")

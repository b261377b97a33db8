"""LSTMs with attention and the pointer-generator against torch: the same weights, the same answers and gradients.

The reference is tests/fixtures/torch_seq2seq.npz, which make_torch_seq2seq.py beside it writes.
"""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from zoo.lstms.lstm_attention import lstm_attention
from zoo.lstms.pointer_generator import pointer_generator

TOLERANCE = 1e-5
FIXTURE = Path(__file__).parents[1] / "fixtures" / "torch_seq2seq.npz"
WIDTH, UNITS = 6, 4
SIZES = {"vocabulary": 13, "width": WIDTH, "units": UNITS}
# Dropout is there, and only training has it.
KINDS = {
    "luong": lambda: lstm_attention(**SIZES, layers=2, attention="luong", tied=False, dropout=0.1),
    "bahdanau": lambda: lstm_attention(**SIZES, attention="bahdanau", dropout=0.1),
    "pointer": lambda: pointer_generator(**SIZES, coverage=0.5, dropout=0.1),
}


def ported(kind: str, values: dict[str, np.ndarray], biases) -> dict[str, np.ndarray]:
    """Arrays under torch's names -> arrays under the paths of our variables.

    Both order the gates: input, forget, candidate, output. Torch has a kernel's transpose, inputs known before the loop
    and carried ones in one kernel, and two biases that only ever appear as their sum: `biases(b_ih, b_hh)` makes one.
    """
    if kind == "luong":
        arrays = {
            "source_embedding/embeddings": values["source.weight"],
            "target_embedding/embeddings": values["target.weight"],
            "target_embedding/reverse_embeddings": values["out.weight"].T,
            "readout_seen/kernel": values["readout.weight"][:, : 2 * UNITS].T,
            "readout_state/kernel": values["readout.weight"][:, 2 * UNITS :].T,
        }
    else:
        arrays = {"embedding/embeddings": values["source.weight"]}
        names = {"scores/keys": "keys", "scores/query": "query", "scores/out": "v", "readout": "readout"}
        names |= {"scores/coverage": "coverage", "generate": "generate"} if kind == "pointer" else {}
        for ours, theirs in names.items():
            _dense(arrays, ours, values, theirs)
    if kind == "luong":
        _dense(arrays, "scores/keys", values, "keys")
    for n in (1, 2)[: 2 if kind == "luong" else 1]:
        for part in ("hidden", "cell"):
            _dense(arrays, f"encoder/{part}{n}", values, f"{part}.{n - 1}")
        for direction, suffix in (("forward", ""), ("backward", "_reverse")):
            cell, end = f"encoder/bidirectional{n}/{direction}_lstm{n}/lstm_cell", f"l{n - 1}{suffix}"
            arrays[f"{cell}/kernel"] = values[f"encoder.weight_ih_{end}"].T
            arrays[f"{cell}/recurrent_kernel"] = values[f"encoder.weight_hh_{end}"].T
            arrays[f"{cell}/bias"] = biases(values[f"encoder.bias_ih_{end}"], values[f"encoder.bias_hh_{end}"])
        step, known = "decoder" if kind == "pointer" else f"decoder{n}", WIDTH if n == 1 else 0
        inputs = values[f"decoder.{n - 1}.weight_ih"].T
        arrays[f"{step}/recurrent_kernel"] = np.concatenate([inputs[known:], values[f"decoder.{n - 1}.weight_hh"].T])
        arrays[f"{step}/bias"] = biases(values[f"decoder.{n - 1}.bias_ih"], values[f"decoder.{n - 1}.bias_hh"])
        if known:
            arrays[f"{step}/kernel"] = inputs[:known]
    return arrays


def _dense(arrays: dict, ours: str, values: dict, theirs: str) -> None:
    arrays[f"{ours}/kernel"] = values[f"{theirs}.weight"].T
    if f"{theirs}.bias" in values:
        arrays[f"{ours}/bias"] = values[f"{theirs}.bias"]


@pytest.fixture(scope="module")
def reference() -> dict[str, np.ndarray]:
    with np.load(FIXTURE) as file:
        return dict(file)


def build(reference: dict[str, np.ndarray], kind: str):
    model = KINDS[kind]()
    weights = ported(kind, _named(reference, f"{kind}/weight "), lambda b_ih, b_hh: b_ih + b_hh)
    assert weights.keys() == {variable.path for variable in model.weights}
    for variable in model.weights:
        variable.assign(weights[variable.path])
    return model


def _named(reference: dict[str, np.ndarray], kind: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(kind): array for name, array in reference.items() if name.startswith(kind)}


def assert_close(got, expected: np.ndarray, name: str) -> None:
    error = np.abs(np.asarray(got) - expected).max()
    assert error <= TOLERANCE * np.abs(expected).max(), f"{name}: {error}"


@pytest.mark.parametrize("kind", KINDS)
def test_answers_and_gradients_are_torch_s(reference, kind):
    model = build(reference, kind)
    following = reference["following"]
    with tf.GradientTape() as tape:
        answer = model({"source": reference["source"], "target": reference["target"]})
        if kind == "pointer":
            loss = model.compute_loss(y=following, y_pred=answer)
        else:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(following, answer)
            loss = tf.reduce_mean(losses[following != 0])
    assert_close(answer, reference[f"{kind}/answer"], "answer")
    assert_close(loss, reference[f"{kind}/loss"], "loss")

    variables = model.trainable_variables
    assert len(variables) == len(model.weights)
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    # The derivative by either of torch's biases is the derivative by their sum.
    expected = ported(kind, _named(reference, f"{kind}/gradient "), lambda b_ih, b_hh: b_ih)
    for variable, gradient in zip(variables, gradients, strict=True):
        assert_close(tf.convert_to_tensor(gradient), expected[variable.path], variable.path)


@pytest.mark.parametrize("kind", KINDS)
def test_it_looks_where_torch_looks(reference, kind):
    weights = build(reference, kind).attention({"source": reference["source"], "target": reference["target"]})
    assert_close(weights, reference[f"{kind}/weights"], "weights")


@pytest.mark.parametrize("kind", KINDS)
def test_steps_say_what_torch_says(reference, kind):
    model = build(reference, kind)
    target, answer = reference["target"], reference[f"{kind}/answer"]
    expected = answer - np.log(np.exp(answer).sum(axis=-1, keepdims=True))
    cache = model.start(model.encode({"source": reference["source"]}), max_length=target.shape[1])
    for position in range(target.shape[1]):
        assert int(cache["index"]) == position
        logs, cache = model.step(target[:, position], cache)
        assert_close(logs, expected[:, position], f"position {position}")

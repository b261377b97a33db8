"""BiLSTM against torch.nn.LSTM: the same weights must give the same states, logits and gradients.

The reference is tests/fixtures/torch_lstm.npz, which make_torch_lstm.py beside it writes.
"""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.lstms.bilstm import bilstm

TOLERANCE = 1e-5
FIXTURE = Path(__file__).parents[1] / "fixtures" / "torch_lstm.npz"


def ported(values: dict[str, np.ndarray], biases) -> dict[str, np.ndarray]:
    """Arrays under torch's names -> arrays under the paths of our variables.

    Both order the gates: input, forget, candidate, output. Torch has a kernel's transpose, and two biases that only
    ever appear as their sum: `biases(b_ih, b_hh)` makes one of them.
    """
    arrays = {
        "embedding/embeddings": values["embedding.weight"],
        "logits/kernel": values["linear.weight"].T,
        "logits/bias": values["linear.bias"],
    }
    for layer in (0, 1):
        for direction, suffix in (("forward", ""), ("backward", "_reverse")):
            cell = f"bidirectional{layer + 1}/{direction}_lstm{layer + 1}/lstm_cell"
            end = f"l{layer}{suffix}"
            arrays[f"{cell}/kernel"] = values[f"lstm.weight_ih_{end}"].T
            arrays[f"{cell}/recurrent_kernel"] = values[f"lstm.weight_hh_{end}"].T
            arrays[f"{cell}/bias"] = biases(values[f"lstm.bias_ih_{end}"], values[f"lstm.bias_hh_{end}"])
    return arrays


@pytest.fixture(scope="module")
def reference() -> dict[str, np.ndarray]:
    with np.load(FIXTURE) as file:
        return dict(file)


def named(reference: dict[str, np.ndarray], kind: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(kind): array for name, array in reference.items() if name.startswith(kind)}


def build(reference: dict[str, np.ndarray], **arguments) -> keras.Model:
    model = bilstm(vocabulary=11, width=5, units=4, layers=2, classes=3, **arguments)
    weights = ported(named(reference, "weight "), lambda b_ih, b_hh: b_ih + b_hh)
    for variable in model.weights:
        variable.assign(weights[variable.path])
    return model


def assert_close(got, expected: np.ndarray, name: str) -> None:
    error = np.abs(np.asarray(got) - expected).max()
    assert error <= TOLERANCE * np.abs(expected).max(), f"{name}: {error}"


def test_logits_and_gradients_are_torch_s(reference):
    model = build(reference)
    with tf.GradientTape() as tape:
        logits = model(reference["tokens"].astype("int32"))
        loss = tf.reduce_sum(logits * reference["weighting"].astype("float32"))
    assert_close(logits, reference["logits"], "logits")

    variables = model.trainable_variables
    gradients = tape.gradient(loss, [v.value for v in variables])
    # The derivative by either of torch's biases is the derivative by their sum.
    expected = ported(named(reference, "gradient "), lambda b_ih, b_hh: b_ih)
    assert len(variables) == len(expected) == 15
    for variable, gradient in zip(variables, gradients, strict=True):
        assert_close(tf.convert_to_tensor(gradient), expected[variable.path], variable.path)


def test_states_of_every_token_are_torch_s(reference):
    states = build(reference, features=True)(reference["tokens"].astype("int32"))["1"]
    assert_close(states, reference["states"], "states")


def test_padding_changes_nothing(reference):
    model = build(reference)
    tokens = reference["tokens"].astype("int32")
    wider = np.pad(tokens, ((0, 0), (0, 5)))
    np.testing.assert_allclose(model(wider), model(tokens), atol=1e-6)


def test_a_text_without_tokens_has_an_answer(reference):
    """Torch refuses a length of 0; here the states stay 0 and the biases answer."""
    model = build(reference)
    np.testing.assert_allclose(model(np.zeros((1, 4), "int32"))[0], reference["weight linear.bias"], atol=1e-6)

"""SAM and ASAM: the paper's step on a regression in float64, and a model that keeps being a model."""

import keras
import numpy as np
import pytest

import optimizers

tf = pytest.importorskip("tensorflow")
if keras.backend.backend() != "tensorflow":
    pytest.skip("SAM is TensorFlow's alone", allow_module_level=True)


def data():
    random = np.random.RandomState(4)
    # `fit` rounds what it is given to float32.
    return tuple(np.float32(random.normal(size=(24, size))).astype("float64") for size in (3, 2))


def regression():
    keras.utils.set_random_seed(3)
    return keras.Sequential([keras.Input((3,), dtype="float64"), keras.layers.Dense(2, dtype="float64")])


def oracle(weights, batches, rate, rho, adaptive, eta):
    """Foret et al. 2021, Algorithm 1 with equation 2; Kwon et al. 2021, equation 8; plain gradient descent."""

    def gradient(w, b, x, y):
        error = x @ w + b - y
        return 2 * x.T @ error / error.size, 2 * error.sum(0) / error.size

    w, b = weights
    for x, y in batches:
        gw, gb = gradient(w, b, x, y)
        tw, tb = (np.abs(w) + eta, np.abs(b) + eta) if adaptive else (1, 1)
        norm = np.sqrt(np.sum((tw * gw) ** 2) + np.sum((tb * gb) ** 2))
        gw, gb = gradient(w + rho * tw**2 * gw / norm, b + rho * tb**2 * gb / norm, x, y)
        w, b = w - rate * gw, b - rate * gb
    return w, b


@pytest.mark.parametrize("adaptive", [False, True])
def test_follows_the_paper_in_float64(adaptive):
    x, y = data()
    model = optimizers.SAM(regression(), rho=0.4, adaptive=adaptive, eta=0.3)
    model.compile(optimizers.SGD(0.25), keras.losses.MeanSquaredError(dtype="float64"), jit_compile=False)
    start = [weight.numpy() for weight in model.trainable_variables]
    batches = [(x[:12], y[:12]), (x[12:], y[12:])] * 5
    first = np.mean((x @ start[0] + start[1] - y) ** 2)
    history = model.fit(x, y, batch_size=24, verbose=0)
    assert history.history["loss"][0] == pytest.approx(first, rel=1e-6)  # of the first pass
    for weight, value in zip(model.trainable_variables, start, strict=True):
        weight.assign(value)
    model.fit(x, y, batch_size=12, epochs=5, shuffle=False, verbose=0)
    ends = oracle(start, batches, 0.25, 0.4, adaptive, 0.3)
    for weight, expected in zip(model.trainable_variables, ends, strict=True):
        np.testing.assert_allclose(weight.numpy(), expected, rtol=0, atol=1e-9)


def test_statistics_move_once_and_the_model_is_saved_whole(tmp_path):
    x, y = (np.float32(each) for each in data())
    keras.utils.set_random_seed(3)
    inner = keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization(momentum=0.5), keras.layers.Dense(2)])
    model = optimizers.SAM(inner, rho=0.2, adaptive=True)
    model.compile(optimizers.Adam(0.05), "mse", metrics=["mae"])
    model.fit(x, y, batch_size=24, verbose=0)
    np.testing.assert_allclose(inner.layers[0].moving_mean, 0.5 * x.mean(0), atol=1e-6)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.get_config()["rho"] == 0.2 and again.adaptive
    np.testing.assert_array_equal(again.predict(x, verbose=0), inner.predict(x, verbose=0))
    assert model.evaluate(x, y, verbose=0) == again.evaluate(x, y, verbose=0)
    for each in (model, again):
        each.fit(x, y, batch_size=12, shuffle=False, verbose=0)
    for ours, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_what_does_not_fit_is_refused_in_words(monkeypatch):
    with pytest.raises(TypeError, match="SAM: expected a keras.Model"):
        optimizers.SAM(optimizers.SGD(0.1))
    with pytest.raises(ValueError, match="SAM: `rho`"):
        optimizers.SAM(regression(), rho=-1.0)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(NotImplementedError, match="TensorFlow backend only"):
        optimizers.SAM(regression())

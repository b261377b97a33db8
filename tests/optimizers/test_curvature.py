"""SophiaModel's estimates against second derivatives written out in NumPy, and its use in `fit`."""

import keras
import numpy as np
import pytest

import optimizers
from optimizers import SophiaModel
from optimizers.wrappers.sophia_model import ESTIMATORS

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="SophiaModel is for the TensorFlow backend"
)

RANDOM = np.random.RandomState(0)
FEATURES = RANDOM.normal(size=(24, 5)).astype("float32")
TARGETS = RANDOM.normal(size=(24, 3)).astype("float32")
CLASSES = RANDOM.randint(3, size=24)


def network(*layers):
    keras.utils.set_random_seed(3)
    return keras.Sequential([keras.Input((5,)), *layers, keras.layers.Dense(3, name="last")])


def compiled(model, loss="mse", **arguments):
    options = {"learning_rate": 0.01, "beta_2": 0.0, "update_period": 2, **arguments}
    model.compile(optimizers.Sophia(**options), loss, jit_compile=False)
    return model


def softmax_loss():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def curvatures(model):
    return [slot.numpy() for slot in model.optimizer._curvatures]


def one_step(model, targets=TARGETS):
    model.fit(FEATURES, targets, batch_size=len(FEATURES), shuffle=False, verbose=0)


def test_hutchinson_multiplies_the_hessian(monkeypatch):
    """In the direction (1, 2, ...), of a linear model with the mean squared error, whose Hessian is known."""
    import tensorflow as tf

    def drawn(self, distribution, shape, dtype, place):
        return tf.reshape(tf.range(1, 1 + np.prod(shape), dtype=dtype), shape)

    monkeypatch.setattr(SophiaModel, "_drawn", drawn)
    model = compiled(SophiaModel(network()))
    one_step(model)
    extended = np.hstack([FEATURES, np.ones((24, 1))])
    hessian = 2 * extended.T @ extended / TARGETS.size  # of each column of the kernel and its bias, alike
    direction = np.vstack([np.arange(1, 16).reshape(5, 3), np.arange(1, 4)])
    expected = direction * (hessian @ direction)
    kernel, bias = curvatures(model)
    np.testing.assert_allclose(kernel, expected[:5], rtol=1e-4)
    np.testing.assert_allclose(bias, expected[5], rtol=1e-4)


def test_hutchinson_is_right_on_average():
    model = compiled(SophiaModel(network()), learning_rate=0.0, beta_2=0.99, update_period=1)
    model.fit(np.tile(FEATURES, (300, 1)), np.tile(TARGETS, (300, 1)), batch_size=24, shuffle=False, verbose=0)
    ratios = curvatures(model)[0] / (1 - 0.99**300) / (2 * np.mean(FEATURES**2, axis=0)[:, None] / 3)
    assert np.abs(ratios - 1).max() < 0.5
    assert abs(ratios.mean() - 1) < 0.1


def test_gauss_newton_bartlett_squares_the_gradient_of_drawn_labels(monkeypatch):
    import tensorflow as tf

    # With the same noise everywhere the drawn label is the likeliest.
    monkeypatch.setattr(SophiaModel, "_drawn", lambda self, draw, shape, dtype, place: tf.fill(shape, 0.5))
    inner = network()
    logits = inner.predict(FEATURES, verbose=0)
    model = compiled(SophiaModel(inner, "gauss-newton-bartlett"), softmax_loss())
    one_step(model, CLASSES)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    errors = probabilities - np.eye(3)[logits.argmax(axis=1)]
    kernel, bias = curvatures(model)
    np.testing.assert_allclose(kernel, 24 * (FEATURES.T @ errors / 24) ** 2, rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(bias, 24 * errors.mean(axis=0) ** 2, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_is_made_at_each_kth_step_only_and_follows_from_seed_and_step(estimator):
    def trained(seed=1):
        model = compiled(SophiaModel(network(), estimator, seed), softmax_loss(), beta_2=0.5)
        for _ in range(3):
            one_step(model, CLASSES)
            yield curvatures(model)[0]

    first, second, third = trained()
    assert np.abs(first).max() > 0
    np.testing.assert_array_equal(first, second)
    assert np.abs(third - second).max() > 0
    np.testing.assert_array_equal(third, list(trained())[-1])
    assert np.abs(third - list(trained(seed=2))[-1]).max() > 0


def test_moving_averages_see_each_batch_once():
    def statistics(wrap):
        inner = network(keras.layers.Dense(4), keras.layers.BatchNormalization(name="normalization"))
        one_step(compiled(wrap(inner), learning_rate=0.0))
        return inner.get_layer("normalization").moving_mean.numpy()

    np.testing.assert_allclose(statistics(SophiaModel), statistics(lambda model: model), atol=1e-7)


def test_trains_by_plain_fit_and_goes_on_bit_exactly_from_a_file(tmp_path):
    def fit(model, epochs=1):
        return model.fit(FEATURES, CLASSES, batch_size=8, epochs=epochs, shuffle=False, verbose=0)

    model = SophiaModel(network(keras.layers.Dense(8, activation="tanh")))
    compiled(model, softmax_loss(), beta_2=0.9)
    losses = fit(model, epochs=15).history["loss"]
    assert losses[-1] < 0.9 * losses[0]
    assert [w.path for w in model.weights] == [w.path for w in model.inner.weights]
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.models.load_model(path)
    fit(model)
    fit(loaded)
    assert isinstance(loaded, SophiaModel)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True))


def test_refuses_other_backends_optimizers_and_estimators(monkeypatch):
    with pytest.raises(ValueError, match="hutchinson"):
        SophiaModel(network(), "exact")
    model = SophiaModel(network())
    model.compile(optimizers.Adam(1e-3), "mse", jit_compile=False)
    with pytest.raises(ValueError, match="trains with `Sophia`"):
        one_step(model)
    inner = network()
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(NotImplementedError, match="SophiaModel trains on Keras's TensorFlow backend only.*'jax'"):
        SophiaModel(inner)

"""EvaluationWeights: where the weights for evaluation are in the model, without a trace in the training."""

import subprocess
import sys

import keras
import numpy as np
import pytest

import optimizers
from tests.optimizers import averaging_oracles, oracles, problem, resume
from tests.optimizers.running import run, schedule, variables
from tests.optimizers.table import TABLE

MAKE = {
    "schedule-free": lambda: optimizers.ScheduleFreeAdamW(0.05),
    "swa": lambda: optimizers.SWA(optimizers.SGD(0.1), start=3, period=2),
    "average": lambda: optimizers.Adam(0.05, use_ema=True, ema_momentum=0.8),
    "asgd": lambda: optimizers.ASGD(0.1, t0=2.0),
    "around": lambda: optimizers.Lookahead(optimizers.ScheduleFreeSGD(0.2), sync_period=3),
    "lookahead": lambda: optimizers.Lookahead(optimizers.Adam(0.05), sync_period=3),
}
EACH = pytest.mark.parametrize("name", MAKE)


def swapped(optimizer, steps=17):
    """The variables after training, at the weights for evaluation, and back."""
    on = variables("float64")
    trained = run(optimizer, "float64", "graph", problem.gradients(steps), on)
    optimizer.swap_evaluation_weights()
    there = [variable.numpy() for variable in on]
    optimizer.swap_evaluation_weights()
    for variable, value in zip(on, trained, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    return there


def paths(rule, steps=17):
    """Weights and their weights for evaluation after each update, by an oracle."""
    rules = [rule() for _ in problem.SHAPES]
    weights, path, evaluation = problem.weights(), [], None
    for t, (gradients, rate) in enumerate(
        zip(problem.gradients(steps), problem.rates(0.01, problem.STEPS)[:steps], strict=True), 1
    ):
        weights = [one(w, g, t, rate) for one, w, g in zip(rules, weights, gradients, strict=True)]
        evaluation = [getattr(one, "evaluation", None) for one in rules]
        path.append(weights)
    return path, evaluation


def test_schedule_free_evaluates_at_x():
    arguments = {"beta_1": 0.7, "beta_2": 0.9, "epsilon": 0.05, "warmup_steps": 5}
    made = optimizers.ScheduleFreeAdamW(schedule(0.01), **arguments)
    _, expected = paths(lambda: averaging_oracles.schedule_free_adamw(**arguments))
    for ours, x in zip(swapped(made), expected, strict=True):
        np.testing.assert_allclose(ours, x, rtol=0, atol=1e-9)


@pytest.mark.parametrize("start, period", [(5, 3), (0, 1), (30, 2)])
def test_swa_is_the_mean_of_the_weights(start, period):
    path, _ = paths(lambda: oracles.sgd(momentum=0.8))
    expected = averaging_oracles.swa(path, start, period) if start < 17 else path[-1]
    made = optimizers.SWA(optimizers.SGD(schedule(0.01), momentum=0.8), start, period)
    for ours, mean in zip(swapped(made), expected, strict=True):
        np.testing.assert_allclose(ours, mean, rtol=0, atol=1e-9)


class Seen(keras.callbacks.Callback):
    """Writes the weights down at the end of each epoch and at the beginning of each evaluation and prediction."""

    def __init__(self):
        super().__init__()
        self.epochs, self.tests, self.batches = [], [], []

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(self.model.get_weights())

    def on_test_batch_begin(self, batch, logs=None):
        self.tests.append(self.model.get_weights())

    def on_train_batch_begin(self, batch, logs=None):
        self.batches.append(self.model.get_weights())


def data():
    random = np.random.RandomState(4)
    return random.normal(size=(40, 6)).astype("float32"), random.normal(size=(40, 2)).astype("float32")


def fit(model, *callbacks, epochs=2, **arguments):
    features, targets = data()
    validation = (features[:8], targets[:8])
    arguments = {"validation_data": validation, **arguments}
    model.fit(
        features, targets, batch_size=8, epochs=epochs, shuffle=False, verbose=0, callbacks=[*callbacks], **arguments
    )
    return model


def fresh(name):
    keras.utils.set_random_seed(5)
    return resume.model(MAKE[name]())


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@EACH
def test_everything_in_fit_sees_them_and_training_does_not(name, tmp_path):
    plain, seen = Seen(), Seen()
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    # The callbacks that look come first in the list: they see the weights for evaluation nonetheless.
    model = fit(fresh(name), seen, checkpoint, optimizers.EvaluationWeights())
    final = model.get_weights()
    fit(fresh(name), plain)
    assert all(same(ours, theirs) for ours, theirs in zip(seen.batches, plain.batches, strict=True))
    assert not same(seen.epochs[0], plain.epochs[0])
    assert same(seen.tests[0], seen.epochs[0]) and same(seen.epochs[1], final)
    assert same(keras.models.load_model(tmp_path / "1.keras").get_weights(), seen.epochs[0])
    assert same(keras.models.load_model(tmp_path / "2.keras").get_weights(), final)


def test_evaluate_and_predict_by_themselves():
    features, targets = data()
    model = fit(fresh("schedule-free"))
    trained, seen = model.get_weights(), Seen()
    predicted = model.predict(features, verbose=0, callbacks=[optimizers.EvaluationWeights()])
    assert not np.allclose(predicted, model.predict(features, verbose=0))
    for _ in range(2):
        model.evaluate(features, targets, verbose=0, callbacks=[optimizers.EvaluationWeights(), seen])
        assert same(model.get_weights(), trained) and not same(seen.tests[-1], trained)
    model.optimizer.swap_evaluation_weights()
    np.testing.assert_array_equal(model.predict(features, verbose=0), predicted)
    model.evaluate(features, targets, verbose=0, callbacks=[optimizers.EvaluationWeights()])
    assert model.optimizer.at_evaluation_weights


def test_an_interruption_leaves_no_trace():
    class Stop(keras.callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    model, other = fresh("swa"), fresh("swa")
    with pytest.raises(KeyboardInterrupt):
        fit(model, optimizers.EvaluationWeights(), Stop(), epochs=1)
    assert model.optimizer.at_evaluation_weights
    fit(model, optimizers.EvaluationWeights(), epochs=1)
    fit(other, optimizers.EvaluationWeights())
    assert same(model.get_weights(), other.get_weights())


@pytest.mark.matrix
def test_a_training_in_another_process_goes_on_to_the_bit(tmp_path):
    expected = {}
    for name in MAKE:
        model = fit(fresh(name), optimizers.EvaluationWeights(), epochs=1)
        model.save(tmp_path / f"{name}.keras")
        expected[name] = fit(model, optimizers.EvaluationWeights(), epochs=1).get_weights()
    subprocess.run([sys.executable, "-m", "tests.optimizers.test_evaluation", str(tmp_path)], check=True)
    for name, weights in expected.items():
        with np.load(tmp_path / f"{name}.npz") as reached:
            assert same([reached[key] for key in reached.files], weights), name


def test_statistics_are_made_anew():
    features, targets = data()
    layers = [keras.Input((6,)), keras.layers.BatchNormalization(momentum=0.9), keras.layers.Dense(2)]
    keras.utils.set_random_seed(5)
    model = keras.Sequential(layers)
    model.compile(optimizers.SWA(optimizers.SGD(0.1), start=2), "mse")
    batches = [features[:20] + 3, features[20:] - 1]
    seen = Seen()
    model.fit(features, targets, verbose=0, batch_size=8, callbacks=[optimizers.EvaluationWeights(batches), seen])
    norm = model.layers[0]
    np.testing.assert_allclose(norm.moving_mean, (batches[0].mean(0) + batches[1].mean(0)) / 2, atol=1e-5)
    np.testing.assert_allclose(norm.moving_variance, (batches[0].var(0) + batches[1].var(0)) / 2, atol=1e-5)
    assert norm.momentum == 0.9


def test_nothing_to_swap_is_said_in_one_sentence():
    for optimizer in (optimizers.Adam(0.1), keras.optimizers.Adam(0.1), optimizers.Cautious(optimizers.Adam(0.1))):
        with pytest.raises(ValueError, match="EvaluationWeights: .* evaluates at the weights that it trains"):
            fit(resume.model(optimizer), optimizers.EvaluationWeights())
    with pytest.raises(ValueError, match="nothing to swap"):
        optimizers.Adam(0.1).swap_evaluation_weights()


def test_before_the_first_update_and_for_variables_without_gradient_nothing_is_exchanged():
    made = optimizers.ScheduleFreeSGD(0.1, groups=[{"match": "w0", "frozen": True}])
    on = variables("float32")
    made.build(on)
    made.swap_evaluation_weights()
    assert not made.at_evaluation_weights and same(
        [v.numpy() for v in on], [w.astype("float32") for w in problem.weights()]
    )
    run(made, gradients=problem.gradients(3), on=on)
    made.swap_evaluation_weights()
    assert made.at_evaluation_weights and on[0].numpy() == np.float32(problem.weights()[0])


def test_each_optimizer_that_averages_is_tried_here():
    kinds = {row.build for row in TABLE if row.build.averages}
    assert kinds == {optimizers.ASGD, optimizers.ScheduleFreeSGD, optimizers.ScheduleFreeAdamW}


if __name__ == "__main__":
    from pathlib import Path

    for path in sorted(Path(sys.argv[1]).glob("*.keras")):
        loaded = fit(keras.models.load_model(path), optimizers.EvaluationWeights(), epochs=1)
        np.savez(path.with_suffix(".npz"), *loaded.get_weights())

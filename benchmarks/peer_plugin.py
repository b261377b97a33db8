"""A pytest plugin that puts our optimizers where a peer's test suite imports the peer's own.

`peer_suites.py` starts pytest with `-p peer_plugin`, in a checkout of the peer. PEER_REPLACE names what is replaced
("keras", "addons" or nothing), PEER_RECORD the file that gets one line of JSON for each test.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import types
from pathlib import Path

# Arguments of tensorflow-addons' that ours do not have, where the value means that the feature is off.
OFF = {
    "amsgrad": False,
    "grad_averaging": False,
    "l1_regularization_strength": 0.0,
    "l2_regularization_strength": 0.0,
    "rectify": False,
    "total_steps": 0,
}
# Keras's module and class: ours.
KERAS = {
    ("adadelta", "Adadelta"): "Adadelta",
    ("adafactor", "Adafactor"): "Adafactor",
    ("adagrad", "Adagrad"): "AdaGrad",
    ("adam", "Adam"): "Adam",
    ("adamax", "Adamax"): "AdaMax",
    ("adamw", "AdamW"): "AdamW",
    ("ftrl", "Ftrl"): "FTRL",
    ("lamb", "Lamb"): "LAMB",
    ("lion", "Lion"): "Lion",
    ("muon", "Muon"): "Muon",
    ("nadam", "Nadam"): "NAdam",
    ("rmsprop", "RMSprop"): "RMSProp",
    ("schedule_free_adamw", "ScheduleFreeAdamW"): "ScheduleFreeAdamW",
    ("sgd", "SGD"): "SGD",
}


def replace_keras() -> None:
    """Ours under every name by which Keras and its tests reach its optimizers."""
    import keras

    import optimizers

    source = sys.modules["keras.src.optimizers"]
    for (module, name), own in KERAS.items():
        cls = getattr(optimizers, own)
        setattr(sys.modules[f"keras.src.optimizers.{module}"], name, cls)
        for namespace in (source, keras.optimizers):
            if hasattr(namespace, name):
                setattr(namespace, name, cls)
        if name.lower() in source.ALL_OBJECTS_DICT:
            source.ALL_OBJECTS_DICT[name.lower()] = cls
    if keras.backend.backend() == "torch":
        # There, what is called Adam is made as a subclass with Keras's own step.
        from keras.src.backend.torch.optimizers.torch_optimizer import TorchOptimizer

        TorchOptimizer.__new__ = lambda cls, *args, **kwargs: object.__new__(cls)


def replace_addons() -> None:
    """A `tensorflow_addons` that consists of our optimizers and of the checkout's test helpers.

    The package itself needs Keras 2. Its arguments are translated here, and its defaults kept, so that the rules are
    compared.
    """
    import keras
    import tensorflow as tf

    import optimizers

    def inner(optimizer):
        return optimizers.get(optimizer) if isinstance(optimizer, str) else optimizer

    def sgd(learning_rate=0.01, lr=None, **kwargs):
        return optimizers.SGD(lr or learning_rate, **kwargs)

    adam = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
    made = {
        "AdaBelief": _translated(optimizers.AdaBelief, **{**adam, "epsilon": 1e-14}),
        "COCOB": lambda alpha=100.0: optimizers.COCOB(1.0, alpha=float(alpha)),
        "LAMB": _translated(optimizers.LAMB, **{**adam, "epsilon": 1e-6}),
        "LazyAdam": lambda *args, **kwargs: optimizers.LazySparse(
            _translated(optimizers.Adam, **adam)(*args, **kwargs)
        ),
        "Lookahead": lambda optimizer, sync_period=6, slow_step_size=0.5: optimizers.Lookahead(
            inner(optimizer), sync_period, slow_step_size
        ),
        "NovoGrad": _translated(optimizers.NovoGrad, **adam),
        "RectifiedAdam": _translated(optimizers.RAdam, **adam),
        "SWA": lambda optimizer, start_averaging=0, average_period=10: optimizers.SWA(
            inner(optimizer), start_averaging, average_period
        ),
        "Yogi": _translated(optimizers.Yogi, **{**adam, "learning_rate": 0.01, "epsilon": 1e-3}),
    }
    package = _module("tensorflow_addons", "tensorflow_addons")
    package.optimizers = _module("tensorflow_addons.optimizers", "tensorflow_addons/optimizers")
    vars(package.optimizers).update(made)
    for module, name in (("lamb", "LAMB"), ("lazy_adam", "LazyAdam"), ("yogi", "Yogi")):
        vars(_module(f"tensorflow_addons.optimizers.{module}"))[name] = made[name]
        setattr(package.optimizers, module, sys.modules[f"tensorflow_addons.optimizers.{module}"])
    package.optimizers.stochastic_weight_averaging = _module("tensorflow_addons.optimizers.stochastic_weight_averaging")
    package.optimizers.stochastic_weight_averaging.SWA = made["SWA"]
    _module("keras.src.testing_infra")
    _module("keras.src.testing_infra.test_utils").layer_test = None
    tf.keras.optimizers.legacy.SGD = sgd

    # The Keras 2 optimizer interface that the tests use.
    base = optimizers.Optimizer
    base._get_hyper = lambda self, name: tf.convert_to_tensor(getattr(getattr(self, "inner", self), name))
    base.lr = property(lambda self: keras.ops.convert_to_tensor(self.learning_rate), base.learning_rate.fset)

    def minimize(self, loss, var_list):
        with tf.GradientTape() as tape:
            value = loss()
        self.apply(tape.gradient(value, var_list), var_list)

    base.minimize = minimize
    optimizers.SWA.assign_average_vars = lambda self, variables: self.swap_evaluation_weights()


def _translated(cls, **defaults):
    """The constructor of `cls` with Keras 2's argument names and tensorflow-addons' order and defaults."""

    @functools.wraps(cls, updated=())
    def make(*args, lr=None, beta1=None, beta2=None, **kwargs):
        short = {"learning_rate": lr, "beta_1": beta1, "beta_2": beta2}
        given = {**dict(zip(defaults, args, strict=False)), **{k: v for k, v in short.items() if v is not None}}
        given.update({k: v for k, v in kwargs.items() if k not in OFF or v != OFF[k]})
        return cls(**{**defaults, **given})

    return make


def _module(name, folder=None):
    module = sys.modules[name] = types.ModuleType(name)
    module.__path__ = [str(Path(folder).absolute())] if folder else []
    return module


class Recorder:
    """Writes each test's outcome; of a failure the error too."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")
        self.errors = {}

    def pytest_runtest_logreport(self, report):
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            self.errors.setdefault(report.nodeid, crash.message if crash else str(report.longrepr))
        if report.when == "teardown":
            self._write(report.nodeid, "failed" if report.nodeid in self.errors else self.passed)
        elif report.when == "call" or report.skipped:
            self.passed = "skipped" if report.skipped else "passed"

    def pytest_collectreport(self, report):
        if report.failed:
            self.errors[report.nodeid] = str(report.longrepr)
            self._write(report.nodeid, "failed")

    def _write(self, name, outcome):
        row = {"test": name, "outcome": outcome, "error": self.errors.get(name, "")[:4000]}
        self.file.write(json.dumps(row) + "\n")
        self.file.flush()


def pytest_load_initial_conftests():
    if os.environ["PEER_REPLACE"] == "addons":  # its conftest imports the package
        replace_addons()


def pytest_configure(config):
    config.pluginmanager.register(Recorder(os.environ["PEER_RECORD"]), "peer-recorder")
    if os.environ["PEER_REPLACE"] == "keras":  # after its conftest, which imports torch before TensorFlow
        replace_keras()

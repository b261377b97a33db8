"""Every layer, model, loss, metric, schedule and callback of ours through Keras's ways to copy and to save.

The classes are found, not listed: one without a row in a table below fails `test_every_class_has_a_row`.
"""

import copy
import dataclasses
import importlib
import inspect
import json
import pickle
import pkgutil
import re
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

import optimizers
import zoo
from optimizers.evaluation import EvaluationWeights
from optimizers.schedules import InverseSquareRoot, OneCycle, WarmupCosine, WarmupLinear
from optimizers.wrappers.model_wrapper import ModelWrapper
from optimizers.wrappers.sam import SAM
from optimizers.wrappers.sophia_model import SophiaModel
from zoo.classifiers.text_cnn import HashedNgrams
from zoo.layers.attention import CrossAttention, SelfAttention
from zoo.layers.embedding import Embedding
from zoo.layers.recurrence import AdditiveScores, GeneralScores, Reader, Step
from zoo.layers.sequence import SequenceModel
from zoo.lstms.lstm_attention import Bahdanau, LSTMAttention, Luong
from zoo.lstms.pointer_generator import PointerGenerator
from zoo.scaling.backup import Backup
from zoo.scaling.replicas import Replicas
from zoo.tasks.classification import SmoothedCrossentropy
from zoo.tasks.sequence_loss import SequenceCrossentropy, TokenAccuracy
from zoo.training.resuming import Resumable
from zoo.transformers.hub import HubSeq2Seq
from zoo.transformers.transformer import DecoderBlock, EncoderBlock, PositionalEmbedding, Transformer

KINDS = (
    keras.layers.Layer,
    keras.losses.Loss,
    keras.metrics.Metric,
    keras.optimizers.schedules.LearningRateSchedule,
    keras.callbacks.Callback,
    keras.initializers.Initializer,
    keras.regularizers.Regularizer,
    keras.constraints.Constraint,
)
# Bases, and what only `zoo train` makes: none of them is saved or copied.
NOT_SAVED = {SequenceModel, LSTMAttention, ModelWrapper, Replicas, Resumable}


@dataclasses.dataclass
class Row:
    """The arguments and the call of a layer under test.

    Args:
        arguments: All arguments of its constructor, each different from its default; or what makes them.
        inputs: Arrays, or dicts of them, in the order of the arguments of `call`.
        dtype: Of its outputs under "mixed_bfloat16".
    """

    arguments: dict | Callable[[], dict]
    inputs: tuple
    dtype: str = "bfloat16"

    def made_with(self) -> dict:
        return self.arguments() if callable(self.arguments) else self.arguments


def numbers(*shape):
    return np.random.default_rng(len(shape)).normal(size=shape).astype("float32")


TOKENS = np.array([[4, 7, 5, 0, 0], [6, 4, 5, 9, 4]], "int32")
BIAS = np.where(TOKENS == 0, -1e9, 0.0).astype("float32")[:, None, None]  # B 1 1 S
TEXTS = {"source": TOKENS, "target": TOKENS[:, ::-1].copy()}
BLOCK = {"width": 8, "heads": 2, "hidden": 6, "norm": "post", "activation": "silu", "dropout": 0.25}
HEADS = numbers(2, 2, 5, 4)  # B H S D/H
SPREAD = {"embeddings_initializer": keras.initializers.RandomNormal(stddev=0.3, seed=1)}
TABLE = {"input_dim": 12, "output_dim": 6, "tie_weights": False, **SPREAD}
LSTMS = {"vocabulary": 12, "width": 6, "units": 4, "layers": 2, "dropout": 0.25, "tied": False, "cell": "gru"}


def dense():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)], name="inner")


def t5():
    import keras_hub

    return keras_hub.models.T5Backbone(
        vocabulary_size=12, num_layers=1, num_heads=2, hidden_dim=8, intermediate_dim=8, name="t5"
    )


LAYERS = {
    SelfAttention: Row({"width": 8, "heads": 2}, (numbers(2, 5, 8), BIAS)),
    CrossAttention: Row({"width": 8, "heads": 2}, (numbers(2, 3, 8), HEADS, HEADS + 1, BIAS)),
    Embedding: Row(TABLE, (TOKENS,)),
    PositionalEmbedding: Row(TABLE, (TOKENS,)),
    Reader: Row({"units": 4, "layers": 2, "dropout": 0.25, "cell": "gru"}, (numbers(2, 5, 3), TOKENS > 0)),
    Step: Row({"units": 4, "known": 3, "carried": 2, "cell": "gru"}, tuple(numbers(2, n) for n in (12, 2, 4, 4))),
    AdditiveScores: Row(
        {"units": 4, "width": 6, "coverage": True}, (numbers(2, 3), numbers(2, 5, 4), numbers(2, 5) ** 2)
    ),
    GeneralScores: Row({"units": 3, "width": 6}, (numbers(2, 3), numbers(2, 5, 3))),
    EncoderBlock: Row(BLOCK, (numbers(2, 5, 8), BIAS)),
    DecoderBlock: Row(BLOCK, (numbers(2, 5, 8), np.zeros((2, 1, 1, 5), "float32"), HEADS, HEADS + 1, BIAS)),
    HashedNgrams: Row({"classes": 3, "buckets": 16, "ngrams": (1, 2), "dropout": 0.25}, (TOKENS,)),
    # Inside of another layer, Keras's ReversibleEmbedding multiplies in the type of its variables.
    Transformer: Row({**BLOCK, "vocabulary": 12, "layers": 2, "tied": False}, (TEXTS,), dtype="float32"),
    Luong: Row(LSTMS, (TEXTS,), dtype="float32"),
    Bahdanau: Row(LSTMS, (TEXTS,), dtype="float32"),
    PointerGenerator: Row(
        {"vocabulary": 12, "width": 6, "units": 4, "coverage": 0.5, "smoothing": 0.1, "dropout": 0.25, "cell": "gru"},
        (TEXTS,),
        dtype="float32",  # probabilities
    ),
    # The models that hold another have its types.
    HubSeq2Seq: Row(lambda: {"backbone": t5(), "padding": 1, "start": 0, "end": 2}, (TEXTS,), dtype="float32"),
    SAM: Row(lambda: {"model": dense(), "rho": 0.4, "adaptive": True, "eta": 0.3}, (numbers(2, 3),), dtype="float32"),
    SophiaModel: Row(
        lambda: {"model": dense(), "estimator": "gauss-newton-bartlett", "seed": 3}, (numbers(2, 3),), dtype="float32"
    ),
}
OTHERS = {
    SequenceCrossentropy: {"smoothing": 0.25, "name": "given", "reduction": "none", "dtype": "bfloat16"},
    SmoothedCrossentropy: {"smoothing": 0.25, "name": "given", "reduction": "none", "dtype": "bfloat16"},
    TokenAccuracy: {"name": "given", "dtype": "bfloat16"},
    WarmupCosine: {"peak": 2.0, "warmup_steps": 3, "total_steps": 9, "final": 0.5},
    WarmupLinear: {"peak": 2.0, "warmup_steps": 3, "total_steps": 9, "final": 0.5},
    InverseSquareRoot: {"peak": 2.0, "warmup_steps": 3},
    OneCycle: {"peak": 2.0, "total_steps": 9, "rising": 0.5, "start_division": 5.0, "final_division": 7.0},
}
CALLBACKS = {
    EvaluationWeights: {"statistics": [1, 2]},
    Backup: {"path": "run/backup.h5", "delete_checkpoint": False},
}


def each_layer(slow: tuple, others: tuple = ()):
    """The layers as a test's parameter; in a plain run without those that take seconds."""
    marks = {cls: pytest.mark.matrix if issubclass(cls, slow) else [] for cls in (*LAYERS, *others)}
    return pytest.mark.parametrize("cls", [pytest.param(cls, marks=marks[cls], id=cls.__name__) for cls in marks])


RUN_SLOWLY = (LSTMAttention, PointerGenerator, HubSeq2Seq)
POLICIES = ["mixed_bfloat16", keras.DTypePolicy("mixed_bfloat16")]


def descendants(cls) -> set:
    return {each for child in cls.__subclasses__() for each in {child, *descendants(child)}}


def test_every_class_has_a_row():
    for package in (zoo, optimizers):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    found = {
        cls
        for cls in set().union(*map(descendants, KINDS))
        if cls.__module__.split(".")[0] in ("zoo", "optimizers") and not cls.__name__.startswith("_")
    }
    assert found == {*LAYERS, *OTHERS, *CALLBACKS, *NOT_SAVED}
    sources = (Path(zoo.__file__).parent.parent / "apps").rglob("*.py")
    assert not [path for path in sources if re.search(r"^\s*class .*\bkeras\.", path.read_text("utf-8"), re.M)]


@each_layer(slow=(HubSeq2Seq,), others=tuple(OTHERS))
def test_a_row_gives_all_arguments_and_none_its_default(cls):
    accepted = {
        name: parameter
        for name, parameter in inspect.signature(cls.__init__).parameters.items()
        if name != "self" and parameter.kind != inspect.Parameter.VAR_KEYWORD
    }
    given = LAYERS[cls].made_with() | {"name": "given"} if cls in LAYERS else OTHERS[cls]
    assert accepted.keys() <= given.keys()
    assert not [name for name, parameter in accepted.items() if given[name] == parameter.default]


@each_layer(slow=(HubSeq2Seq,))
@pytest.mark.parametrize("policy", POLICIES, ids=["text", "policy"])
def test_a_layers_config_holds_all_that_it_was_made_with(cls, policy):
    arguments = LAYERS[cls].made_with()
    made = cls(**arguments, name="given", trainable=False, dtype=policy)
    config = made.get_config()
    for name, value in {**arguments, "name": "given", "trainable": False}.items():
        assert config[name] == keras.saving.serialize_keras_object(value)
    assert keras.saving.get_registered_name(cls) == f"menagerie>{cls.__name__}"
    written = json.dumps(keras.saving.serialize_keras_object(made))
    for again in (cls.from_config(config), keras.saving.deserialize_keras_object(json.loads(written))):
        check_kept(again)
        assert json.dumps(again.get_config()) == json.dumps(config)
        assert type(again) is cls
    fresh = cls.from_config(cls(**LAYERS[cls].made_with()).get_config())
    assert fresh.trainable and fresh.dtype_policy == keras.config.dtype_policy()


@each_layer(slow=RUN_SLOWLY)
@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))], ids=["deepcopy", "pickle"]
)
def test_a_copy_of_a_layer_has_its_weights(cls, copied):
    made = cls(**LAYERS[cls].made_with(), name="given", trainable=False, dtype="mixed_bfloat16")
    unbuilt = copied(made)
    check_kept(unbuilt)
    made(*LAYERS[cls].inputs)
    randomize(made)
    again = copied(made)
    check_kept(again)
    assert again is not made
    check_same(again(*LAYERS[cls].inputs), made(*LAYERS[cls].inputs))


@each_layer(slow=RUN_SLOWLY)
def test_a_model_that_holds_a_layer_is_saved_and_cloned_with_it(cls, tmp_path):
    row = LAYERS[cls]
    made = cls(**row.made_with(), name="given", trainable=False, dtype="mixed_bfloat16")
    inputs = [keras.tree.map_structure(_input, each) for each in row.inputs]
    model = keras.Model(inputs, made(*inputs))
    assert made.trainable_variables == model.trainable_variables == []
    randomize(model)
    expected = model(list(row.inputs))
    assert {keras.backend.standardize_dtype(each.dtype) for each in keras.tree.flatten(expected)} == {row.dtype}
    assert all(np.isfinite(np.asarray(each, "float32")).all() for each in keras.tree.flatten(expected))

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    clone, written = keras.models.clone_model(model), keras.models.model_from_json(model.to_json())
    for fresh in (clone, written):
        fresh.set_weights(model.get_weights())
    for again in (loaded, clone, written):
        check_kept(again.get_layer("given"))
        assert again.trainable_variables == []
        if not callable(row.arguments):  # a model inside has names of its own
            assert [v.path for v in again.weights] == [v.path for v in model.weights]
        check_same(again(list(row.inputs)), expected)


@pytest.mark.matrix
@pytest.mark.parametrize("cls", [Transformer, Luong, Bahdanau, PointerGenerator], ids=lambda cls: cls.__name__)
def test_models_that_write_learn_and_search_in_half_precision(cls):
    """Step by step they give what they give at once, but for the rounding of eight bits."""
    model = cls(**LAYERS[cls].made_with(), dtype="mixed_bfloat16")
    loss = None if cls is PointerGenerator else SequenceCrossentropy()
    model.compile(keras.optimizers.SGD(0.1), loss, jit_compile=False)
    before = model.get_weights()
    assert np.isfinite(model.train_on_batch(TEXTS, TOKENS))
    moved = [np.abs(old - new).max() for old, new in zip(before, model.get_weights(), strict=True)]
    assert all(np.isfinite(moved)) and max(moved) > 0
    cache = model.start(model.encode({"source": TEXTS["source"]}), 5)
    whole = np.asarray(keras.ops.log_softmax(keras.ops.cast(model(TEXTS), "float32")))
    for place in range(5):
        logs, cache = model.step(TEXTS["target"][:, place], cache)
        np.testing.assert_allclose(logs, whole[:, place], atol=0.06)


@pytest.mark.parametrize("cls", OTHERS, ids=lambda cls: cls.__name__)
def test_losses_metrics_and_schedules_keep_what_they_were_made_with(cls):
    made = cls(**OTHERS[cls])
    config = made.get_config()
    assert {name: config[name] for name in OTHERS[cls]} == OTHERS[cls]
    written = json.loads(json.dumps(keras.saving.serialize_keras_object(made)))
    copies = [cls.from_config(config), keras.saving.deserialize_keras_object(written)]
    copies += [copy.deepcopy(made), pickle.loads(pickle.dumps(made))]
    for again in copies:
        assert type(again) is cls and again.get_config() == config
    assert keras.saving.get_registered_name(cls) == f"menagerie>{cls.__name__}"


@pytest.mark.parametrize("cls", CALLBACKS, ids=lambda cls: cls.__name__)
def test_callbacks_are_copied(cls):
    made = cls(**CALLBACKS[cls])
    for again in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert type(again) is cls and vars(again) == vars(made)


def _input(array):
    return keras.Input(array.shape[1:], dtype=array.dtype)


def randomize(layer):
    rng = np.random.default_rng(5)
    for variable in layer.weights:
        if keras.backend.is_float_dtype(variable.dtype):
            variable.assign(rng.normal(0, 0.5, variable.shape))


def check_kept(layer):
    assert (layer.name, layer.trainable, layer.dtype_policy.name) == ("given", False, "mixed_bfloat16")
    assert (layer.variable_dtype, layer.compute_dtype) == ("float32", "bfloat16")


def check_same(found, expected):
    found, expected = (keras.tree.flatten(each) for each in (found, expected))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(each).astype("float32") for each in (one, other)))

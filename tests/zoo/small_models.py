"""The catalog's models at a size that a test can afford. An architecture without a line here is built as it is."""

import functools

import keras
import numpy as np

import zoo
from zoo.layers.sequence import SequenceModel

SMALL = {
    "bilstm": {"vocabulary": 50, "width": 8, "units": 6, "layers": 2, "classes": 3},
    "hub_seq2seq": {
        "config": {"vocabulary_size": 50, "num_layers": 1, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 8}
    },
    "lenet5": {"classes": 3},
    "lstm_attention": {"vocabulary": 50, "width": 8, "units": 6, "layers": 2},
    "mobilenet_v2": {"classes": 3, "image_size": 33, "alpha": 0.35},
    "pointer_generator": {"vocabulary": 50, "width": 8, "units": 6},
    "resnet18": {"classes": 3, "image_size": 33, "width": 4},
    "resnet20": {"classes": 3, "image_size": (17, 20), "channels": 1, "width": 4},
    "resnet50": {"classes": 3, "image_size": 33, "width": 4},
    "resnet9": {"classes": 3, "image_size": (17, 20), "channels": 1, "width": 4},
    "text_cnn": {"vocabulary": 50, "width": 8, "filters": 6, "classes": 3, "ngram_buckets": 64},
    "transformer": {"vocabulary": 50, "width": 8, "layers": 2, "heads": 2},
}
SEQUENCE_MODELS = [line.name for line in zoo.catalog.CATALOG if line.task in ("summarization", "translation")]


@functools.cache
def small(name: str, **arguments) -> keras.Model:
    """The model of that name with weights that differ from each other, those of batch normalization too.

    All tests share it: who writes to it leaves it different for the others.
    """
    model = zoo.build(name, **{**SMALL.get(name, {}), **arguments})
    rng = np.random.default_rng(0)
    for variable in model.weights:
        kind = variable.path.split("/")[-1]
        if kind in ("gamma", "moving_variance"):
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        elif kind == "embeddings":
            variable.assign(rng.normal(0, 1, variable.shape))
        elif kind in ("beta", "bias", "moving_mean", "table"):
            variable.assign(rng.normal(0, 0.3, variable.shape))
    return model


def inputs_for(model: keras.Model, batch: int = 3) -> np.ndarray | dict[str, np.ndarray]:
    """Input of the model.

    Random pixels [B, H, W, C], uint8, or token ids [B, T], int32, with padding at the end of the last text; for a
    sequence model such ids of source and target.
    """
    rng = np.random.default_rng(1)
    if isinstance(model, SequenceModel):
        return {
            "source": _tokens(rng, model.vocabulary, (batch, 24)),
            "target": _tokens(rng, model.vocabulary, (batch, 12)),
        }
    shape = [batch, *(side or 24 for side in model.input_shape[1:])]
    if len(shape) == 4:
        return rng.integers(0, 256, shape, dtype="uint8")
    return _tokens(rng, model.get_layer("embedding").input_dim, shape)


def _tokens(rng: np.random.Generator, vocabulary: int, shape) -> np.ndarray:
    tokens = rng.integers(1, vocabulary, shape, dtype="int32")
    tokens[-1, -9:] = 0
    return tokens

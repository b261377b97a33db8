"""Two small sequence models whose answers a test can work out by itself."""

import math

import keras
import numpy as np
from keras import ops

from zoo.layers.sequence import SequenceModel


class Table(SequenceModel):
    """Log-probabilities out of a table: by a source's first token, the step, and a fingerprint of all tokens so far.

    Its state depends on the whole beginning, so that a search that mixes up hypotheses is found out.
    """

    FINGERPRINTS = 11

    def __init__(self, vocabulary=5, steps=4, sources=3, seed=0, scale=2.0, no_end=False):
        super().__init__()
        self.vocabulary = vocabulary
        logits = np.random.default_rng(seed).normal(0, scale, (sources, steps, self.FINGERPRINTS, vocabulary))
        if no_end:
            logits[..., 3] = -50
        self.table = (logits - np.log(np.exp(logits).sum(-1, keepdims=True))).astype("float32")
        self.fingerprints = 0  # how often `step` was traced or run

    def encode(self, inputs):
        return {"first": ops.convert_to_tensor(inputs["source"])[:, 0]}

    def start(self, memory, max_length):
        return {"memory": memory, "state": {"print": ops.zeros_like(memory["first"])}, "index": 0}

    def step(self, tokens, cache):
        self.fingerprints += 1
        index, mark = cache["index"], cache["state"]["print"]
        mark = (mark * 3 + tokens + 1) % self.FINGERPRINTS
        rows = ops.take(ops.convert_to_tensor(self.table), index, axis=1)  # [sources, FINGERPRINTS, V]
        rows = ops.reshape(rows, (-1, self.vocabulary))
        found = ops.take(rows, cache["memory"]["first"] * self.FINGERPRINTS + mark, axis=0)
        return found, {"memory": cache["memory"], "state": {"print": mark}, "index": index + 1}

    def log_probabilities(self, first, beginning):
        """Logits of the token after START and these, in plain Python: [V]."""
        mark = 0
        for token in (2, *beginning):
            mark = (mark * 3 + token + 1) % self.FINGERPRINTS
        return self.table[first, len(beginning), mark].astype(float)


class Attention(SequenceModel):
    """One layer of self-attention with a cache of keys and values, one look at the source, both without learning."""

    def __init__(self, vocabulary=12, width=16, longest=40, seed=0):
        super().__init__()
        self.vocabulary, self.width = vocabulary, width
        rng = np.random.default_rng(seed)
        self.tokens = self.add("tokens", rng.normal(0, 1, (vocabulary, width)))
        self.places = self.add("places", rng.normal(0, 1, (longest, width)))
        names = ("query", "key", "value", "look", "read", "said")
        self.kernels = {name: self.add(name, rng.normal(0, 1.5 / math.sqrt(width), (width, width))) for name in names}
        self.built = True

    def add(self, name, value):
        return self.add_weight(shape=value.shape, initializer=lambda shape, dtype=None: value, name=name)

    def dot(self, x, name):
        return ops.matmul(x, self.kernels[name])

    def look(self, query, keys, values, seen):
        """[B, T, W], [B, S, W], [B, S, W], bool [B, T or 1, S] -> [B, T, W]."""
        weights = ops.matmul(query, ops.transpose(keys, (0, 2, 1))) / math.sqrt(self.width)
        return ops.matmul(ops.softmax(ops.where(seen, weights, -1e9)), values)

    def embed(self, tokens, first=0):
        places = ops.take(self.places, first + ops.arange(tokens.shape[1]), axis=0)
        return ops.take(self.tokens, tokens, axis=0) + places

    def encode(self, inputs):
        source = ops.convert_to_tensor(inputs["source"])
        read = ops.tanh(self.dot(ops.take(self.tokens, source, axis=0), "read"))
        return {"read": read, "there": source != 0}

    def decide(self, x, memory):
        x = x + self.look(self.dot(x, "look"), memory["read"], memory["read"], memory["there"][:, None, :])
        return ops.matmul(ops.tanh(self.dot(x, "said")), ops.transpose(self.tokens))

    def call(self, inputs, training=False):
        target = ops.convert_to_tensor(inputs["target"])
        x = self.embed(target)
        seen = ops.tril(ops.ones((1, target.shape[1], target.shape[1]), "bool"))
        x = x + self.look(*(self.dot(x, name) for name in ("query", "key", "value")), seen)
        return self.decide(x, self.encode(inputs))

    def start(self, memory, max_length):
        empty = ops.zeros((ops.shape(memory["read"])[0], max_length, self.width))
        return {"memory": memory, "state": [empty, empty], "index": 0}

    def step(self, tokens, cache):
        index, (keys, values) = cache["index"], cache["state"]
        x = self.embed(tokens[:, None], index)  # [B, 1, W]
        keys = ops.slice_update(keys, (0, index, 0), self.dot(x, "key"))
        values = ops.slice_update(values, (0, index, 0), self.dot(x, "value"))
        seen = (ops.arange(keys.shape[1]) <= index)[None, None]
        x = x + self.look(self.dot(x, "query"), keys, values, seen)
        found = ops.log_softmax(self.decide(x, cache["memory"])[:, 0])
        return found, {"memory": cache["memory"], "state": [keys, values], "index": index + 1}


def sources(rows, length, vocabulary, seed=0):
    """Random rows of unequal lengths, padded at the end; the first has the full length."""
    rng = np.random.default_rng(seed)
    made = rng.integers(4, vocabulary, (rows, length)).astype("int32")
    for row in range(1, rows):
        made[row, rng.integers(1, length + 1) :] = 0
    return made


__all__ = ["Attention", "Table", "keras", "sources"]

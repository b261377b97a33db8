"""KerasHub's BART and T5 as sequence models: their layers, their weights, our way to ask them.

Papers: BART: Lewis et al. 2019, arXiv:1910.13461; T5: Raffel et al. 2019, arXiv:1910.10683. Layers, caches and
pretrained weights are KerasHub's; here they get the four first token ids of every `SequenceModel`.

    ours       PADDING  UNKNOWN  START    END      the other tokens, in KerasHub's order
    BART       <pad>    <unk>    <s>      </s>
    T5         <pad>    <unk>    <pad>    </s>     one token more: each of the two has half of <pad>'s probability

BART reads <s> before the source, and writes after </s> <s>: the model puts them there. T5 begins with <pad>, as START.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from zoo.errors import UserError
from zoo.hub_backbones import BACKBONES
from zoo.layers.sequence import PADDING, START, SequenceModel

_BART_BASE = {
    "vocabulary_size": 50_265,
    "num_layers": 6,
    "num_heads": 12,
    "hidden_dim": 768,
    "intermediate_dim": 3_072,
    "max_sequence_length": 1_024,
}
_T5_NORM = re.compile(r"t5_layer_norm(_\d+)?")
_PLAIN = (str, int, float, bool, type(None))


def hub_seq2seq(
    backbone: str = "BartBackbone",
    config: Mapping | None = None,
    padding: int = 1,
    start: int = 0,
    end: int = 2,
) -> keras.Model:
    """Builds an untrained BART or T5 of KerasHub.

    Args:
        backbone: "BartBackbone" or "T5Backbone".
        config: Arguments of that class; None are those of BART base.
        padding: KerasHub's id of the token that stands for nothing.
        start: Its id of the token that begins a text; of T5 the same as `padding`.
        end: Its id of the token that ends a text.

    Returns:
        A `SequenceModel`.

    Raises:
        ValueError: Another class, or a value that it cannot use.

    Example:
        >>> sizes = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 8}
        >>> model = hub_seq2seq("T5Backbone", {"vocabulary_size": 50, **sizes}, padding=0, start=0, end=1)
        >>> source, target = keras.ops.array([[5, 3]]), keras.ops.array([[2, 7, 9]])
        >>> tuple(model({"source": source, "target": target}).shape)
        (1, 3, 51)
    """
    import keras_hub

    if backbone not in BACKBONES:
        raise ValueError(f"Expected backbone to be one of {', '.join(BACKBONES)}. Received: backbone={backbone!r}")
    cls = getattr(keras_hub.models, backbone)
    config = dict(_BART_BASE if config is None else config)
    accepted = inspect.signature(cls.__init__).parameters.keys() - {"self", "dtype", "kwargs"}
    for name, value in config.items():
        if name not in accepted or not isinstance(value, _PLAIN):
            raise ValueError(f"{backbone} takes no {name}={value!r}")
    return HubSeq2Seq(cls(**config), padding, start, end)


def order(size: int, padding: int, start: int, end: int) -> np.ndarray:
    """KerasHub's id of each of our tokens, int32."""
    others = [token for token in range(size) if token not in (padding, start, end)]
    if not {padding, start, end} <= set(range(size)) or not others or end in (padding, start):
        raise ValueError(f"no padding={padding}, start={start} and end={end} in a vocabulary of {size} tokens")
    return np.array([padding, others[0], start, end, *others[1:]], np.int32)


@keras.saving.register_keras_serializable("menagerie")
class HubSeq2Seq(SequenceModel):
    """The model that `hub_seq2seq` builds, around a backbone of KerasHub.

    Attributes:
        room: Tokens that it can read, and write, at most; None where that is not bounded.
    """

    def __init__(self, backbone: keras.Model, padding: int, start: int, end: int, name: str = "hub_seq2seq", **kwargs):
        import keras_hub

        super().__init__(name=name, **kwargs)
        known = BACKBONES[type(backbone).__name__]
        self.writer, self.begins = getattr(keras_hub.models, known.writer)(backbone), known.framed
        self.order = order(backbone.vocabulary_size, padding, start, end)
        self.vocabulary = len(self.order)
        self.first, self.last = start, end
        longest = getattr(backbone, "max_sequence_length", None)
        self.room = longest and longest - self.begins
        self.built = True
        if not self.trainable:
            backbone.trainable = False

    @property
    def backbone(self) -> keras.Model:
        """KerasHub's."""
        return self.writer.backbone

    def weight_names(self) -> list[str]:
        """A name for each of `weights`: T5's own paths are numbered by what was built before, and not unique."""
        names = {}
        for layer in self.backbone.layers:
            paths = [variable.path.removeprefix(f"{layer.name}/") for variable in layer.weights]
            norms = list(dict.fromkeys(norm[0] for path in paths if (norm := _T5_NORM.match(path))))
            for path, variable in zip(paths, layer.weights, strict=True):
                path = _T5_NORM.sub(lambda norm, all_=norms: f"norm{all_.index(norm[0]) + 1}", path)
                names[id(variable)] = f"{layer.name}/{path}"
        return [names[id(variable)] for variable in self.weights]

    def call(self, inputs, training=False):
        """{"source": [B, S], "target": [B, T]} -> logits [B, T, V]."""
        source, mask = self._source(inputs["source"])
        target = ops.take(self.order, inputs["target"])
        if self.begins:
            target = _before(self.last, target)
        inputs = {"encoder_token_ids": source, "encoder_padding_mask": mask}
        # Padding stands at the end, where nothing before it looks.
        inputs |= {"decoder_token_ids": target, "decoder_padding_mask": ops.ones_like(target)}
        logits = self.writer(inputs, training=training)
        return self._ordered(logits[:, 1:] if self.begins else logits)

    def encode(self, inputs):
        """{"source": [B, S]} -> states and what of them is no padding."""
        source, mask = self._source(inputs["source"])
        return {"states": self.writer.call_encoder(source, mask), "mask": mask}

    def start(self, memory, max_length):
        """KerasHub's caches of keys and values; what goes before START has been written."""
        if self.room and max_length > self.room:
            raise UserError(f"this model writes at most {self.room} tokens, {max_length} were asked for")
        first = self.last if self.begins else self.first  # of T5: START itself, which `step` writes once more
        tokens = ops.zeros_like(memory["mask"][:, :1]) + first
        backbone = self.backbone
        width = getattr(backbone, "key_value_dim", None) or backbone.hidden_dim // backbone.num_heads
        batch, length = ops.shape(memory["mask"])
        shape = {"self": max_length + self.begins, "cross": length}
        shape = {part: (batch, backbone.num_layers, 2, room, backbone.num_heads, width) for part, room in shape.items()}
        caches = {part: ops.zeros(sizes, memory["states"].dtype) for part, sizes in shape.items()}
        _, own, cross = self._write(tokens, memory, caches["self"], 0, caches["cross"], 0)
        return {"memory": {**memory, "cross": cross}, "state": {"self": own}, "index": ops.zeros((), "int32")}

    def step(self, tokens, cache):
        """The last tokens [B] -> log-probabilities [B, V] of the next ones, and the cache with one position more."""
        index, memory, own = cache["index"], cache["memory"], cache["state"]["self"]
        tokens = ops.take(self.order, tokens)[:, None]
        logits, own, _ = self._write(tokens, memory, own, index + int(self.begins), memory["cross"], None)
        logs = ops.log_softmax(ops.cast(self._ordered(logits)[:, 0], "float32"))
        return logs, {"memory": memory, "state": {"self": own}, "index": index + 1}

    def attention(self, inputs):
        """Cannot be told."""
        raise UserError("KerasHub's layers do not tell where they look; attention can be drawn of our own models only")

    def _source(self, source) -> tuple:
        """Our tokens [B, S] -> KerasHub's and their mask, with <s> before them where the model wants it.

        What stands behind the last position, of which there are `room`, is left out: a search pads sources further.
        """
        source = source[:, : self.room]
        mask = ops.cast(ops.not_equal(source, PADDING), "int32")
        source = ops.take(self.order, source)
        return (_before(self.first, source), _before(1, mask)) if self.begins else (source, mask)

    def _write(self, tokens, memory, own, index, cross, cross_index) -> tuple:
        """Logits [B, 1, V] in KerasHub's order, and both caches."""
        logits, _, own, cross = self.writer.call_decoder_with_cache(
            encoder_hidden_states=memory["states"],
            encoder_padding_mask=memory["mask"],
            decoder_token_ids=tokens,
            self_attention_cache=own,
            self_attention_cache_update_index=index,
            cross_attention_cache=cross,
            cross_attention_cache_update_index=cross_index,
        )
        return logits, own, cross

    def _ordered(self, logits):
        """[B, T, V] in our order; by slices, since the gradient of a gather along the last axis is slow."""
        cuts = np.flatnonzero(np.diff(self.order) != 1) + 1
        runs = np.split(self.order, cuts)
        logits = ops.concatenate([logits[..., int(run[0]) : int(run[-1]) + 1] for run in runs], axis=-1)
        if self.order[PADDING] != self.order[START]:
            return logits
        half = np.zeros(self.vocabulary, "float32")
        half[[PADDING, START]] = math.log(2)
        return logits - ops.cast(half, logits.dtype)

    def get_config(self):
        """The constructor's arguments."""
        own = {"backbone": keras.saving.serialize_keras_object(self.backbone), "padding": int(self.order[PADDING])}
        return {**super().get_config(), **own, "start": self.first, "end": self.last}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model of `get_config`, its backbone made anew."""
        import keras_hub  # noqa: F401 - registers the backbones

        backbone = keras.saving.deserialize_keras_object(config["backbone"], custom_objects=custom_objects)
        return cls(**{**config, "backbone": backbone})


def _before(token: int, tokens):
    """[B, T] -> [B, T + 1]."""
    return ops.concatenate([ops.zeros_like(tokens[:, :1]) + token, tokens], axis=1)

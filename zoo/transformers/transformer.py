"""Transformer: an encoder reads the source at once, a decoder writes the target looking back at it.

Paper: Vaswani et al. 2017, "Attention is all you need", arXiv:1706.03762.

What differs from the paper, and where the constants come from:
- `norm="pre"` normalizes before each block and once at the end of each stack, which trains without a long warm-up
  (Xiong et al. 2020, arXiv:2002.04745); `norm="post"` is the paper's. Epsilon 1e-5, as torch.nn.Transformer has it.
- Source, target and output share one embedding where `tied` (Press and Wolf 2017, arXiv:1608.05859): both languages
  then have one vocabulary. Embeddings begin with deviation D^-0.5, since they are multiplied by D^0.5.
- The positions' encodings are computed, never stored: all sines before all cosines, as Marian has them.
- With `norm="post"`, `activation="silu"` it is Hugging Face's MarianMTModel; see the tests.
- The blocks are not KerasHub's TransformerEncoder and TransformerDecoder: those project queries, keys and values apart,
  and their cache takes no jit-compiled loop.

Shapes, B sequences, S source and T target tokens, width D, V tokens known:

    source     B S      int32, 0 = padding
    encoder    B S D    embedding + position, then N x (self-attention, feed-forward)
    target     B T      int32
    decoder    B T D    N x (self-attention to the left, attention to the encoder, feed-forward)
    logits     B T V
"""

from __future__ import annotations

import keras
from keras import ops

from zoo.layers import arguments
from zoo.layers.attention import NOWHERE, CrossAttention, SelfAttention, causal_bias, padding_bias, sinusoids
from zoo.layers.embedding import Embedding
from zoo.layers.sequence import SequenceModel
from zoo.layers.sublayers import inherited


def transformer(
    vocabulary: int = 8_000,
    width: int = 512,
    layers: int = 6,
    heads: int = 8,
    hidden: int | None = None,
    *,
    norm: str = "pre",
    activation: str = "relu",
    dropout: float = 0.1,
    tied: bool = True,
    features: bool = False,
) -> keras.Model:
    """Builds an encoder-decoder from source and target tokens to logits.

    Args:
        vocabulary: Number of token ids.
        width: Numbers that stand for one token.
        layers: Blocks of the encoder, and of the decoder.
        heads: Attention heads; they divide the width.
        hidden: Width inside the feed-forward blocks; None means 4 x width.
        norm: "pre" or "post": where the normalization stands.
        activation: Of the feed-forward blocks, as Keras names it.
        dropout: Share of the embeddings and of each block's answer that training leaves out, in [0, 1).
        tied: Whether source, target and output share the embedding.
        features: Whether to answer the encoder's states instead.

    Returns:
        A `SequenceModel`; with `features`, a model from source tokens [B, S] to a dict from stride ("1") to states
        [B, S, width].

    Raises:
        ValueError: An argument outside of what is listed above.

    Example:
        >>> model = transformer(vocabulary=100, width=16, layers=1, heads=2)
        >>> source, target = keras.ops.array([[5, 3]]), keras.ops.array([[2, 7, 9]])
        >>> tuple(model({"source": source, "target": target}).shape)
        (1, 3, 100)
    """
    hidden = 4 * width if hidden is None else hidden
    arguments.whole(vocabulary=vocabulary, width=width, layers=layers, heads=heads, hidden=hidden)
    arguments.one_of(("pre", "post"), norm=norm)
    arguments.share(dropout=dropout)
    model = Transformer(vocabulary, width, layers, heads, hidden, norm, activation, dropout, tied)
    if not features:
        return model
    source = keras.Input((None,), dtype="int32", name="source")
    return keras.Model(source, {"1": model.read(source)}, name="transformer_features")


@keras.saving.register_keras_serializable("menagerie")
class Transformer(SequenceModel):
    """The model that `transformer` builds, with its arguments."""

    shares_memory = True

    def __init__(
        self,
        vocabulary,
        width,
        layers,
        heads,
        hidden,
        norm,
        activation,
        dropout,
        tied,
        name="transformer",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.vocabulary, self.width, self.heads = vocabulary, width, heads
        part = inherited(self)
        embedding = {"input_dim": vocabulary, "output_dim": width, **part}
        if tied:
            self.source_embedding = self.target_embedding = PositionalEmbedding(**embedding, name="embedding")
        else:
            self.source_embedding = PositionalEmbedding(**embedding, name="source_embedding")
            self.target_embedding = PositionalEmbedding(**embedding, tie_weights=False, name="target_embedding")
        block = {"width": width, "heads": heads, "hidden": hidden, "norm": norm}
        block |= {"activation": activation, "dropout": dropout, **part}
        self.encoder = [EncoderBlock(**block, name=f"encoder{n}") for n in range(1, layers + 1)]
        self.decoder = [DecoderBlock(**block, name=f"decoder{n}") for n in range(1, layers + 1)]
        last = norm == "pre"
        self.encoder_norm = _norm("encoder_norm", part) if last else None
        self.decoder_norm = _norm("decoder_norm", part) if last else None
        self.dropout = keras.layers.Dropout(dropout, **part, name="embedding_dropout")

        for layer in {self.source_embedding.name: self.source_embedding, "": self.target_embedding}.values():
            if not layer.built:
                layer.build((None, None))
        for layer in [*self.encoder, *self.decoder, *filter(None, (self.encoder_norm, self.decoder_norm))]:
            layer.build((None, None, width))
        self.built = True

    @property
    def vectors(self):
        """The table of the source tokens' vectors, [V, D]."""
        return self.source_embedding.embeddings

    def call(self, inputs, training=False):
        """{"source": [B, S], "target": [B, T]} -> logits [B, T, V]."""
        states = self.read(inputs["source"], training)
        x, _ = self._write(inputs["target"], states, padding_bias(inputs["source"]), training)
        return self._logits(x)

    def read(self, source, training=False):
        """Source tokens [B, S] -> the encoder's states [B, S, D]."""
        bias = padding_bias(source)
        x = self.dropout(self.source_embedding(source), training=training)
        for block in self.encoder:
            x = block(x, bias, training=training)
        return x if self.encoder_norm is None else self.encoder_norm(x)

    def encode(self, inputs):
        """{"source": [B, S]} -> states and what of them is padding."""
        return {"states": self.read(inputs["source"]), "bias": padding_bias(inputs["source"])}

    def start(self, memory, max_length):
        """Keys and values of the source for each block, and empty ones of the target."""
        fixed, state = {"bias": memory["bias"]}, {}
        shape = (ops.shape(memory["states"])[0], self.heads, max_length, self.width // self.heads)
        for n, block in enumerate(self.decoder, 1):
            fixed[f"keys{n}"], fixed[f"values{n}"] = block.cross_attention.project(memory["states"])
            state[f"keys{n}"] = state[f"values{n}"] = ops.zeros(shape, memory["states"].dtype)
        return {"memory": fixed, "state": state, "index": ops.zeros((), "int32")}

    def step(self, tokens, cache):
        """The last tokens [B] -> log-probabilities [B, V] of the next ones, and the cache with one position more."""
        index, memory, state = cache["index"], cache["memory"], dict(cache["state"])
        x = self.target_embedding(tokens[:, None], first=index)
        room = ops.shape(state["keys1"])[2]
        bias = ops.where(ops.arange(room) > index, NOWHERE, 0.0)[None, None, None]
        for n, block in enumerate(self.decoder, 1):
            keys, values = f"keys{n}", f"values{n}"
            x, state[keys], state[values] = block.step(
                x, state[keys], state[values], index, bias, memory[keys], memory[values], memory["bias"]
            )
        logs = ops.log_softmax(ops.cast(self._logits(x)[:, 0], "float32"))
        return logs, {"memory": memory, "state": state, "index": index + 1}

    def attention(self, inputs):
        """Attention of each target position: the last block's weights, the mean of its heads, [B, T, S]."""
        states = self.read(inputs["source"])
        _, weights = self._write(inputs["target"], states, padding_bias(inputs["source"]), False)
        return ops.mean(weights, axis=1)

    def _write(self, target, states, source_bias, training) -> tuple:
        """[B, T] -> the decoder's states [B, T, D] and the last block's weights [B, H, T, S]."""
        bias = causal_bias(ops.shape(target)[1])  # padding stands at the end, where nothing before it looks
        x = self.dropout(self.target_embedding(target), training=training)
        for block in self.decoder:
            x, weights = block(x, bias, *block.cross_attention.project(states), source_bias, training=training)
        return x, weights

    def _logits(self, x):
        x = x if self.decoder_norm is None else self.decoder_norm(x)
        return self.target_embedding(x, reverse=True)

    def get_config(self):
        """The constructor's arguments."""
        blocks = self.encoder[0].get_config()
        own = {name: blocks[name] for name in ("width", "heads", "hidden", "norm", "activation", "dropout")}
        own |= {"vocabulary": self.vocabulary, "layers": len(self.encoder)}
        return {**super().get_config(), **own, "tied": self.source_embedding is self.target_embedding}


@keras.saving.register_keras_serializable("menagerie")
class PositionalEmbedding(Embedding):
    """Tokens -> their vectors and positions; in reverse, states -> logits."""

    def call(self, inputs, reverse=False, first=0):
        """Tokens [B, T], of positions `first` and on -> [B, T, D]; in reverse states [B, T, D] -> logits [B, T, V]."""
        x = super().call(inputs, reverse=reverse)
        if reverse:
            return x
        positions = ops.arange(ops.shape(inputs)[1]) + first
        return x + ops.cast(sinusoids(positions, self.output_dim), x.dtype)


class _Block(keras.layers.Layer):
    """Blocks around a residual stream: x + block(norm(x)), or norm(x + block(x))."""

    def __init__(self, width, hidden, norm, activation, dropout, **kwargs):
        super().__init__(**kwargs)
        part = inherited(self)
        self.pre = norm == "pre"
        self.hidden = keras.layers.Dense(hidden, activation=activation, **part, name="hidden")
        self.out = keras.layers.Dense(width, **part, name="out")
        self.out_norm = _norm("out_norm", part)
        self.dropout = keras.layers.Dropout(dropout, **part, name="dropout")
        self.width, self.inside = width, hidden

    def build(self, shape):
        """Makes the weights of all parts."""
        for layer in self._flatten_layers(include_self=False, recursive=False):
            if layer is not self.out:
                layer.build(shape)
        self.out.build((*shape[:-1], self.inside))

    def _residual(self, x, norm, block, training=False):
        if self.pre:
            return x + self.dropout(block(norm(x)), training=training)
        return norm(x + self.dropout(block(x), training=training))

    def _feed_forward(self, x, training=False):
        return self._residual(x, self.out_norm, lambda x: self.out(self.hidden(x)), training)


@keras.saving.register_keras_serializable("menagerie")
class EncoderBlock(_Block):
    """Self-attention and feed-forward."""

    def __init__(self, *, width, heads, hidden, norm, activation, dropout, **kwargs):
        super().__init__(width, hidden, norm, activation, dropout, **kwargs)
        part = inherited(self)
        self.self_attention = SelfAttention(width, heads, **part, name="self_attention")
        self.self_norm = _norm("self_norm", part)

    def call(self, x, bias, training=False):
        """[B, S, D] -> [B, S, D]."""
        x = self._residual(x, self.self_norm, lambda x: self.self_attention(x, bias), training)
        return self._feed_forward(x, training)

    def get_config(self):
        """The constructor's arguments."""
        own = {"width": self.width, "heads": self.self_attention.heads, "hidden": self.inside}
        own |= {"norm": "pre" if self.pre else "post", "dropout": self.dropout.rate}
        own["activation"] = keras.activations.serialize(self.hidden.activation)
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("menagerie")
class DecoderBlock(EncoderBlock):
    """Self-attention, attention to the source and feed-forward."""

    def __init__(self, *, width, heads, **rest):
        super().__init__(width=width, heads=heads, **rest)
        part = inherited(self)
        self.cross_attention = CrossAttention(width, heads, **part, name="cross_attention")
        self.cross_norm = _norm("cross_norm", part)

    def call(self, x, bias, source_keys, source_values, source_bias, training=False):
        """[B, T, D] -> [B, T, D], and where it looked, [B, H, T, S]."""
        x = self._residual(x, self.self_norm, lambda x: self.self_attention(x, bias), training)
        return self._cross(x, source_keys, source_values, source_bias, training)

    def step(self, x, keys, values, index, bias, source_keys, source_values, source_bias) -> tuple:
        """One position [B, 1, D] -> [B, 1, D], and the keys and values with its own among them.

        The source's keys and values have B / K rows, each for K rows of x in a row.
        """
        kept = []

        def look(x):
            x, *rest = self.self_attention.step(x, keys, values, index, bias)
            kept.extend(rest)
            return x

        x = self._residual(x, self.self_norm, look)
        # The K rows of a source stand side by side like K of its positions, and read its keys and values together.
        beside = ops.reshape(x, (ops.shape(source_keys)[0], -1, self.width))  # B / K, K, D
        beside, _ = self._cross(beside, source_keys, source_values, source_bias)
        return ops.reshape(beside, (-1, 1, self.width)), *kept

    def _cross(self, x, keys, values, bias, training=False) -> tuple:
        weights = []

        def look(x):
            x, seen = self.cross_attention(x, keys, values, bias)
            weights.append(seen)
            return x

        x = self._residual(x, self.cross_norm, look, training)
        return self._feed_forward(x, training), weights[0]


def _norm(name: str, part: dict) -> keras.layers.LayerNormalization:
    return keras.layers.LayerNormalization(epsilon=1e-5, **part, name=name)

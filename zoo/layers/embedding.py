"""The embedding of models that write: it begins with deviation D^-0.5 and is multiplied by D^0.5."""

from __future__ import annotations

import keras


@keras.saving.register_keras_serializable("menagerie")
class Embedding(keras.layers.ReversibleEmbedding):
    """Tokens [...] -> vectors [..., D] of deviation 1; in reverse, states within -1 and 1 -> logits [..., V].

    Args:
        input_dim: V.
        output_dim: D.
        tie_weights: Whether the reverse uses the same numbers.
        embeddings_initializer: None draws from a normal distribution of deviation D^-0.5.
        **kwargs: The other arguments of `keras.layers.ReversibleEmbedding`.
    """

    def __init__(
        self, input_dim: int, output_dim: int, tie_weights: bool = True, embeddings_initializer=None, **kwargs
    ):
        if embeddings_initializer is None:
            embeddings_initializer = keras.initializers.RandomNormal(stddev=output_dim**-0.5)
        super().__init__(input_dim, output_dim, tie_weights, embeddings_initializer, **kwargs)

    def call(self, inputs, reverse=False):
        """Tokens, or states where `reverse`."""
        x = super().call(inputs, reverse=reverse)
        return x if reverse else x * self.output_dim**0.5

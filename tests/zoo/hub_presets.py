"""Tiny BART and T5 presets, written by KerasHub itself, of words from the letters a to j."""

import io

import keras_hub
import numpy as np
import sentencepiece

models = keras_hub.models
LETTERS = "abcdefghij"
SIZES = {"num_layers": 2, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 12}
TEXTS = ["a bad cab", "abba", "dad fed a bee", "jig"]


def bart():
    """A BartSeq2SeqLM that reads and writes 32 tokens."""
    merges = ["Ġ a", "Ġ b", "a b"]
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *LETTERS, "Ġ", *(merge.replace(" ", "") for merge in merges)]
    tokenizer = models.BartTokenizer({token: number for number, token in enumerate(tokens)}, merges)
    backbone = models.BartBackbone(vocabulary_size=len(tokens), max_sequence_length=32, **SIZES)
    preprocessor = models.BartSeq2SeqLMPreprocessor(tokenizer, encoder_sequence_length=32, decoder_sequence_length=32)
    return _mixed(models.BartSeq2SeqLM(backbone, preprocessor), 57, {"kernel": 0.6, "embeddings": 0.6}, 0.1, unlikely=2)


def t5():
    """A T5Seq2SeqLM."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a bad cab deaf", "bee fed a cab", "dad had a bad egg in jail"] * 5),
        model_writer=model,
        vocab_size=30,
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        pad_piece="<pad>",
        eos_piece="</s>",
        unk_piece="<unk>",
        minloglevel=2,
    )
    tokenizer = models.T5Tokenizer(model.getvalue())
    backbone = models.T5Backbone(vocabulary_size=tokenizer.vocabulary_size(), activation="gelu", **SIZES)
    preprocessor = models.T5Seq2SeqLMPreprocessor(tokenizer, encoder_sequence_length=32, decoder_sequence_length=32)
    return _mixed(models.T5Seq2SeqLM(backbone, preprocessor), 19, {}, 0.6, unlikely=1)


def _mixed(model, seed: int, spread: dict[str, float], other: float, unlikely: int):
    """Weights far from 0, and a seed with which the answers to TEXTS differ.

    KerasHub would write <pad> and <s>, the first tokens, which ours never does: they are unlikely here.
    """
    rng = np.random.default_rng(seed)
    for variable in model.backbone.weights:
        kind = variable.path.split("/")[-1]
        far = spread.get(kind, other) * (2 if "position" in variable.path else 1)
        value = rng.normal(kind in ("gamma", "weight"), far, variable.shape)
        if variable.path == "token_embedding/embeddings":
            value[:unlikely] *= 0.01
        variable.assign(value)
    return model

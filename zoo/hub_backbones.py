"""The table of KerasHub's backbones that can be used here. Strings only: KerasHub is imported by who needs it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Backbone:
    """One class of `keras_hub.models`.

    Attributes:
        tokens: The kind of its tokenizer, in `zoo.tasks.sequence_to_sequence.TOKENIZERS`.
        writer: The class of the model around it that writes.
        framed: Whether <s> and </s> stand before source and target.
    """

    tokens: str
    writer: str
    framed: bool


BACKBONES = {
    "BartBackbone": Backbone("bart", "BartSeq2SeqLM", framed=True),
    "T5Backbone": Backbone("t5", "T5Seq2SeqLM", framed=False),
}

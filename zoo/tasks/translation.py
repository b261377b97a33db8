"""Translation: a text in one language -> the text in another."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.data.segments import sentences
from zoo.tasks.sequence_to_sequence import SequenceToSequence


class Translation(SequenceToSequence):
    """Texts of one language -> texts of another.

    A text that is longer than the model reads is translated sentence by sentence.

    Example:
        task = zoo.load("translate-de-en")
        task("Ein Hund läuft durch den Schnee.").text
    """

    name = "translation"

    def __init__(self, model, config, vocabulary: bytes):
        super().__init__(model, config, vocabulary)
        self.languages = tuple(config["languages"])

    def segments(self, text: str) -> list[str]:
        """The whole text where the model can read it, else runs of its sentences that it can read.

        A single sentence that is too long stays whole: the result then says how much of it was used.
        """
        room = self.tokens.length - 1
        if len(self.tokens.numbered([text])[0]) <= room:  # a character may be several tokens
            return [text]
        parts = sentences(text)
        lengths = [len(tokens) for tokens in self.tokens.numbered(parts)]
        runs, filled = [""], 0
        for part, length in zip(parts, lengths, strict=True):
            if filled and filled + length > room:
                runs.append("")
                filled = 0
            runs[-1] += part
            filled += length
        return runs

    def score(self, texts: Sequence[str], references: Sequence[Sequence[str]]) -> dict:
        """BLEU and chrF, 0 to 100, raw case, detokenized (Post 2018, arXiv:1804.08771), and BLEU's signature."""
        from sacrebleu.metrics import BLEU, CHRF

        most = max(map(len, references))
        # Where a text has fewer references than another, sacrebleu wants None in their place.
        columns = [[row[n] if n < len(row) else None for row in references] for n in range(most)]
        bleu, chrf = BLEU(), CHRF()
        score = bleu.corpus_score(texts, columns).score
        signature = str(bleu.get_signature())
        return {"bleu": score, "chrf": chrf.corpus_score(texts, columns).score, "signature": signature}

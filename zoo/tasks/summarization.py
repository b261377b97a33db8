"""Summarization: a long text -> a short one that says the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.data.texts.pairs import Pairs
from zoo.results.generation import Generation
from zoo.tasks.sequence_to_sequence import SequenceToSequence


class Summarization(SequenceToSequence):
    """Texts -> summaries. Of a text that is longer than the model reads, the result says how much was used.

    A text that is read whole, and for which the model writes nothing or nothing shorter, is its own summary: the result
    is `unchanged`.

    Example:
        task = zoo.load("summarize-dialogue")
        task("#Person1#: Are you coming? #Person2#: No, I am ill.").text
    """

    name = "summarization"
    streams_tokens = False  # only a whole summary is known to be shorter than its text

    def _written(self, texts: Sequence[str], options, seed: int, batch_size: int, first: int) -> list[Generation]:
        answers = super()._written(texts, options, seed, batch_size, first)
        lengths = map(len, self.tokens.numbered([answer.text for answer in answers]))
        for place, (text, answer, length) in enumerate(zip(texts, answers, lengths, strict=True)):
            tokens = answer.total_tokens
            if answer.score is not None and not answer.shortened and not 0 < length < tokens:
                answers[place] = Generation(text, 0.0, unchanged=True, used_tokens=tokens, total_tokens=tokens)
        return answers

    def measure(self, examples: Pairs, answers: Sequence[str]) -> dict:
        """ROUGE-1, -2 and -L (Lin 2004), F1 in 0 to 100, stemmed, the MEAN over a text's references."""
        from rouge_score import rouge_scorer

        names = ("rouge1", "rouge2", "rougeL")
        scorer = rouge_scorer.RougeScorer(names, use_stemmer=True)
        rows = [
            np.mean(
                [[scorer.score(reference, text)[name].fmeasure for name in names] for reference in references], axis=0
            )
            for text, references in zip(answers, examples.targets, strict=True)
        ]
        return dict(zip(names, (100 * np.mean(rows, axis=0)).tolist(), strict=True))

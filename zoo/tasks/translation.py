"""Translation: a text in one language -> the text in another."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from zoo.data.texts.pairs import Pairs
from zoo.inputs import capitals, copied_parts
from zoo.inputs.sentences import sentences
from zoo.layers.sequence import UNKNOWN
from zoo.recipe import Recipe
from zoo.results.generation import Generation
from zoo.tasks.sequence_to_sequence import SequenceToSequence

_LONGEST = 2000  # characters of a sentence up to which it is prepared; no model reads as many


@dataclasses.dataclass(frozen=True)
class _Sentence:
    """A sentence as the model reads it.

    Attributes:
        text: What is read.
        kept: What its marks stand for.
        plain: What is read where the marks get lost.
        capitals: Whether the translation is to be in capitals.
        copied: Whether the sentence is its own translation.
    """

    text: str
    kept: dict[str, str] = dataclasses.field(default_factory=dict)
    plain: str = ""
    capitals: bool = False
    copied: bool = False

    def written(self, text: str) -> str | None:
        """A translation as a person gets it; None where a mark is lost."""
        return copied_parts.restored(text.upper() if self.capitals else text, self.kept)


class Translation(SequenceToSequence):
    """Texts of one language -> texts of another.

    A text is translated sentence by sentence. Lines without words stay as they are, words in capitals are read as the
    tokenizer knows them best, and a sentence in capitals is answered in capitals. Numbers, addresses and signs of
    another script stay as they are where the preset has learned to copy marks ("marks" of its preprocessing).

    Example:
        task = zoo.load("translate-de-en")
        task("Ein Hund läuft durch den Schnee.").text
    """

    name = "translation"
    streams_tokens = False  # marks and capitals are given back to whole sentences
    options = {**SequenceToSequence.options, "languages": None}

    def __init__(self, model, config, vocabulary: bytes):
        super().__init__(model, config, vocabulary)
        self.languages = tuple(config["languages"])
        self.marks = copied_parts.MARKS[: config["preprocess"].get("marks", 0)]

    def segments(self, text: str) -> list[str]:
        """The sentences of a text. One that is too long stays whole: the result says how much of it was used."""
        return sentences(text) or [text]

    def prepared(self, text: str) -> _Sentence:
        """A sentence as the model reads it, and what gives its translation the form of the original."""
        if len(text) > _LONGEST:
            return _Sentence(text)
        if copied_parts.wordless(text):
            return _Sentence(text, copied=True)
        marked, parts = copied_parts.marked(text, self.marks)
        folded, every = capitals.folded(marked, self._costs)
        plain = folded
        for mark, part in parts.items():
            plain = plain.replace(mark, part)
        return _Sentence(folded, parts, plain, every)

    def _costs(self, words: Sequence[str]) -> list[int]:
        """The cost of reading each word: its tokens, and more for an unknown one."""
        return [len(numbers) + 2 * numbers.count(UNKNOWN) for numbers in self.tokens.numbered(words)]

    def _written(self, texts: Sequence[str], options, seed: int, batch_size: int, first: int) -> list[Generation]:
        read = [self.prepared(text) for text in texts]
        # A hypothesis of the beam that has lost a mark gives way to one that has not.
        several = options.temperature is None and any(sentence.kept for sentence in read)
        searched = dataclasses.replace(options, n_best=options.beam) if several else options
        # A sentence that is copied goes through as an empty text, so that a sample hangs on a sentence's number.
        asked = ["" if sentence.copied else sentence.text for sentence in read]
        answers = super()._written(asked, searched, seed, batch_size, first)
        answers = [_given(sentence, answer, options.n_best) for sentence, answer in zip(read, answers, strict=True)]
        lost = [place for place, answer in enumerate(answers) if answer is None]
        if lost:
            plain = ["" if answer else sentence.plain for sentence, answer in zip(read, answers, strict=True)]
            again = super()._written(plain, options, seed, batch_size, first)
            for place in lost:
                whole = dataclasses.replace(read[place], kept={})
                answers[place] = _given(whole, again[place], options.n_best)
        for place, sentence in enumerate(read):
            if sentence.copied and (count := len(self.tokens.numbered([sentence.text])[0])):
                answers[place] = Generation(sentence.text.strip(), 0.0, used_tokens=count, total_tokens=count)
        return answers

    @classmethod
    def config_fields(cls, recipe: Recipe, examples: Pairs) -> dict:
        """The search and the languages."""
        languages = cls.checked_options(recipe.options)["languages"]
        return super().config_fields(recipe, examples) | ({"languages": list(languages)} if languages else {})

    @classmethod
    def loading(cls, options: Mapping[str, object]) -> dict[str, object]:
        """The languages, by which the columns of a table are told."""
        return {"languages": options["languages"]} if options["languages"] else {}

    def measure(self, examples: Pairs, answers: Sequence[str]) -> dict:
        """BLEU and chrF, 0 to 100, raw case, detokenized (Post 2018, arXiv:1804.08771), and BLEU's signature."""
        from sacrebleu.metrics import BLEU, CHRF

        references = examples.targets
        most = max(map(len, references))
        # Where a text has fewer references than another, sacrebleu wants None in their place.
        columns = [[row[n] if n < len(row) else None for row in references] for n in range(most)]
        bleu, chrf = BLEU(), CHRF()
        score = bleu.corpus_score(answers, columns).score
        signature = str(bleu.get_signature())
        return {"bleu": score, "chrf": chrf.corpus_score(answers, columns).score, "signature": signature}


def _given(sentence: _Sentence, answer: Generation, count: int) -> Generation | None:
    """The answer to a sentence in its own form, of those hypotheses that have all marks; None where none has."""
    if answer.score is None:
        return answer
    ranked = [(answer.text, answer.score), *answer.alternatives]
    whole = [(text, score) for written, score in ranked if (text := sentence.written(written)) is not None][:count]
    if not whole:
        return None
    (text, score), *others = whole
    return dataclasses.replace(answer, text=text, score=score, alternatives=tuple(others))

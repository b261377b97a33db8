"""Sequence to sequence: a text goes in, a text that a model writes comes out."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from zoo import decoding
from zoo.data.batching import memory
from zoo.data.batching.base import Distribute, local
from zoo.data.batching.pair_batches import PairBatches
from zoo.data.examples import objects, some
from zoo.data.texts import pairs
from zoo.data.texts.noise import Noise
from zoo.errors import UserError, nearest
from zoo.inputs import containers
from zoo.inputs.hub_tokens import BartTokens, T5Tokens
from zoo.inputs.sentencepiece import Pieces
from zoo.inputs.text import Text
from zoo.inputs.word_sequences import WordSequences
from zoo.layers.sequence import END, PADDING, START, SequenceModel
from zoo.recipe import Recipe
from zoo.results.generation import Generation
from zoo.tasks import sequence_loss, text_traits
from zoo.tasks.base import Task, readable
from zoo.tasks.confidence import TRAINING, Confidence, gaussian

TOKENIZERS = {"sentencepiece": Pieces, "words": WordSequences, "bart": BartTokens, "t5": T5Tokens}


class SequenceToSequence(Task):
    """A model that reads the tokens of a text and writes those of another.

    Args:
        model: A built `SequenceModel`.
        config: What `config.json` holds; "decoding" has the fields of `zoo.decoding.Search`.
        vocabulary: What the tokenizer has learned, as its file holds it.
    """

    inputs = (Text("text"),)
    report = "texts"
    most_foreign = 200  # to write takes longer than to classify
    numbers = ("score", "distance")
    tolerances = {"score": 1e-4}  # the sum of many log-probabilities
    options = {"label_smoothing": 0.0, "decoding": {}}
    streams_tokens = True  # whether what a token adds to the text is final

    def __init__(self, model: SequenceModel, config: Mapping, vocabulary: bytes):
        super().__init__(model, config)
        if not isinstance(model, SequenceModel):
            raise ValueError(f"the model '{model.name}' writes no sequences")
        length = config["preprocess"].get("length")
        if type(length) is not int or length < 2:
            raise ValueError(f"expected a whole number from 2 as the 'length' of preprocessing, got {length!r:.60}")
        self.tokens = _tokenizer(config["preprocess"])(config["preprocess"], vocabulary)
        if self.tokens.size != model.vocabulary:
            raise ValueError(f"the model has {model.vocabulary} tokens, the vocabulary {self.tokens.size}")
        self.requires = self.tokens.REQUIRES
        self.search = _search(config)
        room = getattr(model, "room", None)
        if room and self.search.max_length > room:
            raise ValueError(f"the model writes at most {room} tokens, the search {self.search.max_length}")

    # Training.

    @classmethod
    def load_examples(cls, source: str, split: str | None = None, **columns) -> pairs.Pairs:
        """Pairs of texts; see `zoo.data.texts.pairs.load`."""
        return pairs.load(source, split, **columns)

    @classmethod
    def check(cls, train: pairs.Pairs, held: pairs.Pairs) -> list[str]:
        """Sentences on what may spoil the training; see `zoo.data.texts.pairs.check`."""
        return pairs.check(train, held)

    def batches(
        self,
        examples: pairs.Pairs,
        batch_size: int,
        augment: Sequence = (),
        keep: float = memory.KEEP,
        distribute: Distribute = local,
    ) -> PairBatches:
        """The pairs as `model.fit` takes them, in tokens."""
        if augment:
            raise UserError("texts have no images to augment")
        declaration = self.config["preprocess"]
        lengths = declaration["length"], self.search.max_length
        noise = Noise(declaration["noise"], self.config.get("languages", ())) if "noise" in declaration else None
        return PairBatches(
            self.tokens, examples, batch_size, lengths, declaration.get("sampling"), noise, keep, distribute
        )

    def loss(self, options: Mapping[str, object]) -> keras.losses.Loss | None:
        """Cross-entropy per token; None where the model brings a loss of its own."""
        return None if self._own_loss else sequence_loss.SequenceCrossentropy(options["label_smoothing"])

    def metrics(self) -> list:
        """Metrics that are shown while training."""
        return [] if self._own_loss else [sequence_loss.TokenAccuracy()]

    @property
    def _own_loss(self) -> bool:
        return type(self.model).compute_loss is not keras.Model.compute_loss

    # Answering.

    def preprocess(self, raw: Mapping[str, tf.Tensor]) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        """UTF-8 strings `[B]` -> token numbers, and how many tokens were used of how many."""
        numbers, counts = self.tokens(raw["text"])
        return {"source": numbers}, counts

    @cached_property
    def searches(self) -> dict[str, decoding.Search]:
        """The searches of the signatures: greedily, and with the preset's beam, or 2 where the preset has none."""
        greedy = dataclasses.replace(self.search, beam=1, n_best=1, temperature=None, top_k=None, top_p=None)
        beam = max(2, self.search.beam)
        return {"serving_default": greedy, "beam": dataclasses.replace(greedy, beam=beam, n_best=beam)}

    def outputs(self, features: Mapping[str, tf.Tensor], search: decoding.Search | None = None) -> dict:
        """Token numbers of the source -> what a search writes; greedy where none is named."""
        return decoding.search(self.model, features, search or self.searches["serving_default"])

    def finish(self, outputs: Mapping, context: Mapping) -> dict:
        """Tokens `[B, N, L]` and scores `[B, N]` of a search; a text without a token has no answer, of score 0."""
        empty = context["total_tokens"][:, None] == 0  # B 1
        tokens = keras.ops.where(empty[..., None], PADDING, outputs["tokens"])
        return {"tokens": tokens, "scores": keras.ops.where(empty, 0.0, outputs["scores"]), **context}

    def named(self, numbers: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """`text` and `score` in place of tokens and scores, both `[B]`, or `[B, N]` where there are several."""
        others = dict(numbers)
        tokens, scores = others.pop("tokens"), others.pop("scores")  # B N L, B N
        count = tokens.shape[1]
        texts = tf.reshape(self.tokens.detokenize(tf.reshape(tokens, (-1, tf.shape(tokens)[2]))), (-1, count))
        if count == 1:
            texts, scores = texts[:, 0], scores[:, 0]
        return {"text": texts, "score": scores, **others}

    def judged(
        self, features: Mapping[str, tf.Tensor], context: Mapping[str, tf.Tensor], search: decoding.Search | None = None
    ) -> tuple[dict, dict[str, tf.Tensor]]:
        """The outputs of a search, and what speaks against them: see `doubted`."""
        outputs = self.outputs(features, search)
        return outputs, self.doubted(features["source"], outputs["scores"])

    def doubted(self, source: tf.Tensor, scores: tf.Tensor) -> dict[str, tf.Tensor]:
        """The `score` of the best text, turned round, and the `distance` of the source from those of the training.

        Args:
            source: Token numbers `[B, S]`; a text of END alone is empty, and nothing speaks against its answer.
            scores: Of what was written, float32 `[B, N]`.
        """
        if self.confidence is None:
            return {}
        doubts = {"score": -keras.ops.convert_to_tensor(scores)[:, 0]}
        if "mean" in self.confidence.arrays:
            doubts["distance"] = self.confidence.distance(self.traits({"source": source}))
        empty = keras.ops.all(source[:, :1] == END, axis=-1)
        least = float(np.finfo(np.float32).min)
        return {name: keras.ops.where(empty, least, values) for name, values in doubts.items()}

    def traits(self, features: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Token numbers `[B, S]` -> the mean of the vectors that the model has for them, `[B, D + 1]`."""
        return text_traits.traits(features["source"], self.model.vectors)

    def uncalibrated(self, train: pairs.Pairs, foreign: Sequence | None = None) -> Confidence:
        """The distance from the training sources, where the model has vectors; foreign texts are not asked for."""
        if self.model.vectors is None:
            return Confidence({})
        return Confidence({}, gaussian(self.all_traits(some(train, TRAINING).raw)))

    def doubts(self, items: Iterable, batch_size: int = 32) -> dict[str, np.ndarray]:
        """The numbers that speak against the answers to N items, each `[N]`: of its parts, the worst."""
        segments = [self.segments(self._text(item)) for item in items]
        written = self._written([part for parts in segments for part in parts], self.search, 0, batch_size, 0)
        begins = np.cumsum([0, *(len(parts) for parts in segments[:-1])])
        names = self.numbers if "mean" in self.confidence.arrays else self.numbers[:1]
        # Nothing speaks against what is copied.
        numbers = {name: [(one.doubts or {}).get(name, -np.inf) for one in written] for name in names}
        return {name: np.maximum.reduceat(np.array(values), begins) for name, values in numbers.items()}

    def beam(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The whole road with the preset's own beam search: raw strings `[B]` -> the best texts, `[B, N]`."""
        features, context = self.preprocess(raw)
        return self.answered(*self.judged(features, context, self.searches["beam"]), context)

    def signatures(self) -> dict[str, tuple]:
        """From strings to strings: "serving_default" is greedy, "beam" gives the N best of the preset's beam search.

        Both answer `text`, `score`, `used_tokens` and `total_tokens`. A graph does not split a text at its sentences,
        as `generate` does: what is longer than the model reads is cut, and then `used_tokens` is less than
        `total_tokens`. Who serves such texts splits them before (`zoo.inputs.sentences.sentences`).
        """
        specification = self.raw_specification()
        return {"serving_default": (self.answer, specification), "beam": (self.beam, specification)}

    def rounding_variants(self, signature: str, item: object, count: int = 32) -> dict[str, tf.Tensor]:
        """Answers to one item, `count` of them, each from log-probabilities that were rounded in another way."""
        features, context = self.preprocess({"text": tf.fill([count], self.encode(item)["text"])})
        outputs = decoding.search(decoding.Rounded(self.model), features, self.searches[signature])
        return self.answered(outputs, self.doubted(features["source"], outputs["scores"]), context)

    def resources(self) -> list:
        """The tokenizer's."""
        return self.tokens.resources()

    @cached_property
    def _decoder(self) -> decoding.Decoder:
        return decoding.Decoder(self.model)

    @cached_property
    def _stream(self) -> decoding.Stream:
        return decoding.Stream(self.model)

    @cached_property
    def _tokenize(self):
        return tf.function(self.preprocess, input_signature=[self.raw_specification()])

    @cached_property
    def _detokenize(self):
        return tf.function(self.tokens.detokenize, input_signature=[tf.TensorSpec([None, None], tf.int32)])

    def predict(self, items: Iterable, batch_size: int = 32) -> Iterator:
        """As `Task.predict`, with the preset's own search."""
        return self.generate(items, batch_size=batch_size)

    def generate(self, items: Iterable, *, seed: int = 0, batch_size: int = 32, **search) -> Iterator:
        """Answers items one after the other, reading only `batch_size` of them ahead.

        Args:
            items: Texts; an exception among them becomes a failed Result in its place.
            seed: Of a sampling search; what is drawn depends on it and on an item's place, never on `batch_size`.
            batch_size: How many texts go through the model at a time.
            **search: Fields of `zoo.decoding.Search` that differ from the preset's own.

        Yields:
            One Generation per item, in order; a failed item is a Result with `.error`.

        Raises:
            UserError: A search that cannot be.
        """
        options = self._options(search)
        items, first = iter(items), 0
        while batch := list(itertools.islice(items, batch_size)):
            texts, answers = readable(batch, self._text)
            segments, places = [], []
            for place, item in texts.items():
                parts = self.segments(item)
                segments += parts
                places += [place] * len(parts)
            written: dict[int, list] = {}
            for place, answer in zip(places, self._written(segments, options, seed, batch_size, first), strict=True):
                written.setdefault(place, []).append(answer)
            first += len(segments)
            for place in range(len(batch)):
                answers[place] = answers[place] or joined(written[place])
            yield from answers

    def stream(self, item: object, *, seed: int = 0, **search) -> Iterator[str]:
        """The answer to one item, piece by piece as it is written; the pieces joined are its text.

        A piece is what one token adds; of a beam, whose best text is known at its end only, and of a task that looks at
        whole texts (see `streams_tokens`), it is the answer to one part of a long text.
        """
        options = self._options(search)
        begun = False
        for first, segment in enumerate(self.segments(self._text(item))):
            blank = " " if begun else ""  # between the parts
            for piece in filter(None, self._pieces(segment, options, seed, first)):
                yield blank + piece
                begun, blank = True, ""

    def _pieces(self, segment: str, options: decoding.Search, seed: int, first: int) -> Iterator[str]:
        if not self.streams_tokens or options.beam > 1 or options.n_best > 1:
            yield self._written([segment], options, seed, 1, first)[0].text
            return
        features, counts = self._tokenize({"text": tf.constant([segment.encode()], tf.string)})
        if not int(counts["total_tokens"][0]):
            return
        tokens, text = [], ""
        for token in self._stream(features["source"].numpy(), options, seed, first):
            tokens.append(token)
            longer = self._detokenize(tf.constant([tokens])).numpy()[0].decode()
            # Half a character, or a mark that moves to its word, waits for the next token.
            if longer.startswith(text) and not longer.endswith("\ufffd"):
                yield longer[len(text) :]
                text = longer
        whole = self._detokenize(tf.constant([tokens], tf.int32)).numpy()[0].decode() if tokens else ""
        yield whole[len(text) :] if whole.startswith(text) else ""

    def _options(self, changes: Mapping) -> decoding.Search:
        """The preset's search with changes; sampling takes the place of a beam."""
        sampled = {"beam": 1} if changes.get("temperature") is not None else {}
        return dataclasses.replace(self.search, **{**sampled, **changes})

    def _text(self, item: object) -> str:
        return self.encode(item)["text"].decode()

    def segments(self, text: str) -> list[str]:
        """The parts of a text that go through the model one by one: here the whole text."""
        return [text]

    def _written(self, texts: Sequence[str], options, seed: int, batch_size: int, first: int) -> list[Generation]:
        """One Generation per text, the texts number `first` and on of all."""
        order = list(range(len(texts)))
        if options.temperature is None:  # a sample hangs on its number
            order.sort(key=lambda place: len(texts[place]))  # texts of like length share a batch
        answers: list = [None] * len(texts)
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            raw = {"text": tf.constant([texts[place].encode() for place in chosen], tf.string)}
            features, counts = self._tokenize(raw)
            written = self._decoder(features["source"].numpy(), options, seed, first + start)
            count = options.n_best
            rows = written["tokens"].reshape(len(chosen) * count, -1)
            told = self._detokenize(tf.constant(rows)).numpy().reshape(len(chosen), count)
            used, total = (counts[key].numpy().tolist() for key in ("used_tokens", "total_tokens"))
            doubts = {name: x.numpy() for name, x in self.doubted(features["source"], written["scores"]).items()}
            low = self.confidence.low(doubts).numpy() if doubts and self.confidence.limits else [False] * len(chosen)
            for row, place in enumerate(chosen):
                if not total[row]:
                    answers[place] = Generation("", None)
                    continue
                best = [(told[row, n].decode(), float(written["scores"][row, n])) for n in range(count)]
                answers[place] = Generation(
                    *best[0],
                    tuple(best[1:]),
                    used_tokens=used[row],
                    total_tokens=total[row],
                    low_confidence=bool(low[row]),
                    doubts={name: float(values[row]) for name, values in doubts.items()},
                )
        return answers

    def attention(self, item: object, text: str) -> tuple[list[str], list[str], np.ndarray]:
        """Attention of the model over a source while it writes a text.

        Args:
            item: The source, read as far as the model reads.
            text: What was written.

        Returns:
            The source's tokens, the text's tokens, and the weights `[T, S]`, each row of which sums to 1.
        """
        (source,), (target,) = (self.tokens.numbered([one]) for one in (self._text(item), text))
        source = [*source[: self.tokens.length - 1], END]
        inputs = {"source": np.array([source], np.int32), "target": np.array([[START, *target]], np.int32)}
        weights = np.asarray(self.model.attention(inputs))[0]  # T + 1, S: row t looks where token t is written
        return self.tokens.names(source), self.tokens.names([*target, END]), weights

    def answers(
        self,
        examples: pairs.Pairs,
        bad: dict[int, UserError | OSError] | None = None,
        marks: list | None = None,
        batch_size: int | None = None,
    ) -> list[str]:
        """The texts that the preset's own search writes."""
        marking = marks is not None and self.confidence is not None
        return self._texts(
            self.generate(examples.raw, batch_size=batch_size or self.batch_size), bad, marks if marking else None
        )

    def paired(self, items: list, labels: list) -> pairs.Pairs:
        """Texts, and for each one or more texts that are right."""
        references = [tuple(one) if isinstance(one, list | tuple | np.ndarray) else (one,) for one in labels]
        sides = [items, [text for several in references for text in several]]
        if wrong := [text for side in sides for text in side if not isinstance(text, str | bytes)]:
            raise UserError(f"expected pairs of texts, got {containers.kind(wrong[0])}")
        spelled = [tuple(map(self._text, several)) for several in references]
        return pairs.Pairs(objects(map(self._text, items)), objects(spelled), "the items")

    @staticmethod
    def _texts(results: Iterable, bad: dict | None = None, marks: list | None = None) -> list[str]:
        texts = []
        for place, result in enumerate(results):
            if result.error is None:
                texts.append(result.text)
                if marks is not None:
                    marks.append(result.low_confidence)
            elif bad is None:
                raise UserError(result.error)
            else:
                bad[place] = UserError(result.error)
        return texts

    def measure(self, examples: pairs.Pairs, answers: Sequence[str]) -> dict:
        """The metrics of texts beside the references of their examples."""
        raise NotImplementedError

    # On disk.

    @classmethod
    def config_from_data(cls, config: Mapping, examples: pairs.Pairs) -> tuple[dict, dict]:
        """Learns the tokenizer of both sides of the training pairs."""
        declaration = config["preprocess"]
        texts = [*examples.raw, *(text for references in examples.targets for text in references)]
        vocabulary = _tokenizer(declaration).learn(texts, declaration)
        size = _tokenizer(declaration)(declaration, vocabulary).size
        return {**config["arguments"], "vocabulary": size}, {"vocabulary": vocabulary}

    @classmethod
    def config_fields(cls, recipe: Recipe, examples: pairs.Pairs) -> dict:
        """The search."""
        return {"decoding": dict(cls.checked_options(recipe.options)["decoding"])}

    @classmethod
    def refit_arguments(cls, arguments: Mapping, examples: pairs.Pairs) -> dict:
        """The same arguments: the preset's vocabulary stays."""
        return dict(arguments)

    def own_assets(self) -> dict:
        """The vocabulary, or model, of the tokenizer."""
        return {"vocabulary": self.tokens.model}

    @classmethod
    def assets(cls, folder: Path, config: Mapping) -> dict:
        """The vocabulary, or model, of the tokenizer of a preset folder."""
        declaration = config["preprocess"]
        kind = _tokenizer(declaration)
        path = folder / declaration.get("vocabulary", kind.FILE)
        if path.parent != folder or not path.is_file():
            raise UserError(f"{path}: the vocabulary file is missing")
        vocabulary = path.read_bytes()
        try:
            size = kind(declaration, vocabulary).size
        except (UserError, ValueError) as error:
            raise UserError(f"{path}: {error}") from None
        expected = config["arguments"].get("vocabulary", size)
        if size != expected:
            raise UserError(f"{path}: expected {expected} tokens, got {size}; is it cut?")
        return {"vocabulary": vocabulary}

    def write(self, folder: Path) -> None:
        """Writes config, weights and vocabulary."""
        super().write(folder)
        file = self.config["preprocess"].get("vocabulary", self.tokens.FILE)
        (folder / file).write_bytes(self.tokens.model)


def joined(parts: Sequence[Generation]) -> Generation:
    """One answer of the answers to the parts of a text: texts with a blank between, the mean of scores by length.

    The second best texts of all parts make the second best answer, and so on.
    """
    if len(parts) == 1:
        return parts[0]
    said = [part for part in parts if part.score is not None]
    if not said:
        return Generation("", None)
    answers = []
    for ranked in zip(*([(part.text, part.score), *part.alternatives] for part in said), strict=False):
        lengths = [max(1, len(text)) for text, _ in ranked]
        score = sum(score * length for (_, score), length in zip(ranked, lengths, strict=True)) / sum(lengths)
        answers.append((" ".join(text for text, _ in ranked if text), score))
    used, total = (sum(getattr(part, key) or 0 for part in parts) for key in ("used_tokens", "total_tokens"))
    low = any(part.low_confidence for part in parts)
    return Generation(*answers[0], tuple(answers[1:]), used_tokens=used, total_tokens=total, low_confidence=low)


def _search(config: Mapping) -> decoding.Search:
    declared = config.get("decoding")
    if not isinstance(declared, Mapping):
        raise ValueError(f"expected an object as 'decoding', got {declared!r:.60}")
    known = [field.name for field in dataclasses.fields(decoding.Search)]
    if unknown := [name for name in declared if name not in known]:
        raise ValueError(f"'decoding' has no field {unknown[0]!r}{nearest(unknown[0], known)}")
    try:
        return decoding.Search(**declared)
    except UserError as error:
        raise ValueError(f"'decoding': {error}") from None


def _tokenizer(declaration: Mapping) -> type:
    kind = declaration.get("kind")
    if kind not in TOKENIZERS:
        raise ValueError(f"expected the kind of preprocessing to be one of {', '.join(TOKENIZERS)}, got {kind!r}")
    return TOKENIZERS[kind]

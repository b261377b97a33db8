"""Tokenizers of models that write: nothing is unknown or lost, what is cut is counted, and a seed is kept."""

import functools
import unicodedata

import numpy as np
import pytest
import tensorflow as tf

from tests.zoo import small_writers
from zoo.errors import UserError
from zoo.inputs import sentencepiece
from zoo.inputs.sentencepiece import Pieces
from zoo.inputs.word_sequences import SPECIAL, WordSequences
from zoo.layers.sequence import END, PADDING

# Texts that come back as they are but for blanks at their ends and NFKC, which SentencePiece's rules say.
KEPT = [
    "",
    "A dog runs through the snow.",
    "Größe, Straße, ça alors!",
    "русский язык, עברית, العربية",
    "日本語の文。全角！",
    "😀 👩‍👩‍👧 🙏🏽",
    "<s> </s> <unk> <pad> [END] <0x41>",
    "a\0b",
    "e\u0301",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "x" * 300,
    "\U0010ffff \ue000",
]


@functools.cache
def learned(length=10_000) -> Pieces:
    return Pieces({"kind": "sentencepiece", "length": length}, small_writers.vocabulary("sentencepiece"))


def listed(tokens, text):
    """The numbers of one text, without what stands after its END."""
    row = tokens(tf.constant([text]))[0].numpy()[0].tolist()
    assert row[row.index(END) + 1 :] == [PADDING] * (len(row) - row.index(END) - 1)
    return row[: row.index(END) + 1]


@pytest.mark.parametrize("text", KEPT)
def test_a_text_comes_back(text):
    numbers = listed(learned(), text)
    back = learned().detokenize(tf.constant([numbers[:-1]], tf.int32, shape=(1, len(numbers) - 1))).numpy()[0].decode()
    assert back == unicodedata.normalize("NFKC", text)


@pytest.mark.parametrize("text", [*KEPT, "\x01\x02\x7f", "\u200b", " \n\t ", "ﷺ", "\ufeffx"])
def test_nothing_is_unknown_and_both_roads_agree(text):
    """The graph's tokenizer, which answers, and the library's, which trains; no text makes a special number."""
    numbers = listed(learned(), text)
    assert numbers[:-1] == learned().numbered([text])[0]
    assert min(numbers[:-1], default=9) > END


def test_whatever_a_model_writes_is_a_text():
    """Bytes in any order, special pieces among them."""
    numbers = np.random.default_rng(0).integers(0, learned().size, (300, 9), dtype="int32")
    numbers[::2] = np.random.default_rng(1).integers(4, 260, (150, 9))
    for text in learned().detokenize(tf.constant(numbers)).numpy():
        text.decode()


def test_rows_end_where_their_padding_begins():
    rows = [learned().numbered([text])[0] for text in ("A dog runs.", "", "The red house, the snow.")]
    told = learned().detokenize(tf.constant(np.pad(sentencepiece.padded(rows), ((0, 0), (0, 3))))).numpy()
    assert [text.decode() for text in told] == ["A dog runs.", "", "The red house, the snow."]
    assert learned().detokenize(tf.zeros((0, 4), tf.int32)).shape == (0,)


@pytest.mark.parametrize("kind", [Pieces, WordSequences])
def test_what_is_cut_is_counted_and_ends(kind):
    name = "sentencepiece" if kind is Pieces else "words"
    declaration = {**small_writers.PREPROCESS[name], "length": 5}
    tokens = kind(declaration, small_writers.vocabulary(name))
    texts = ["A dog runs through the snow.", "snow snow snow snow", "dog", ""]
    whole = tokens.numbered(texts)
    numbers, counts = tokens(tf.constant(texts))
    for row, all_of_it in zip(numbers.numpy().tolist(), whole, strict=True):
        used = all_of_it[:4]
        assert row == [*used, END] + [PADDING] * (5 - len(used) - 1)
    assert numbers.dtype == tf.int32
    assert counts["total_tokens"].numpy().tolist() == [len(row) for row in whole]
    assert counts["used_tokens"].numpy().tolist() == [min(4, len(row)) for row in whole]
    assert len(whole[0]) > 5 and whole[3] == []


def test_drawn_segmentations_hang_on_the_seed():
    texts = list(small_writers.TEXTS)
    first, again, other = (learned().sampled(texts, 0.2, seed) for seed in (1, 1, 2**32 - 2))
    assert first == again != other
    assert first != learned().numbered(texts)
    for numbers in (first, other):  # other pieces of the same texts
        assert [
            text.decode() for text in learned().detokenize(tf.constant(sentencepiece.padded(numbers))).numpy()
        ] == texts


def test_a_large_smoothness_draws_the_best():
    texts = list(small_writers.TEXTS)
    assert learned().sampled(texts, 100.0, 1) == learned().numbered(texts)


def test_pieces_have_names():
    assert "".join(learned().names(learned().numbered(["A dog"])[0])) == "▁A▁dog"
    assert len(learned().names([4, 300])) == 2 and learned().names([]) == []


def test_lower_case_is_declared():
    model = Pieces.learn(["Ein HUND läuft."] * 3, {"pieces": 300, "lowercase": "unicode"})
    tokens = Pieces({"length": 50}, model)
    assert tokens.numbered(["ein HUND"]) == tokens.numbered(["EIN hund"])


def test_long_texts_are_learned_from_too():
    """SentencePiece leaves out lines of more than 4,192 bytes where it is not told otherwise."""
    tokens = Pieces({"length": 50}, sentencepiece.vocabulary(["zebra quagga " * 1000, "ab"], 300))
    assert min(tokens.numbered(["zebra"])[0]) >= 4 + 256  # no bytes


@pytest.mark.parametrize("texts", [[], [""], ["\ud800"]], ids=["none", "an empty one", "no Unicode"])
def test_texts_that_teach_nothing(texts):
    with pytest.raises(UserError, match="^no pieces can be learned from these texts: [^\n]+$"):
        sentencepiece.vocabulary(texts, 300)


# Words.


def words(vocabulary: bytes | None = None, **declared) -> WordSequences:
    declaration = {**small_writers.PREPROCESS["words"], "length": 100, **declared}
    return WordSequences(declaration, vocabulary or small_writers.vocabulary("words"))


def test_words_come_back_and_marks_stand_at_their_word():
    for text in ("The cat, the fox and the elk sleep.", "Zwei Männer stehen vor einem roten Haus.", ""):
        numbers = words().numbered([text])
        told = words().detokenize(tf.constant(numbers, tf.int32, shape=(1, len(numbers[0]))))
        assert told.numpy()[0].decode() == text
    rows = words().numbered(["dog", "The cat, the fox"])
    told = words().detokenize(tf.constant(sentencepiece.padded(rows))).numpy()
    assert [text.decode() for text in told] == ["dog", "The cat, the fox"]


def test_words_that_are_unknown_or_look_special():
    """A text cannot end or pad itself."""
    pattern = {"pattern": r"[.,]"}
    known = WordSequences.learn(["[END] ant [PAD] bee [UNK] [START] cat"], {**pattern, "words": 6}).decode().split("\n")
    assert known == [*SPECIAL, "ant", "bee", ""]
    tokens = words("\n".join(known).encode(), **pattern)
    assert tokens.numbered(["ant [END] bee [PAD] zebra 😀 [START]\0"]) == [[4, 1, 5, 1, 1, 1, 1]]


def test_rare_words_are_left_out():
    known = WordSequences.learn(["ant ant bee", "cat cat"], {"pattern": "[.]", "words": 40, "least": 2})
    assert known.decode().split() == [*SPECIAL, "ant", "cat"]


@pytest.mark.parametrize(
    ("vocabulary", "declared", "message"),
    [
        (b"ant\nbee\n", {}, "expected different words, one a line, the first"),
        (("\n".join([*SPECIAL, "ant", "ant"])).encode(), {}, "expected different words"),
        (b"", {}, "expected different words"),
        (None, {"pattern": "["}, "no valid expression: .*missing"),
    ],
)
def test_vocabularies_that_are_none(vocabulary, declared, message):
    vocabulary = small_writers.vocabulary("words") if vocabulary is None else vocabulary
    with pytest.raises(UserError, match=message):
        WordSequences({**small_writers.PREPROCESS["words"], **declared}, vocabulary)


def test_a_declaration_without_a_pattern():
    with pytest.raises(UserError, match="the preprocessing has no 'pattern'"):
        WordSequences({"kind": "words", "length": 5}, small_writers.vocabulary("words"))

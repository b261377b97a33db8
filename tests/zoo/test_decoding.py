"""Decoding against what can be worked out without it: enumeration, re-running, frequencies."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.zoo.sequence_models import Attention, Table, sources
from zoo.decoding import Decoder, Search, Stream, loop, search
from zoo.decoding import decoder as decoder_module
from zoo.decoding.beam import beam_search, largest
from zoo.decoding.decoder import bucket_length, bucket_rows
from zoo.decoding.single import draw, uniform
from zoo.errors import UserError
from zoo.layers.sequence import END, PADDING, START
from zoo.transformers.transformer import transformer

SOURCE = np.array([[0, 7], [1, 7], [2, 7]], np.int32)  # the rows of a Table


def decode(model, source, seed=0, first=0, **options):
    found = search(model, {"source": source}, Search(**options), seed, first)
    return {name: x.numpy() for name, x in found.items()}


def written(found, row, answer=0):
    return found["tokens"][row, answer, : found["lengths"][row, answer]].tolist()


def same(one, other, rows=slice(None)):
    np.testing.assert_array_equal(one["tokens"], other["tokens"][rows])
    np.testing.assert_array_equal(one["lengths"], other["lengths"][rows])
    np.testing.assert_allclose(one["scores"], other["scores"][rows], rtol=1e-5, atol=1e-5)


def every_answer(model, first, steps, alpha):
    """(ended, score, tokens) of all there is, the best first: those that end within `steps`, then those cut off."""
    names = [token for token in range(model.vocabulary) if token not in (PADDING, START, END)]
    answers = []
    for length in range(steps + 1):
        for tokens in itertools.product(names, repeat=length):
            whole = (*tokens, END) if length < steps else tokens
            total = sum(model.log_probabilities(first, whole[:i])[token] for i, token in enumerate(whole))
            answers.append((length < steps, total / ((5 + len(whole)) / 6) ** alpha, list(tokens)))
    return sorted(answers, key=lambda answer: answer[:2], reverse=True)


# ---- beam search against enumeration -----------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_wide_beam_finds_what_enumeration_finds(seed, alpha):
    model = Table(seed=seed)
    found = decode(model, SOURCE, beam=31, n_best=31, max_length=4, length_penalty=alpha)
    for row in range(3):
        expected = every_answer(model, row, 4, alpha)
        assert len(expected) == 31  # 1 + 2 + 4 + 8 that end, 16 that do not
        assert [written(found, row, n) for n in range(31)] == [tokens for _, _, tokens in expected]
        np.testing.assert_allclose(found["scores"][row], [score for _, score, _ in expected], rtol=1e-5)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0])
def test_the_best_answers_do_not_depend_on_how_many_are_asked_for(alpha):
    model = Table(seed=5)
    many, few = (decode(model, SOURCE, beam=31, n_best=n, max_length=4, length_penalty=alpha) for n in (31, 3))
    for name in few:
        np.testing.assert_array_equal(few[name], many[name][:, :3])


def slow_beam(model, first, beam, steps, alpha):
    """One row's beam search with lists, by the rules in zoo/decoding/beam.py."""
    living, pool = [(0.0, [])], []
    for n in range(1, steps + 1):
        options = [
            (total + chance, tokens, token)
            for total, tokens in living
            for token, chance in enumerate(model.log_probabilities(first, tokens))
            if token not in (PADDING, START)
        ]
        options.sort(key=lambda option: option[0], reverse=True)
        options = options[: 2 * beam]
        pool += [(total / ((5 + n) / 6) ** alpha, tokens) for total, tokens, token in options[:beam] if token == END]
        pool = sorted(pool, key=lambda one: one[0], reverse=True)[:beam]
        living = [(total, [*tokens, token]) for total, tokens, token in options if token != END][:beam]
        best = living[0][0]
        if pool and pool[0][0] >= best / ((5 + steps) / 6) ** alpha:
            return pool[0]
        if len(pool) == beam and pool[-1][0] >= best / ((5 + n) / 6) ** alpha:
            return pool[0]
    return pool[0] if pool else (best / ((5 + steps) / 6) ** alpha, living[0][1])


@pytest.mark.parametrize("beam", [2, 3, 4])
def test_a_narrow_beam_is_the_one_in_plain_lists(beam):
    for seed, alpha in itertools.product(range(5), (0.0, 0.6, 3.0)):
        model = Table(vocabulary=9, steps=12, seed=seed, scale=1.0)
        found = decode(model, SOURCE, beam=beam, max_length=12, length_penalty=alpha)
        for row in range(3):
            score, tokens = slow_beam(model, row, beam, 12, alpha)
            assert written(found, row) == tokens
            assert found["scores"][row, 0] == pytest.approx(score, rel=1e-5)


def test_answers_that_end_come_before_those_cut_off():
    model = Table(seed=0)
    model.table[..., END] -= 30.0  # an END is less likely than anything, and yet an end
    found = decode(model, SOURCE, beam=31, n_best=31, max_length=4)
    assert (found["lengths"][:, :15] < 4).all() and (found["lengths"][:, 15:] == 4).all()


def test_where_there_are_fewer_answers_the_rest_is_empty():
    found = decode(Table(vocabulary=5, steps=2), SOURCE, beam=12, n_best=12, max_length=2)
    assert np.isfinite(found["scores"][:, :7]).all() and (found["scores"][:, 7:] == -np.inf).all()  # 1 + 2 + 4
    assert not found["tokens"][:, 7:].any() and not found["lengths"][:, 7:].any()


@pytest.mark.parametrize("vocabulary", [1000, 1280, 1281])
def test_the_largest_of_a_vocabulary_are_found_by_blocks(vocabulary):
    rng = np.random.default_rng(0)
    some = rng.normal(size=(40, vocabulary))
    alike = rng.integers(0, 5, (40, vocabulary))  # many that are alike: the first of them come first
    lonely = np.where(rng.random((40, vocabulary)) < 0.003, some, 4 * loop.NEVER)
    for given in (some, alike, lonely):
        for k in (1, 3, 5):
            values, names = largest(tf.constant(given, tf.float32), k)
            order = np.argsort(-given.astype("float32"), axis=1, kind="stable")[:, :k]
            np.testing.assert_array_equal(names, order)
            np.testing.assert_array_equal(values, np.take_along_axis(given.astype("float32"), order, 1))


# ---- greedy -------------------------------------------------------------------------------------------------------


def test_greedy_is_the_likeliest_token_each_time():
    model = Table(vocabulary=9, steps=12, seed=3)
    found = decode(model, SOURCE, max_length=12, length_penalty=0.8)
    lengths = []
    for row in range(3):
        tokens, total = [], 0.0
        while len(tokens) < 12:
            chances = model.log_probabilities(row, tokens)
            chances[[PADDING, START]] = -np.inf
            total += chances.max()
            tokens.append(int(chances.argmax()))
            if tokens[-1] == END:
                break
        assert written(found, row) == [token for token in tokens if token != END]
        assert found["scores"][row, 0] == pytest.approx(total / ((5 + len(tokens)) / 6) ** 0.8, rel=1e-5)
        assert not found["tokens"][row, 0, found["lengths"][row, 0] :].any()
        lengths.append(len(tokens))
    assert len(set(lengths)) > 1  # else nothing is shown about rows that end before others


@pytest.mark.parametrize("model", [Table(vocabulary=9, steps=12, seed=1), Attention()])
@pytest.mark.parametrize("options", [{"temperature": 2.0, "top_k": 1}, {"temperature": 1.0, "top_p": 1e-6}])
def test_cuts_that_leave_one_token_are_greedy(model, options):
    source = SOURCE if isinstance(model, Table) else sources(4, 6, 12)
    same(decode(model, source, max_length=12), decode(model, source, max_length=12, seed=3, **options))


def test_a_beam_of_one_is_greedy():
    for seed in range(5):
        model = Table(vocabulary=9, steps=12, seed=seed)
        found = beam_search(model, {"source": SOURCE}, Search(beam=1, max_length=12))
        same(decode(model, SOURCE, max_length=12), {name: x.numpy() for name, x in found.items()})


# ---- the cache ----------------------------------------------------------------------------------------------------


def test_steps_with_a_cache_are_the_model_run_again_on_everything():
    model, source = Attention(), sources(5, 6, 12)
    found = decode(model, source, max_length=10)
    for row in range(5):
        tokens, total = [START], 0.0
        while len(tokens) <= 10 and tokens[-1] != END:
            logits = model({"source": source[row : row + 1], "target": np.array([tokens], np.int32)})[0, -1]
            chances = tf.nn.log_softmax(logits).numpy()
            chances[[PADDING, START]] = -np.inf
            tokens.append(int(chances.argmax()))
            total += chances.max()
        assert written(found, row) == [token for token in tokens[1:] if token != END]
        assert found["scores"][row, 0] * ((4 + len(tokens)) / 6) ** 0.6 == pytest.approx(total, rel=1e-4)
    assert len({tuple(written(found, row)) for row in range(5)}) > 2


def lively_transformer(vocabulary):
    """A small Transformer whose answers depend on what it reads and has written."""
    model = transformer(vocabulary=vocabulary, width=16, layers=2, heads=2, dropout=0.0)
    rng = np.random.default_rng(0)
    for variable in model.weights:
        if variable.path.endswith(("kernel", "embeddings")):
            variable.assign(rng.normal(0, 0.5, variable.shape))
    return model


@pytest.mark.parametrize("vocabulary", [None, 12, 1500])
def test_a_beam_keeps_each_hypothesis_its_own_cache(vocabulary):
    # The Transformer's beams share what they read; a vocabulary of 1,500 is searched by blocks.
    model = lively_transformer(vocabulary) if vocabulary else Attention()
    source = sources(4, 6, model.vocabulary)
    found = decode(model, source, beam=4, n_best=4, max_length=10, length_penalty=0.0)
    for row, n in itertools.product(range(4), range(4)):
        tokens = [START, *written(found, row, n)]
        follow = [*tokens[1:], END][:10]
        target = np.array([tokens[: len(follow)]], np.int32)
        chances = tf.nn.log_softmax(model({"source": source[row : row + 1], "target": target})[0]).numpy()
        total = sum(chances[i, token] for i, token in enumerate(follow))
        assert found["scores"][row, n] == pytest.approx(total, rel=1e-4)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("options", [{}, {"beam": 3, "n_best": 2}, {"temperature": 1.3, "n_best": 2}])
def test_a_cache_that_grows_changes_nothing(options, jit, monkeypatch):
    for model in (Attention(), lively_transformer(12)):
        source = sources(4, 6, 12)
        whole = decode(model, source, max_length=13, **options)
        with monkeypatch.context() as patch:
            patch.setattr(loop, "FIRST_ROOM", 3)
            assert loop.Cache(model, {"source": source}, 13, 2).rooms == [3, 6, 13]
            same(
                Decoder(model, jit)(source, Search(max_length=13, **options))
                if jit
                else decode(model, source, max_length=13, **options),
                whole,
            )
        assert (whole["lengths"] > 6).any()


def test_room_grows_where_there_is_much_to_gain():
    def rooms(model, steps):
        return loop.Cache(model, {"source": SOURCE}, steps, 1).rooms

    wanted = {32: [32], 47: [47], 48: [32, 48], 80: [32, 80], 100: [32, 64, 100], 128: [32, 64, 128]}
    assert {steps: rooms(Attention(), steps) for steps in wanted} == wanted
    assert rooms(Table(), 100) == [100]  # a state that does not depend on the room


# ---- sampling -----------------------------------------------------------------------------------------------------


def frequencies(model, options, rows=30_000):
    found = decode(model, np.zeros((rows, 1), np.int32), max_length=1, seed=11, **options)
    tokens = np.where(found["lengths"][:, 0] == 0, END, found["tokens"][:, 0, 0])
    return np.bincount(tokens, minlength=model.vocabulary) / rows


def expected_shares(model, temperature, top_k=None, top_p=None):
    chances = model.log_probabilities(0, []) / temperature
    chances[[PADDING, START]] = -np.inf
    shares = np.exp(chances)
    order = np.argsort(-shares)
    if top_k:
        shares[order[top_k:]] = 0
    shares /= shares.sum()
    if top_p:
        kept = 1 + int(np.sum(np.cumsum(shares[order]) < top_p))
        shares[order[kept:]] = 0
    return shares / shares.sum()


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 1.0},
        {"temperature": 0.5},
        {"temperature": 3.0},
        {"temperature": 1.5, "top_k": 3},
        {"temperature": 1.5, "top_p": 0.7},
        {"temperature": 2.0, "top_k": 6, "top_p": 0.8},
        {"temperature": 1.0, "top_p": 1.0},
        {"temperature": 1.0, "top_k": 100},
    ],
)
def test_samples_come_as_often_as_they_are_likely(options):
    model = Table(vocabulary=12, steps=1, seed=2, scale=1.0)
    shares, seen = expected_shares(model, **options), frequencies(model, options)
    assert (seen[shares == 0] == 0).all()
    some = shares > 0
    squares = 30_000 * ((seen - shares)[some] ** 2 / shares[some]).sum()
    assert squares < 40  # chi-square with at most 9 degrees of freedom passes 40 once in 100,000


def test_a_second_token_is_drawn_independently_of_the_first():
    model = Table(vocabulary=6, steps=2, seed=0, scale=0.0)  # all equally likely
    found = decode(model, np.zeros((20_000, 1), np.int32), max_length=2, temperature=1.0, seed=1)["tokens"][:, 0]
    went_on = found[found[:, 0] != 0]  # tokens 1, 4, 5 first, then those or END
    pairs = np.array([[np.mean((went_on == pair).all(1)) for pair in itertools.product([1, 4, 5], [0, 1, 4, 5])]])
    np.testing.assert_allclose(pairs, 1 / 12, atol=0.01)


def test_a_seed_is_an_answer_and_another_seed_another():
    model, source = Attention(), sources(6, 6, 12)
    options = {"temperature": 1.5, "max_length": 10, "n_best": 3}
    one, again, other = (decode(model, source, seed=seed, **options) for seed in (1, 1, 2))
    same(one, again)
    assert (one["tokens"] != other["tokens"]).any(axis=(1, 2)).sum() >= 5


def test_what_a_row_draws_depends_on_its_place_in_the_whole_alone():
    model, source = Attention(), sources(6, 6, 12)
    options = {"temperature": 1.5, "max_length": 10, "seed": 4}
    whole = decode(model, source, n_best=2, **options)
    for row in range(6):
        same(decode(model, source[row : row + 1], first=row, n_best=2, **options), whole, slice(row, row + 1))
    moved = decode(model, source[:1], first=1, n_best=2, **options)
    assert (moved["tokens"] != whole["tokens"][:1]).any()


def test_samples_are_in_order_and_differ():
    found = decode(Attention(), sources(3, 6, 12), temperature=1.5, max_length=10, n_best=8)
    assert (np.diff(found["scores"], axis=1) <= 0).all()
    assert all(len({tuple(tokens) for tokens in row}) > 4 for row in found["tokens"].tolist())


def test_drawn_numbers_are_even_and_unrelated():
    made = uniform(tf.constant(3), tf.range(300), tf.zeros(300, tf.int32), 200).numpy()
    assert made.min() >= 0 and made.max() < 1
    counts = np.histogram(made, 64, (0, 1))[0]
    assert ((counts - 937.5) ** 2 / 937.5).sum() < 130  # 63 degrees of freedom
    for one, other in (
        (made[:, 1:], made[:, :-1]),
        (made[1:], made[:-1]),
        (made, uniform(tf.constant(4), tf.range(300), tf.zeros(300, tf.int32), 200).numpy()),
        (made, uniform(tf.constant(3), tf.range(300), tf.ones(300, tf.int32), 200).numpy()),
    ):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.02


@pytest.mark.parametrize("cut", [{}, {"top_k": 3}, {"top_p": 0.9}, {"top_p": 1.0}])
def test_no_chance_draws_what_is_never_written(cut):
    model = Table(vocabulary=7, seed=1)
    chances = np.array([0.0, 1e-7, 0.5, 1 - 2.0**-23], np.float32)
    given = np.tile(np.where(np.isin(np.arange(7), (PADDING, START)), -2e9, model.table[0, 0, 0]), (4, 1))
    tokens = draw(tf.constant(given, tf.float32), Search(temperature=1.0, **cut), tf.constant(chances)).numpy()
    assert not set(tokens.tolist()) & {PADDING, START}


# ---- bounds and ends ----------------------------------------------------------------------------------------------

WAYS = [
    {},
    {"beam": 3, "n_best": 2},
    {"temperature": 1.3, "n_best": 2},
    {"temperature": 1.3, "top_k": 4},
    {"temperature": 0.9, "top_p": 0.8},
]


@pytest.mark.parametrize("options", WAYS)
def test_a_model_that_never_ends_is_bounded(options):
    found = decode(Table(vocabulary=9, steps=7, no_end=True), SOURCE, max_length=7, **options)
    assert found["tokens"].shape[-1] == 7 and (found["lengths"] == 7).all()
    assert np.isfinite(found["scores"]).all()


@pytest.mark.parametrize("options", WAYS)
def test_padding_start_and_end_are_never_written(options):
    model = Table(vocabulary=9, steps=12)
    model.table[..., [PADDING, START]] = -0.01  # a model that wants nothing else
    found = decode(model, SOURCE, max_length=12, **options)
    there = np.arange(12) < found["lengths"][..., np.newaxis]
    assert not np.isin(found["tokens"][there], (PADDING, START, END)).any()
    assert (found["tokens"][~there] == PADDING).all()


@pytest.mark.parametrize("options", WAYS)
def test_the_loop_ends_when_all_rows_are_done(options):
    class Counted(Table):
        def step(self, tokens, cache):
            found, cache = super().step(tokens, cache)
            return tf.where(tf.range(9) == END, 0.0, -20.0) + 0 * found, cache

    model = Counted(vocabulary=9, steps=100)
    found = decode(model, SOURCE, max_length=100, **options)  # eager: one call of `step` for each step
    assert (found["lengths"][:, 0] == 0).all()
    assert model.fingerprints <= 4


def test_a_model_that_is_certain_that_something_cannot_be_gives_no_nan():
    model = Table(vocabulary=9, steps=12)
    model.table[..., 5:] = -np.inf
    for options in WAYS:
        found = decode(model, SOURCE, max_length=12, **options)
        assert not np.isnan(found["scores"]).any() and (found["tokens"] < 5).all()


@pytest.mark.parametrize("options", WAYS)
def test_rows_of_unequal_lengths_do_not_disturb_each_other(options):
    model, source = Attention(), sources(6, 8, 12)
    whole = decode(model, source, max_length=10, **options)
    for row in range(6):
        alone = source[row : row + 1, : np.count_nonzero(source[row])]
        same(decode(model, alone, max_length=10, first=row, **options), whole, slice(row, row + 1))


# ---- graphs, XLA and the Decoder ----------------------------------------------------------------------------------


@pytest.mark.parametrize("options", WAYS)
def test_eager_graph_and_xla_agree(options):
    model, source = Attention(), sources(5, 6, 12)
    eager = decode(model, source, seed=2, max_length=10, **options)
    for jit in (False, True):
        function = tf.function(
            lambda source: search(model, {"source": source}, Search(max_length=10, **options), seed=2),
            input_signature=[tf.TensorSpec([5, 6] if jit else [None, None], tf.int32)],
            jit_compile=jit,
        )
        same({name: x.numpy() for name, x in function(source).items()}, eager)


def test_a_saved_model_decodes(tmp_path):
    class Module(tf.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model
            self.kept = model.variables

        @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
        def beam(self, source):
            return search(self.model, {"source": source}, Search(beam=3, n_best=2, max_length=10))

    model, source = Attention(), sources(5, 6, 12)
    module = Module(model)
    tf.saved_model.save(module, tmp_path, signatures={"beam": module.beam})
    found = tf.saved_model.load(tmp_path).signatures["beam"](source=tf.constant(source))
    same({name: x.numpy() for name, x in found.items()}, decode(model, source, beam=3, n_best=2, max_length=10))


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("options", [{}, {"beam": 3, "n_best": 2}, {"temperature": 1.2, "n_best": 2}])
def test_a_decoder_answers_what_search_answers(options, jit):
    model = Attention()
    decoder = Decoder(model, jit=jit)
    for rows, length, seed in ((3, 5, 1), (4, 8, 2), (1, 9, 2**40 + 3)):
        source = sources(rows, length, 12, seed=rows)
        found = decoder(source, Search(max_length=10, **options), seed=seed, first=7)
        same(found, decode(model, source, seed=seed % 2**32, first=7, max_length=10, **options))
        assert {str(x.dtype) for x in found.values()} == {"int32", "float32"}
    assert decoder.refused is None and len(decoder.compiled) == (2 if jit else 0)


def test_it_is_traced_once_for_a_bucket_and_never_for_a_call():
    decoder, options = Decoder(Attention(), jit=True), Search(max_length=6, temperature=1.0)
    for call in range(12):
        decoder(sources(3 + call % 2, 9 + call % 8, 12, seed=call), options, seed=call, first=call)
    assert decoder.traces == 1 and decoder.compiled == ((4, 16, options),)
    decoder(sources(5, 9, 12), options)
    decoder(sources(5, 9, 12), Search(max_length=6))
    assert decoder.traces == 3 and len(decoder.compiled) == 3


COUNTED = """
import sys
from tests.zoo.sequence_models import Attention, sources
from zoo.decoding import Decoder, Search

decoder = Decoder(Attention(), jit=True)
for call in range(6):
    for options in (Search(max_length=6), Search(max_length=6, beam=3), Search(max_length=6, temperature=1.0)):
        decoder(sources(3 + call % 2, 9 + call % 8, 12, seed=call), options, seed=call, first=call)
print(len(decoder.compiled))
"""


def test_xla_compiles_once_for_a_bucket_too(tmp_path):
    """XLA compiles again for every value of an argument that becomes a constant: traces alone do not tell."""
    environment = {**os.environ, "XLA_FLAGS": f"--xla_dump_to={tmp_path}", "KERAS_BACKEND": "tensorflow"}
    run = subprocess.run(
        [sys.executable, "-c", COUNTED],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    modules = {path.name.split(".")[0] for path in tmp_path.glob("module_*decode*")}
    assert run.stdout.strip() == "3" and len(modules) == 3, sorted(path.name for path in tmp_path.iterdir())


def test_a_bucket_is_compiled_when_it_has_come_often_enough(monkeypatch):
    monkeypatch.setattr(decoder_module, "CALLS_BEFORE_XLA", 3)
    decoder, options = Decoder(Attention()), Search(max_length=6)
    for rows, length in ((1, 3), (2, 5), (3, 9), (9, 30), (1, 4), (1, 6)):
        decoder(sources(rows, length, 12), options)
    assert decoder.traces == 1 and decoder.compiled == ()
    decoder(sources(1, 8, 12), options)  # the fourth of its bucket
    assert decoder.traces == 2 and decoder.compiled == ((1, 8, options),)
    decoder(sources(1, 8, 12), options)
    decoder(sources(3, 11, 12), options)
    assert decoder.traces == 2


def test_a_model_that_xla_cannot_compile_is_decoded_all_the_same():
    class Text(Attention):
        def step(self, tokens, cache):
            found, cache = super().step(tokens, cache)
            words = tf.strings.to_number(tf.strings.as_string(found))
            return words, cache

    model, source = Text(), sources(3, 6, 12)
    decoder = Decoder(model, jit=True)
    same(decoder(source, Search(max_length=6)), decode(model, source, max_length=6))
    assert decoder.refused and decoder.compiled == ()
    traces = decoder.traces
    decoder(source, Search(max_length=6))
    assert decoder.traces == traces


def test_a_mistake_in_the_model_is_not_taken_for_xla_s():
    class Wrong(Attention):
        def step(self, tokens, cache):
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        Decoder(Wrong(), jit=True)(sources(3, 6, 12), Search())


def test_a_decoder_follows_training():
    model, source = Attention(), sources(4, 6, 12)
    decoder = Decoder(model, jit=True)
    before = decoder(source, Search(max_length=8))
    model.tokens.assign(-model.tokens)
    after = decoder(source, Search(max_length=8))
    assert (before["tokens"] != after["tokens"]).any() and decoder.traces == 1
    same(after, decode(model, source, max_length=8))


def test_no_rows_give_no_answers():
    found = Decoder(Attention())(np.zeros((0, 4), np.int32), Search(beam=3, n_best=2, max_length=5))
    assert {name: x.shape for name, x in found.items()} == {"tokens": (0, 2, 5), "scores": (0, 2), "lengths": (0, 2)}


def test_buckets():
    assert [bucket_rows(n) for n in (1, 2, 3, 4, 5, 32, 33)] == [1, 2, 4, 4, 8, 32, 64]
    assert sorted({bucket_length(n) for n in range(200)}) == [*range(8, 65, 8), 80, 96, 112, 128, 160, 192, 224]
    assert all(n <= bucket_length(n) <= max(n + 7, 1.25 * n) for n in range(1, 1000))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"beam": 0}, "beam to be a whole number from 1"),
        ({"beam": True}, "beam to be a whole number from 1"),
        ({"max_length": 2.5}, "max_length to be a whole number from 1"),
        ({"n_best": 3, "beam": 2}, "give beam=3"),
        ({"beam": 2, "temperature": 1.0}, "either a beam or sampling"),
        ({"top_k": 5}, "top_k cuts"),
        ({"top_p": 0.5}, "top_p cuts"),
        ({"temperature": 1.0, "top_p": 0.0}, "top_p to be in"),
        ({"temperature": 1.0, "top_k": 0}, "top_k to be a whole number"),
        ({"temperature": 0.0}, "temperature to be above 0"),
        ({"temperature": float("nan")}, "temperature to be above 0"),
        ({"length_penalty": -1}, "length_penalty to be 0 or more"),
    ],
)
def test_bad_options_get_one_clear_line(options, said):
    with pytest.raises(UserError, match=said) as caught:
        Search(**options)
    assert "\n" not in str(caught.value)


# ---- token by token ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"temperature": 0.8}, {"temperature": 1.3, "top_k": 3, "top_p": 0.9}])
def test_a_stream_gives_the_tokens_of_a_search(options):
    model = Attention()
    stream, source = Stream(model), sources(4, 9, model.vocabulary)
    found = decode(model, source, seed=7, first=3, max_length=12, **options)
    for row in range(len(source)):
        tokens = list(stream(source[row : row + 1], Search(max_length=12, **options), seed=7, first=3 + row))
        assert tokens == written(found, row)


def test_a_stream_gives_each_token_when_it_is_written():
    """Nothing is computed ahead of what is asked for, and one hypothesis it must be."""
    model = Table()
    steps, step = [], model.step
    model.step = lambda *arguments: (tf.py_function(lambda: steps.append(1), [], []), step(*arguments))[1]
    stream = Stream(model)(SOURCE[:1], Search(max_length=4))
    next(stream)
    assert len(steps) == 1
    with pytest.raises(UserError, match="beam=2, n_best=1"):
        next(Stream(model)(SOURCE[:1], Search(beam=2)))

"""The road around the model of a translation: copied lines, marks, capitals. The model is a table of hypotheses."""

import pytest

from tests.zoo import small_writers
from zoo import tasks
from zoo.inputs.copied_parts import MARKS
from zoo.results.generation import Generation
from zoo.tasks.sequence_to_sequence import SequenceToSequence

FIRST, SECOND = MARKS[:2]


@pytest.fixture
def translate(monkeypatch):
    """Translates by a table of what is read -> hypotheses, with marks; what was read is in `translate.read`."""
    config = small_writers.config()
    config["preprocess"] = {**config["preprocess"], "marks": 2}
    cls = tasks.get("translation")
    arguments, assets = cls.config_from_data(config, small_writers.pairs(small_writers.TEXTS))
    task = cls.create({**config, "arguments": arguments}, **assets)

    known = {*" ".join(small_writers.TEXTS).replace(".", "").split(), "ein", "siehe"}
    monkeypatch.setattr(task, "_costs", lambda words: [1 if word in known else len(word) for word in words])

    def run(text, table, **options):
        def written(self, texts, search, seed, batch_size, first):
            run.read += [text for text in texts if text]
            answers = []
            for text in texts:
                ranked = [(said, -1.0 - place) for place, said in enumerate(table.get(text.strip(), ["?"] * 4))]
                answers.append(Generation(*ranked[0], tuple(ranked[1 : search.n_best])) if text else EMPTY)
            return answers

        run.read = []
        monkeypatch.setattr(SequenceToSequence, "_written", written)
        return next(task.generate([text], **{"beam": 4, **options}))

    return run


EMPTY = Generation("", None)


@pytest.mark.parametrize("text", ["12345", "  2019 ", "+49 89 1234567", "😀", "Привет, мир!", "https://example.com/a"])
def test_a_line_without_words_is_copied(translate, text):
    result = translate(text, {})
    assert (result.text, result.score, translate.read) == (text.strip(), 0.0, [])
    assert result.used_tokens == result.total_tokens > 0


def test_an_empty_line_stays_empty(translate):
    for text in ("", "  ", "\n"):
        assert (translate(text, {}).text, translate(text, {}).score) == ("", None)


def test_numbers_and_addresses_go_through_as_marks(translate):
    table = {f"Der Hund ist {FIRST} Jahre alt, siehe {SECOND}.": [f"See {SECOND}: the dog is {FIRST} years old."]}
    result = translate("Der Hund ist 7 Jahre alt, siehe www.foo.org/a.", table)
    assert result.text == "See www.foo.org/a: the dog is 7 years old."


def test_a_hypothesis_that_lost_a_mark_gives_way(translate):
    table = {f"Um {FIRST}.": ["At noon.", f"At {FIRST} {FIRST}.", f"At {FIRST}.", f"By {FIRST}."]}
    result = translate("Um 12:30.", table)
    assert (result.text, result.score, result.alternatives) == ("At 12:30.", -3.0, ())
    result = translate("Um 12:30.", table, n_best=2)
    assert (result.text, result.alternatives) == ("At 12:30.", (("By 12:30.", -4.0),))


def test_where_all_lost_the_mark_the_sentence_is_read_plainly(translate):
    result = translate("Um 12:30.", {f"Um {FIRST}.": ["At noon."] * 4, "Um 12:30.": ["At 12:30."]})
    assert result.text == "At 12:30." and translate.read == [f"Um {FIRST}.", "Um 12:30."]


def test_capitals_are_folded_and_given_back(translate):
    table = {"Ein Hund läuft durch den Schnee.": ["A dog runs through the snow on the street."]}
    result = translate("EIN HUND LÄUFT DURCH DEN SCHNEE.", table)
    assert result.text == "A DOG RUNS THROUGH THE SNOW ON THE STREET."
    result = translate("Ein HUND läuft durch den SCHNEE.", table)
    assert result.text == "A dog runs through the snow on the street."


def test_what_is_kept_stays_in_a_sentence_in_capitals(translate):
    result = translate("EIN HUND, SIEHE www.Foo.org.", {f"Ein Hund, siehe {FIRST}.": [f"A dog, see {FIRST}."]})
    assert translate.read[0].startswith("Ein Hund")
    assert "www.Foo.org" in result.text


def test_every_sentence_has_its_translation(translate):
    table = {"Ein Hund läuft.": ["A dog runs."], "Zwei Männer stehen.": ["Two men stand."]}
    result = translate("Ein Hund läuft. Zwei Männer stehen. 2019. ", table)
    assert result.text == "A dog runs. Two men stand. 2019."


def test_a_sampled_answer_keeps_its_place(translate):
    table = {f"Um {FIRST}.": [f"At {FIRST}."]}
    assert translate("Um 12:30.", table, beam=1, temperature=1.0).text == "At 12:30."


def test_a_preset_without_marks_reads_numbers_itself():
    task = small_writers.writer()
    assert task.prepared("Um 12:30.").text == "Um 12:30." and task.prepared("12:30").copied


def test_a_sentence_that_no_model_reads_whole_is_taken_as_it_is():
    task = small_writers.writer()
    assert task.prepared("12 " * 600).copied and not task.prepared("12 " * 700).copied

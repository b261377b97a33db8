"""Parts that a translation keeps as they are, and marks in their place."""

import pytest

from zoo.inputs import copied_parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Ich habe 7 Äpfel und 12,5 kg Birnen.", ["7", "12,5 kg"]),
        ("Im Jahr 1989 fiel die Mauer.", ["1989"]),
        ("Er ist 30.", ["30"]),
        ("Es kostet 5,99 € oder $5, 50 % weniger.", ["5,99 €", "$5, 50 %"]),
        ("1.000.000 Menschen, -5 Grad, 20°C", ["1.000.000", "-5", "20°C"]),
        ("Um 12:30 am 12.03.2019 oder 2019-03-12", ["12:30", "12.03.2019", "2019-03-12"]),
        (
            "Ruf +49 89 1234567 an, Konto DE89 3704 0044 0532 0130 00.",
            ["+49 89 1234567", "DE89 3704 0044 0532 0130 00"],
        ),
        ("Die A4, B-52 und iPhone15 mit v1.2.3", ["A4, B-52", "iPhone15", "v1.2.3"]),
        ("Siehe https://example.com/a?b=1. Oder (www.foo.org/bar)!", ["https://example.com/a?b=1", "www.foo.org/bar"]),
        ("Mail an max.muster+x@mail.example.de, bitte", ["max.muster+x@mail.example.de"]),
        ("Auf Beispiel.com bei @tom und #fun", ["Beispiel.com", "@tom", "#fun"]),
        ("Hauptstraße 5, 80331 München liegt im Süden.", ["Hauptstraße 5, 80331 München"]),
        ("Er wohnt in der Berliner Str. 12a.", ["Berliner Str. 12a"]),
        ("221b Baker Street, London is known.", ["221b Baker Street, London"]),
        ("Sie sagt Я люблю тебя und 寿司 😀!", ["Я люблю тебя", "寿司 😀"]),
        ("Hello ❤️ world", ["❤️"]),
        # Left to the model: they change in another language.
        ("Am 3. Oktober war ein 10-year-old boy 3rd in the 1990s.", []),
        ("z. B. I.B.M., U.S., C++ und Äpfel im Café “dort” – nein…", []),
        ("", []),
    ],
)
def test_what_is_kept(text, parts):
    assert [text[begin:end] for begin, end in copied_parts.spans(text)] == parts
    marked, stands = copied_parts.marked(text)
    assert list(stands.values()) == parts and copied_parts.restored(marked, stands) == text


def test_decomposed_letters_are_letters():
    assert copied_parts.spans("Ein schöner Ärger") == []


@pytest.mark.parametrize(
    "text", ["12345", "2019", "→ 3,50 €!", "😀😀", "Привет, мир", "+49 89 1234567", "...", "", "A4"]
)
def test_wordless(text):
    assert copied_parts.wordless(text)


@pytest.mark.parametrize("text", ["Zimmer 5", "x", "Hallo 😀", "am 3. Mai"])
def test_not_wordless(text):
    assert not copied_parts.wordless(text)


def test_more_parts_than_marks_stay():
    marked, stands = copied_parts.marked("1 a 2 b 3", "*+")
    assert (marked, stands) == ("* a + b 3", {"*": "1", "+": "2"})


def test_a_mark_that_is_lost_or_doubled_is_told():
    stands = {copied_parts.MARKS[0]: "1", copied_parts.MARKS[1]: "2"}
    first, second = copied_parts.MARKS[:2]
    assert copied_parts.restored(f"{second} and {first}", stands) == "2 and 1"
    assert copied_parts.restored(first, stands) is None
    assert copied_parts.restored(first + second + first, stands) is None


def test_marks_in_a_text_are_kept_like_any_sign():
    marked, stands = copied_parts.marked(f"a {copied_parts.MARKS[3]} b")
    assert (
        stands == {copied_parts.MARKS[0]: copied_parts.MARKS[3]}
        and copied_parts.restored(marked, stands) == f"a {copied_parts.MARKS[3]} b"
    )


@pytest.mark.parametrize(
    "text", ["1." * 1000, "a." * 1000, "a-" * 1000, "1 " * 1000, "A1" * 1000, "a@" * 1000, "+(" * 1000]
)
def test_no_text_takes_long(text):
    copied_parts.spans(text)  # two thousand characters; minutes where an expression backtracks

"""Indicators in a text, and links that are shown and cannot be followed."""

import pytest

from ibalagh.events.reports import Indicator
from ibalagh.events.vocabulary import IndicatorKind
from services.triage.highlight import Piece, Span, defang, pieces, spans
from tests.support.triage import triage


@pytest.mark.parametrize(
    ("kind", "value", "text", "found"),
    [
        ("url", "a.example/x", "voir https://www.a.example/x/ vite", "https://www.a.example/x/"),
        ("url", "a.example", "voir A.example.", "A.example"),
        ("url", "a.example", "not.a.example xa.example", ""),
        ("phone", "+212612345678", "appelle 06 12-34.56 78 !", "06 12-34.56 78"),
        ("phone", "+212612345678", "اتصل ٠٦١٢٣٤٥٦٧٨ الآن", "٠٦١٢٣٤٥٦٧٨"),
        ("phone", "+212612345678", "00212612345678", "00212612345678"),
        ("handle", "telegram:faux_compte", "c'est @Faux_Compte sur tg", "@Faux_Compte"),
        ("handle", "ab", "about", ""),
        ("email", "x@a.example", "écris à X@a.example", "X@a.example"),
        (
            "iban",
            "FR7630006000011234567890189",
            "FR76 3000 6000 0112 3456 7890 189",
            "FR76 3000 6000 0112 3456 7890 189",
        ),
    ],
)
def test_an_indicator_is_found_however_it_is_written(kind: str, value: str, text: str, found: str) -> None:
    marked = spans(text, [Indicator(kind=IndicatorKind(kind), value=value)])
    assert [text[each.start : each.end].strip() for each in marked] == ([found] if found else [])


def test_what_the_classifier_finds_is_marked_in_its_text() -> None:
    text = "Il m'a écrit depuis https://colis.example/suivi et 0612345678 (faux@colis.example)."
    marked = spans(text, triage(text).indicators)
    assert {each.kind for each in marked} == {"url", "phone", "email"}


def test_the_pieces_are_the_text_with_links_that_cannot_be_followed() -> None:
    text = "a https://b.example/x c"
    marked = spans(text, [Indicator(kind=IndicatorKind.URL, value="b.example/x")])
    assert pieces(text, marked) == [Piece("a ", ""), Piece("hxxps://b[.]example/x", "url"), Piece(" c", "")]
    assert pieces("", []) == [Piece("", "")]


def test_spans_that_overlap_are_put_apart() -> None:
    assert pieces("abcdef", [Span(2, 5, "y"), Span(0, 3, "x"), Span(0, 2, "z"), Span(5, 6, "w")]) == [
        Piece("abc", "x"),
        Piece("de", ""),
        Piece("f", "w"),
    ]


def test_a_defanged_link_has_neither_scheme_nor_dot() -> None:
    assert defang("HTTPS://a.b.example/x.html") == "hxxpS://a[.]b[.]example/x[.]html"


def test_a_long_text_of_one_sign_with_many_indicators_is_linear() -> None:
    indicators = [Indicator(kind=IndicatorKind.PHONE, value=f"+2126{number:08d}") for number in range(60)]
    for sign in ("0", " ", "a", "."):
        assert pieces(sign * 20_000, spans(sign * 20_000, indicators))

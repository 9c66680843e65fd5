"""What surrounds an act: messenger, place, minors, what reaches abroad; and how it is written on the wire."""

import time
from unittest.mock import ANY

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibalagh.events.reports import Amount, ReportTriagedV1
from ibalagh.events.vocabulary import Category, Nexus
from services.referral.referred import quick_look, referred_of
from services.stats.glance import PATTERNS
from services.triage.decide import decide, judge_all
from services.triage.entities.reading import entities_of
from services.triage.reported import reported_of
from services.triage.writing import triaged
from tests.support.linear import assert_linear
from tests.support.triage import policy, report, triage


@pytest.mark.parametrize(
    ("text", "messenger"),
    [
        ("il me parle sur whatsapp", "whatsapp"),
        ("groupe wts dial lhouma", "whatsapp"),
        ("فالواطساب ديال الحومة", "whatsapp"),
        ("hdar m3aya f tlgrm", "telegram"),
        ("قناة في تليغرام", "telegram"),
        ("regarde t.me/mauvais", "telegram"),
        ("f sur signal il met un prix", "signal"),
        ("الطلب في سيغنال", "signal"),
        ("un signal faible", None),
        ("je signale un compte", None),
        ("هددني على المسنجر", "messenger"),
        ("por viber me dijo", "viber"),
        ("سكايب", "skype"),
        ("من ماسنجر داني لتلغرام", "telegram"),
        ("publié sur facebook", None),
    ],
)
def test_the_messenger_in_which_it_takes_place(text: str, messenger: str | None) -> None:
    assert entities_of(text).closed_messenger == messenger


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("J'habite à Salé", "Salé"),
        ("quel sale type", None),
        ("ساكن فطنجة", "Tanger"),
        ("f Kenitra", "Kénitra"),
        ("mora l souk d taza", "Taza"),
        ("estoy en casa y tengo miedo", None),
        ("wselt l Casa", "Casablanca"),
        ("entre Rabat et Agadir", None),
        ("de Casablanca, Maârif", "Casablanca"),
        ("au Maârif", None),
        ("vive en Holanda", "Netherlands"),
        ("فالطاليان", "Italy"),
        ("من إسبانيا إلى الناظور", None),
        ("à Dubaï", None),
        ("عامر بالكذوب", None),
        ("kan f douar hda Azilal", "Azilal"),
    ],
)
def test_the_one_place_that_is_named(text: str, place: str | None) -> None:
    assert entities_of(text).place == place


def test_a_part_of_a_town_tells_the_province_and_no_place() -> None:
    made = triage("cambriolage filmé au Maârif")
    assert (made.decision.province, made.place) == ("06.141", None)


@pytest.mark.parametrize(
    "text",
    [
        "ma fille de 14 ans",
        "ولدي عندو 13 عام",
        "bnti 14",
        "tengo 15 años",
        "my son (11) plays",
        "im 15 and afraid",
        "she's 14",
        "ابنتي ذات الثالثة عشرة",
        "تلميذة في القسم",
        "un collégien",
        "طفل في السادسة",
        "drari sghar",
        "قاصرات",
    ],
)
def test_a_minor_is_told_by_age_or_word(text: str) -> None:
    assert entities_of(text).minor_involved


@pytest.mark.parametrize(
    "text",
    [
        "il y a 15 ans",
        "depuis 10 ans",
        "hadi 5 snin",
        "قبل 10 سنين",
        "hace 12 años",
        "12 ans de prison",
        "10 years ago",
        "bnti 22 mzewja",
        "j'ai 30 ans",
        "12 dh",
        "",
        "😀",
    ],
)
def test_durations_and_adults_are_no_minors(text: str) -> None:
    assert not entities_of(text).minor_involved


def test_the_act_itself_tells_of_a_minor() -> None:
    made = triage("pédopornographie, abus d'enfant")
    assert made.decision.category is Category.SEXUAL_EXPLOITATION_MINORS
    assert made.minor_involved


@pytest.mark.parametrize(
    ("text", "nexus"),
    [
        ("son numéro est +33 6 99 99 00 01 en France", Nexus.FOREIGN_PHONE),
        ("IBAN FR14 2004 1010 0505 0001 3M02 606", Nexus.FOREIGN_ACCOUNT),
        ("il vit en Belgique", Nexus.COUNTRY_NAMED),
        ("elle étudie à Lille", Nexus.COUNTRY_NAMED),
        ("il veut 500 €", Nexus.FOREIGN_CURRENCY),
        ("appelle 0600000001 à Rabat, 500 dh ou 20 usdt", None),
    ],
)
def test_what_reaches_abroad_has_a_reason(text: str, nexus: Nexus | None) -> None:
    assert triage(text).nexus == nexus


TEXTS = [
    "il menace ma fille de 14 ans sur telegram, +33 6 99 99 00 01, il veut 500 € et 3 د المليون, à Fès",
    "ok",
    "0,02 BTC à Laâyoune",
    "عندي 15 عام، واتساب، الناظور",
    "1.000.000.000.000 dh",
]


@pytest.mark.parametrize("text", TEXTS)
def test_it_is_written_as_the_model_writes_it_and_read_at_a_glance(text: str) -> None:
    received = report(text)
    (judged,) = judge_all([reported_of(received)], policy())
    made = decide(received, policy())
    value = triaged(reported_of(received), judged).to_json()
    assert value == made.to_json()
    assert ReportTriagedV1.model_validate_json(value) == made
    sent = value.replace(b'"disposition":"review"', b'"disposition":"refer"').replace(
        b'"confidence":0.0', b'"confidence":0.1'
    )
    assert PATTERNS["ibalagh.report.triaged.v1"](sent) is not None
    assert quick_look(sent) == referred_of(ReportTriagedV1.model_validate_json(sent)), sent


def test_what_says_nothing_is_not_written() -> None:
    value = triage("ok").to_json()
    assert value.endswith(b'"indicators":[]}')


def test_the_whole_of_a_report_is_read() -> None:
    made = triage(TEXTS[0])
    assert (made.closed_messenger, made.minor_involved, made.place, made.nexus) == (
        "telegram",
        True,
        "Fès",
        Nexus.FOREIGN_PHONE,
    )
    assert made.amounts == (Amount(value=500, currency="EUR"), Amount(value=30_000, currency="MAD"))


def test_an_account_in_groups_of_any_size_is_read() -> None:
    iban = "MA64007780000000000000000063"
    rib = iban[4:]
    grouped = f"{iban[:4]} {rib[:2]} {rib[2:5]} {rib[5:7]} {rib[7:20]} {rib[20:]}"
    (noted,) = entities_of(f"virement au {grouped}, puis 0612345678").ibans
    assert noted == iban
    assert entities_of(f"virement au {grouped}, puis 0612345678").phones == ("+212612345678",)


ODD = [
    "",
    " ",
    "😀😀",
    "\u200b\u200f",
    "\u202eabc\u202c 0612345678",
    "раураl.example",
    "a" * 50,
    "\\u0000",
    "@",
    "_",
    ".",
]


@pytest.mark.parametrize("text", ODD)
def test_odd_input_has_entities_too(text: str) -> None:
    assert entities_of(text, ("",), "") == ANY


@settings(deadline=None)
@given(st.text(max_size=300), st.lists(st.text(max_size=80), max_size=4), st.none() | st.text(max_size=20))
def test_no_text_breaks_it(text: str, links: list[str], platform: str | None) -> None:
    found = entities_of(text, links, platform)
    for values in (found.urls, found.phones, found.handles, found.emails, found.ibans, found.crypto):
        assert len(set(values)) == len(values)


@given(st.permutations(["0612345678", "a@b.example", "chf_7ay_98", "faux-shop.example/x", "500 dh"]))
def test_the_order_of_entities_changes_none(parts: list[str]) -> None:
    found = entities_of(" ; ".join(parts))
    assert (found.phones, found.emails, found.handles) == (("+212612345678",), ("a@b.example",), ("chf_7ay_98",))
    assert (found.urls, found.amounts) == (("faux-shop.example/x",), ((500, "MAD"),))


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "0",
        "a.",
        "a_",
        "_",
        "@a ",
        "1A",
        "bc1q",
        "MA64 ",
        "15 ans ",
        "casa ",
        "t.me/a ",
        "x.y_z ",
        "(",
        "+212 6 ",
        "واتساب ",
    ],
)
def test_time_is_linear(piece: str) -> None:
    assert_linear(entities_of, piece)


def test_ten_thousand_links_in_a_text_are_linear() -> None:
    started = time.process_time()
    entities_of(" ".join(f"http://x{number}.example/p" for number in range(10_000)))
    assert time.process_time() - started < 2

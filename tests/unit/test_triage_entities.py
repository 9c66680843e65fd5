"""What identifies an act has one canonical form, however it is written; what innocents share never counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.triage.entities import extract
from services.triage.entities.extract import MAX_INDICATORS
from services.triage.entities.links import link
from services.triage.entities.scripts import Why, suspicion
from services.triage.normalise import read


def found(text: str, *links: str, platform: str | None = None) -> list[str]:
    return [
        f"{indicator.kind.value} {indicator.value}" for indicator in extract(*read(text), links, platform).indicators
    ]


@pytest.mark.parametrize(
    "written",
    [
        "https://www.Faux-Shop.example/promo/",
        "http://faux-shop.example:80/promo",
        "hxxps://faux-shop[.]example/promo",
        "faux-shop(.)example/promo",
        "faux-shop [dot] example/promo",
        "https://faux-shop.example/promo?utm_source=x&fbclid=y#top",
        "voir:https://faux-shop.example/promo.",
        "(https://faux-shop.example/promo),",
        "الرابط https://faux-shop.example/promo؟",
        "https://user:pass@faux-shop.example/promo",
        "https://faux-\u200bshop.example/promo",
    ],
)
def test_spellings_of_one_link_are_one_indicator(written: str) -> None:
    assert found(written) == ["url faux-shop.example/promo"]


def test_parameters_that_tell_pages_apart_stay_in_one_order() -> None:
    assert found("https://a.example/p?b=2&a=1") == found("https://a.example/p?a=1&b=2") == ["url a.example/p?a=1&b=2"]


def test_paths_keep_their_case_and_hosts_do_not() -> None:
    assert found("https://A.Example/Xy") == ["url a.example/Xy"]


def test_a_host_in_foreign_letters_has_its_idna_form_however_it_is_hidden() -> None:
    for written in ("https://p\u0430yp\u0430l.example/x", "http://P\u0430\u202eyp\\u0000\u0430l.EXAMPLE/x/"):
        assert found("", written) == ["url xn--pypl-53dc.example/x"]
        assert found(f"see {written} now") == ["url xn--pypl-53dc.example/x"]


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("p\u0430ypal.example", Why.MIXED_SCRIPT),
        ("www.b\u03bfnk.example:8443", Why.MIXED_SCRIPT),
        ("\u0441\u0440\u0430.example", Why.LOOKALIKE),
        ("\u0430\u0441.p\u0430y.example", Why.MIXED_SCRIPT),
        ("\u043f\u0440\u0430\u0432\u0434\u0430.example", None),
        ("\u0645\u0648\u0642\u0639.example", None),
        ("\u65e5\u672c\u306e\u30abx.example", None),
        ("\ud55c\uad6d-\u97d3.example", None),
        ("\u00e9cole-2.example", None),
        ("bank.example", None),
    ],
)
def test_a_host_that_is_written_to_be_taken_for_another_is_told(host: str, why: Why | None) -> None:
    indicator = link(f"https://{host}/a?b=xn--c", explicit=True)
    assert indicator is not None
    suspicious = suspicion(indicator.value)
    assert (suspicious and suspicious.why) == why
    if suspicious is not None:
        assert suspicious.reads == host.removeprefix("www.").partition(":")[0]


@given(st.text("xn-.ab\u0430/?:0", max_size=40))
def test_any_link_at_all_is_suspicious_or_not(written: str) -> None:
    found = suspicion(written)
    assert found is None or found.reads


def test_an_arabic_host_is_its_idna_form() -> None:
    assert found("https://موقع.example/") == ["url xn--4gbrim.example"]


@pytest.mark.parametrize(
    "text",
    [
        "https://www.facebook.com/",
        "facebook.com",
        "https://www.attijariwafabank.com/particuliers",
        "https://play.google.com/store/apps/details?id=x",
        "https://www.service-public.fr/particuliers",
        "https://portail.dgsn.gov.ma/",
        "https://www.facebook.com/marketplace",
        "contact@dgsn.gov.ma",
        "J'ai perdu mon argent.il ne répond plus",
        "photo.jpg",
        "etc... n.b. p.s.",
    ],
)
def test_what_everybody_shares_is_no_indicator(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("written", "indicator"),
    [
        ("https://www.instagram.com/mauvais.compte/", "handle instagram:mauvais.compte"),
        ("t.me/mauvais_compte", "handle telegram:mauvais_compte"),
        ("https://www.tiktok.com/@Mauvais", "handle tiktok:mauvais"),
        ("https://m.facebook.com/mauvais.compte?mibextid=z", "handle facebook:mauvais.compte"),
        ("https://wa.me/212600000001", "phone +212600000001"),
        ("https://facebook.com/profile.php?id=100000000000001", "url facebook.com/profile.php?id=100000000000001"),
        ("https://youtu.be/AbC", "url youtu.be/AbC"),
        ("Quelqu.un@Mail.Example", "email quelqu.un@mail.example"),
    ],
)
def test_pages_of_platforms_become_what_they_stand_for(written: str, indicator: str) -> None:
    assert found(written) == [indicator]


def test_a_handle_carries_the_platform_that_is_told() -> None:
    assert found("son compte est @Mauvais_Compte", platform="Instagram") == ["handle instagram:mauvais_compte"]
    assert found("son compte est @Mauvais_Compte", platform="انستغرام") == ["handle instagram:mauvais_compte"]
    assert found("son compte est @mauvais_compte") == ["handle mauvais_compte"]
    assert found("bonjour @tous et @everyone") == []


@pytest.mark.parametrize(
    "written",
    [
        "0600000001",
        "06 00 00 00 01",
        "06-00-00-00-01",
        "06.00.00.00.01",
        "+212600000001",
        "+212 6 00 00 00 01",
        "00212 600 000 001",
        "212600000001",
        "+212 (0) 600 000 001",
        "٠٦٠٠٠٠٠٠٠١",
        "+٢١٢ ٦٠٠ ٠٠٠ ٠٠١",
        "tel:0600000001.",
    ],
)
def test_spellings_of_one_number_are_one_indicator(written: str) -> None:
    assert found(f"appelle {written} svp") == ["phone +212600000001"]


@given(
    digits=st.text("0123456789", min_size=8, max_size=8),
    first=st.sampled_from("567"),
    prefix=st.sampled_from(["0", "+212", "00212", "+212 ", "+212-", "00212 "]),
    gaps=st.lists(st.sampled_from(["", " ", "-", "."]), min_size=8, max_size=8),
)
def test_any_spelling_of_a_moroccan_number_is_the_same(digits: str, first: str, prefix: str, gaps: list[str]) -> None:
    written = prefix + first + "".join(gap + digit for gap, digit in zip(gaps, digits, strict=True))
    assert found(f"رقمه {written} شكرا") == [f"phone +212{first}{digits}"]


@given(
    host=st.from_regex(r"[a-z][a-z0-9-]{0,20}[a-z0-9]", fullmatch=True),
    path=st.from_regex(r"(/[A-Za-z0-9_-]{1,10}){0,3}", fullmatch=True),
    scheme=st.sampled_from(["http://", "https://", "hxxp://", "https://www.", "http://WWW."]),
    tail=st.sampled_from(["", "/", "#x", "?utm_medium=mail", "/?fbclid=1"]),
)
def test_any_spelling_of_a_link_is_the_same(host: str, path: str, scheme: str, tail: str) -> None:
    assert found(f"{scheme}{host}.example{path}{tail}") == [f"url {host}.example{path}"]


@given(st.from_regex(r"https?://[a-z]{1,9}\.example(/[A-Za-z0-9%?&=._-]{0,30})?", fullmatch=True))
def test_a_canonical_link_is_its_own_canonical_form(written: str) -> None:
    once = link(written, True)
    assert once is not None
    assert link(once.value, True) == once


def test_numbers_abroad_need_their_country() -> None:
    assert found("appelez +33 6 99 99 00 01") == ["phone +33699990001"]
    assert found("llame al 0034 600 000 001") == ["phone +34600000001"]
    assert found("il écrit du +229 97 00 00 01") == ["phone +22997000001"], "as Benin's were until 2024"
    assert found("+10000 likes, +212 6 5671 020") == []


@pytest.mark.parametrize("text", ["le 05/06/2024 10h30", "2000 dh", "10 000 000", "code 123456", "2024-06-05 12:00:00"])
def test_dates_and_amounts_are_no_numbers(text: str) -> None:
    assert found(text) == []


def test_two_numbers_side_by_side_are_two() -> None:
    assert found("0600000001 0600000002") == ["phone +212600000001", "phone +212600000002"]


RIB = "007780000000000000000" + "000"
RIB = RIB[:22] + f"{97 - int(RIB[:22]) * 100 % 97:02d}"


@pytest.mark.parametrize("gap", ["", " ", "-"])
def test_an_account_number_and_its_iban_are_one_indicator(gap: str) -> None:
    grouped = gap.join((RIB[:3], RIB[3:6], RIB[6:22], RIB[22:]))
    (of_rib,) = found(f"RIB {grouped} merci")
    iban = of_rib.removeprefix("iban ")
    assert iban.startswith("MA")
    assert found(f"IBAN {gap.join((iban[:4], iban[4:8], iban[8:]))} merci") == [of_rib]
    assert found(f"iban {iban.lower()}") == [of_rib]


def test_wrong_check_digits_are_no_account_and_no_phone() -> None:
    wrong = RIB[:-1] + str((int(RIB[-1]) + 1) % 10)
    assert found(f"RIB {wrong}") == []
    assert found("MA00" + RIB) == []


def test_each_indicator_is_named_once_with_given_links_first() -> None:
    text = "https://a.example/x 0600000001 https://b.example a.example/x"
    assert found(text, "a.example/x/") == ["url a.example/x", "url b.example", "phone +212600000001"]


def test_a_list_of_links_is_cut() -> None:
    assert len(found(" ".join(f"https://x{number}.example/" for number in range(1_000)))) == MAX_INDICATORS


def test_links_are_taken_out_of_the_text() -> None:
    assert extract(*read("go to https://a.example/free-money now"), (), None).encoded == b"go to now"


@given(st.text(max_size=200) | st.text("@./:[]()?&=%+0123 ahtpw-_", max_size=200), st.lists(st.text(max_size=60)))
def test_no_text_breaks_it(text: str, links: list[str]) -> None:
    extract(*read(text), tuple(links), text)

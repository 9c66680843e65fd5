"""Account names without an @ are told from links and from words between which a space was forgotten."""

import pytest

from services.triage.entities import extract
from services.triage.entities.reading import entities_of
from services.triage.normalise import read


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("le compte chf_7ay_98 me menace", "chf_7ay_98"),
        ("من chf_7ay_98 فقط", "chf_7ay_98"),
        ("compte insta nadia.shop88", "nadia.shop88"),
        ("الحساب l7aj.khatar بعث لي", "l7aj.khatar"),
        ("snap: shadow.boy", "shadow.boy"),
        ("pseudo: abou-hajar.test9", "abou-hajar.test9"),
        ("insta of him: k.amine.vip", "k.amine.vip"),
        ("عند star.casting.kids رجل", "star.casting.kids"),
        ("anti.coach.ma يضع وجهي", "anti.coach.ma"),
        ("sofia_task.ma", "sofia_task.ma"),
        ("صاحب histoire_autrement.ma،", "histoire_autrement.ma"),
        ("DARK_UNCLE_47", "dark_uncle_47"),
        ("بنات_الباك_ميدلت", "بنات_الباك_ميدلت"),
        ("tata.ghizlane_ ليست", "tata.ghizlane_"),
    ],
)
def test_a_name_is_found_and_no_link(text: str, name: str) -> None:
    found = entities_of(text)
    assert (found.handles, found.urls) == ((name,), ())
    assert [indicator.value for indicator in extract(*read(text), (), None).indicators] == [name]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("son site nadia-shop.ma", "nadia-shop.ma"),
        ("zalmarket.ma est sûr ?", "zalmarket.ma"),
        ("page antiquites.rares.example", "antiquites.rares.example"),
        ("brikol-jobs.online", "brikol-jobs.online"),
        ("hxxps://amende-maroc[.]example/pay", "amende-maroc.example/pay"),
        ("https://www.Instagram.com/Mauvais.Compte/", "instagram.com/Mauvais.Compte"),
        ("t.me/mauvais", "t.me/mauvais"),
        ("https://www.attijariwafabank.com/particuliers/", "attijariwafabank.com/particuliers"),
        ("sur avito.ma hier", "avito.ma"),
    ],
)
def test_a_link_is_noted_without_scheme_www_and_slash(text: str, url: str) -> None:
    assert entities_of(text).urls == (url,)
    assert entities_of(text).handles == ()


@pytest.mark.parametrize(
    "text",
    [
        "J'ai perdu mon argent.il ne répond plus",
        "svp.merci",
        "photo.jpg et cv.pdf",
        "etc... n.b. p.s.",
        "12.500dh",
        "a 10.30",
        "____",
        "#mot_dièse",
        "وصلني.و",
    ],
)
def test_words_without_a_space_figures_and_files_are_no_names(text: str) -> None:
    found = entities_of(text)
    assert (found.handles, found.urls) == ((), ())


def test_a_word_with_one_full_stop_is_an_account_unless_a_sentence_ends_there() -> None:
    assert entities_of("khayr.tghour kaytleb flous").handles == ("khayr.tghour",)
    for text in ("khayr.tghour kaytleb flous", "Khayr.tghour kaytleb flous"):
        (found,) = extract(*read(text), (), None).indicators
        assert found.value == "khayr.tghour"
    assert extract(*read("il veut de l'argent.merci de m'aider"), (), None).indicators == ()


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("00 34 655 10 20 30", "+34655102030"),
        ("whatsapp 00 225 07 09 11 45 32", "+2250709114532"),
        ("+32 470 123 456 3eyyet 7ta l khoya", "+32470123456"),
        ("0613-880-275", "+212613880275"),
        ("06 61204578", "+212661204578"),
        ("٠٦٩٨٤٤٥٥٦٦!!!", "+212698445566"),
    ],
)
def test_numbers_are_found_among_words_and_gaps(text: str, phone: str) -> None:
    assert entities_of(text).phones == (phone,)

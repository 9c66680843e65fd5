"""Links between reports: what joins them, what a batch makes of that, and people's rulings. All pure."""

import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibalagh.events.envelope import Data
from ibalagh.events.links import (
    MOST_JOINED,
    LinkedGroup,
    LinkReportsV1,
    ReportLinkedV1,
    ReportUnlinkedV1,
    UnlinkReportsV1,
    says_of_links,
)
from ibalagh.events.reports import Attachment, Indicator, ReportTriagedV1
from ibalagh.events.vocabulary import IndicatorKind
from services.intake.handlers import StatusCodec
from services.referral.handlers import waits_for_a_person
from services.triage.entities.attached import shown_kind
from services.triage.handlers import Classifier
from services.triage.links.plan import Join, Joiner, events_of, joins
from services.triage.links.policy import Key, keys_in, keys_of
from services.triage.links.rulings import LinkRefusal, LinkRefused, Ruled, Standing, Verdict, rule_in_order
from services.triage.reading import is_our_own_word
from tests.support.triage import NOW, policy, received, report_id, triage

PHONE = Indicator(kind=IndicatorKind.PHONE, value="+212612345678")
A, B, C, D = (report_id(name) for name in "abcd")


def joiner(name: str, *keys: str, at: int = 0) -> Joiner:
    return Joiner(report_id(name), tuple(key(each) for each in keys), ("t", 0, at), NOW)


def key(name: str) -> Key:
    return Key(IndicatorKind.URL, report_id(f"key {name}"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("appelez le 06 12 34 56 78", "عيط ليا فـ ٠٦١٢٣٤٥٦٧٨"),
        ("voir https://www.arnaque.example/gain/?utm_source=x", "hxxps://arnaque[.]example/gain"),
        ("ecrivez a Chef@Loterie.example", "chef [at] loterie [dot] example"),
        ("https://www.facebook.com/faux.compte", "m.facebook.com/Faux.Compte/"),
        ("https://wa.me/212612345678", "+212 6 12 34 56 78"),
        ("RIB 007 780 0001234567890123 96", "compte 007780000123456789012396"),
    ],
)
def test_two_spellings_of_one_indicator_have_one_key(one: str, other: str) -> None:
    keys = [set(keys_of(triage(text).indicators)) for text in (one, other)]
    assert keys[0] & keys[1]


@pytest.mark.parametrize(
    "text",
    [
        "https://www.facebook.com et https://facebook.com/groups/",
        "https://play.google.com/store/apps/details?id=com.example",
        "https://www.attijariwafabank.com/particuliers",
        "https://www.dgsn.ma/contact et https://www.justice.gov.ma",
        "https://bit.ly ou tinyurl.com ou https://rb.gy/",
        "appelez le 0800 00 47 47, numéro vert, ou le +33 800 00 00 00",
        "appelez le 19 ou le 190 ou le 112",
        "https://www.policia.es https://www.correos.es/seguimiento",
        "ecrivez a contact@police.ma",
        "@everyone regardez @gmail",
    ],
)
def test_what_everybody_shares_joins_nobody(text: str) -> None:
    assert keys_of(triage(text).indicators) == ()


@pytest.mark.parametrize("name", ["fatima_zahra", "casa.news", "mohamed12", "maroc_1990", "karimo", "shop-online"])
def test_an_everyday_name_of_an_account_joins_by_its_platform_alone(name: str) -> None:
    assert keys_of(triage(f"le compte @{name} m'a ecrit").indicators) == ()
    assert len(keys_of(triage(f"le compte @{name} m'a ecrit", platform="Instagram").indicators)) == 1


@pytest.mark.parametrize(
    "name", ["hanout.nuit", "gain_facile", "imane_real_22", "n_fatal_7", "karim4821", "lmohandisdelux"]
)
def test_a_name_of_several_parts_or_with_a_number_joins_wherever_it_is(name: str) -> None:
    alone, on_one, on_other = (
        set(keys_of(triage(f"le compte @{name} m'a ecrit", platform=platform).indicators))
        for platform in (None, "Instagram", "Telegram")
    )
    assert alone
    assert alone == on_one & on_other


@pytest.mark.parametrize(
    "text",
    [
        "facebook.com et instagram.com, aussi web.telegram.org, fr.linkedin.com, ma.indeed.com et binance.com",
        "wa.me t.me m.facebook.com gmail.com signal.org",
        "le compte @instagram et le @dgsn_maroc, aussi @attijariwafa_bank",
        "appelez le 0802 00 20 20, le 0890 00 11 22 ou le +33 810 12 34 56",
        "ecrivez a contact@attijariwafabank.com",
    ],
)
def test_platforms_banks_and_hotlines_of_any_spelling_join_nobody(text: str) -> None:
    assert keys_of(triage(text).indicators) == ()


FILE = Attachment(sha256="ab" * 32, size_bytes=10, media_type="image/png")


def test_the_same_file_joins_two_reports_whatever_they_say() -> None:
    one, other = (
        set(keys_of(triage(text, attachments=(FILE,)).indicators)) for text in ("regardez", "06 12 34 56 78 m'a écrit")
    )
    assert len(one & other) == 1
    assert {key.kind for key in one} == {IndicatorKind.URL}
    assert not one & set(keys_of(triage("ni:///sha-256;q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s").indicators))


def test_a_report_read_at_once_or_whole_has_the_same_indicators_of_its_files() -> None:
    event = received("regardez", attachments=(FILE,))
    data = ReportTriagedV1.model_validate_json(Classifier(policy())([event], NOW).effects[0].data.to_json())
    assert data.indicators == triage("regardez", attachments=(FILE,)).indicators
    assert [shown_kind(each) for each in data.indicators] == ["file"]


WALLET = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"


@given(st.permutations([WALLET, "06 12 34 56 78", "arnaque.example/a", "chef@loterie.example", "@gain_facile4821"]))
def test_the_order_of_what_a_text_names_changes_no_link(parts: list[str]) -> None:
    found = triage(" ; ".join(parts), attachments=(FILE,)).indicators
    assert set(keys_of(found)) == _ALL_KEYS
    assert sorted(map(shown_kind, found)) == ["crypto", "email", "file", "handle", "phone", "url"]


_ALL_KEYS = set(
    keys_of(
        triage(
            f"{WALLET} ; 06 12 34 56 78 ; arnaque.example/a ; chef@loterie.example ; @gain_facile4821",
            attachments=(FILE,),
        ).indicators
    )
)


def test_a_name_that_two_would_hardly_choose_joins_whatever_the_platform() -> None:
    alone, on_one, on_other = (
        set(keys_of(triage("le compte @gain_facile4821 m'a ecrit", platform=platform).indicators))
        for platform in (None, "Instagram", "Telegram")
    )
    assert len(alone) == 1
    assert alone == on_one & on_other
    assert len(on_one) == 2


@given(st.lists(st.builds(Indicator, kind=st.sampled_from(IndicatorKind), value=st.text(min_size=1, max_size=40))))
def test_the_keys_in_the_bytes_of_an_event_are_those_of_its_indicators(indicators: list[Indicator]) -> None:
    report = triage("x").model_copy(update={"indicators": tuple(indicators)})
    assert keys_in(report.to_json()) == keys_of(indicators)


def test_a_key_says_nothing_of_its_indicator() -> None:
    (found,) = keys_of([PHONE])
    assert uuid.UUID(found.key)
    assert found.kind is IndicatorKind.PHONE
    assert found == keys_of([PHONE, PHONE])[0]


def test_a_campaign_is_a_star_in_one_event() -> None:
    copies = [joiner(f"copy {number}", "x", "y") for number in range(1_000)]
    found = joins(copies, {})
    assert len(found) == 999
    assert {join.to for join in found} == {copies[0].report_id}
    (event,) = events_of(found, NOW)
    assert [len(group.joined) for group in event.groups] == [999]


def test_a_campaign_that_is_known_costs_an_event_a_batch_and_few_bytes_a_report() -> None:
    oldest = {key("x").key: A}
    (event,) = events_of(joins([joiner(f"copy {number}", "x") for number in range(2_000)], oldest), NOW)
    assert event.groups[0].report_id == A
    assert len(event.to_json()) < 2_000 * 40 + 500


def test_more_links_than_an_event_holds_are_more_events_and_none_is_lost() -> None:
    found = [Join(str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))), A, key("x")) for number in range(MOST_JOINED + 1)]
    events = events_of(found, NOW)
    assert [sum(len(group.joined) for group in event.groups) for event in events] == [MOST_JOINED, 1]


def test_a_report_that_bridges_two_groups_is_linked_to_both_and_merges_neither() -> None:
    found = joins([joiner("c", "x", "y")], {key("x").key: A, key("y").key: B})
    assert [(join.to, join.report_id) for join in found] == [(A, C), (B, C)]


def test_a_report_that_comes_again_is_not_linked_to_itself() -> None:
    assert joins([joiner("a", "x")], {key("x").key: A}) == []


def test_what_a_person_took_apart_is_not_joined_again() -> None:
    apart = {(B, A)}
    assert joins([joiner("b", "x")], {key("x").key: A}, lambda one, other: (one, other) in apart) == []


@given(st.lists(st.tuples(st.integers(0, 30), st.sets(st.integers(0, 8), max_size=4)), unique_by=lambda each: each[0]))
def test_whoever_shares_a_key_is_connected_whatever_the_order(given_: list[tuple[int, set[int]]]) -> None:
    joiners = [joiner(str(name), *map(str, keys)) for name, keys in given_]
    pairs = {frozenset((join.report_id, join.to)) for join in joins(joiners, {})}
    for key_ in {each for one in joiners for each in one.keys}:
        sharing = [one.report_id for one in joiners if key_ in one.keys]
        assert all(frozenset((sharing[0], other)) in pairs for other in sharing[1:])


def link(one: str, other: str | None = None, **fields: object) -> LinkReportsV1:
    given_: dict[str, object] = {"report_id": one, "other_id": other, "actor": "analyst-1", "decided_at": NOW, **fields}
    return LinkReportsV1.model_validate(given_)


def unlink(one: str, other: str | None = None, **fields: object) -> UnlinkReportsV1:
    return UnlinkReportsV1.model_validate(link(one, other, **fields).model_dump())


def codes(*commands: LinkReportsV1 | UnlinkReportsV1, **before: Standing) -> list[LinkRefusal | None]:
    outcomes = rule_in_order(
        {A, B, C},
        {report_id(name): each for name, each in before.items()},
        {},
        [(str(number), command) for number, command in enumerate(commands)],
    )
    return [outcome.code if isinstance(outcome, LinkRefused) else None for _, outcome in outcomes]


def test_a_ruling_about_two_reports_concerns_both() -> None:
    ((_, outcome),) = rule_in_order({A, B}, {}, {}, [("1", unlink(A, B, reason="another_person"))])
    assert isinstance(outcome, Ruled)
    assert {(each.report_id, each.target, each.verdict) for each in outcome.rulings} == {
        (A, B, Verdict.UNLINKED),
        (B, A, Verdict.UNLINKED),
    }
    assert isinstance(outcome.event, ReportUnlinkedV1)
    assert (outcome.event.other_id, outcome.event.reason) == (B, "another_person")


def test_a_ruling_on_an_older_version_is_refused() -> None:
    assert codes(link(A, B, version=0), unlink(A, C, version=0), unlink(B, C, version=1)) == [
        None,
        LinkRefusal.STALE_VERSION,
        None,
    ]


def test_a_ruling_that_holds_already_is_refused_and_may_be_reversed() -> None:
    assert codes(unlink(A, B), unlink(B, A), link(A, B), link(A, B)) == [
        None,
        LinkRefusal.ALREADY_SO,
        None,
        LinkRefusal.ALREADY_SO,
    ]


def test_a_ruling_needs_one_target_that_there_is() -> None:
    key_ = key("x").key
    assert codes(link(A), link(A, A), unlink(A, B, key=key_), link(A, D), link(A, key=key_)) == [
        LinkRefusal.BAD_TARGET,
        LinkRefusal.BAD_TARGET,
        LinkRefusal.BAD_TARGET,
        LinkRefusal.UNKNOWN_REPORT,
        LinkRefusal.BAD_TARGET,
    ]


def test_a_report_that_was_taken_from_an_indicator_comes_back_to_the_oldest_that_has_it() -> None:
    key_ = key("x").key
    commands = [("1", unlink(B, key=key_)), ("2", link(B, key=key_))]
    (_, first), (_, second) = rule_in_order({A, B}, {}, {key_: A}, commands)
    assert isinstance(first, Ruled)
    assert isinstance(second, Ruled)
    assert isinstance(second.event, ReportLinkedV1)
    assert second.event.groups == (LinkedGroup(report_id=A, kind=None, key=key_, joined=(B,)),)
    assert (first.version, second.version) == (1, 2)


def said() -> list[Data]:
    (event,) = events_of([Join(B, A, key("x"))], datetime(2024, 6, 3, tzinfo=UTC))
    return [event, ReportUnlinkedV1(report_id=A, linked_at=NOW, other_id=B, actor="analyst-1")]


@pytest.mark.parametrize("data", said(), ids=lambda each: type(each).__name__)
def test_whoever_follows_reports_passes_over_what_is_said_of_links(data: Data) -> None:
    value, topic = data.to_json(), "ibalagh.reports.triaged"
    assert says_of_links(value)
    assert StatusCodec("ibalagh.").passes_over(topic, value)
    assert waits_for_a_person(topic, value)
    assert is_our_own_word(topic, value)


def test_nothing_else_looks_as_if_it_said_something_of_links() -> None:
    assert not says_of_links(triage('","linked_at":').to_json())
    assert not says_of_links(None)
    assert not any(says_of_links(command.to_json()) for command in (link(A, B), unlink(A, B)))

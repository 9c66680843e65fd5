"""Who joins whom: groups of a batch, known cases, bridges, and what must not depend on order."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.linking import Applicant, case_id_for, key_of, plan
from tests.support.referral import links, report_id

OLD, YOUNG, CLOSED = (report_id(name) for name in ("old case", "young case", "closed case"))
OPENED = {OLD: 1, YOUNG: 2}


def applicant(name: str, *keys: str) -> Applicant:
    return Applicant(report_id(name), 1, keys)


def own(name: str) -> str:
    return case_id_for(report_id(name), 1)


def test_reports_that_share_nothing_open_cases_of_their_own() -> None:
    planned = plan([applicant("a", "x"), applicant("b", "y"), applicant("c")], {}, {})
    assert planned.case_of == {report_id(name): own(name) for name in "abc"}
    assert planned.claims == {"x": own("a"), "y": own("b")}
    assert not planned.shared


def test_reports_linked_through_a_later_one_of_the_batch_are_one_case() -> None:
    planned = plan([applicant("a", "x"), applicant("b", "y"), applicant("c", "x", "y")], {}, {})
    assert set(planned.case_of.values()) == {own("a")}
    assert planned.claims == {"x": own("a"), "y": own("a")}
    assert planned.shared == {"x", "y"}


def test_a_report_with_a_known_indicator_joins_its_case_and_brings_its_new_ones() -> None:
    planned = plan([applicant("a", "x", "new")], {"x": OLD}, OPENED)
    assert planned.case_of[report_id("a")] == OLD
    assert planned.claims == {"new": OLD}
    assert planned.shared == {"x"}


def test_a_bridge_joins_the_older_case_and_leaves_the_younger_one_its_indicators() -> None:
    owners = {"x": YOUNG, "y": OLD}
    planned = plan([applicant("bridge", "x", "y", "z"), applicant("b", "x")], owners, OPENED)
    assert planned.case_of == {report_id("bridge"): OLD, report_id("b"): YOUNG}
    assert planned.claims == {"z": OLD}


def test_a_new_indicator_that_is_shared_draws_its_group_to_the_oldest_case_touched() -> None:
    planned = plan([applicant("a", "x", "w"), applicant("b", "y", "w")], {"x": OLD, "y": YOUNG}, OPENED)
    assert set(planned.case_of.values()) == {OLD}


def test_an_indicator_of_a_closed_case_is_free_to_be_claimed() -> None:
    planned = plan([applicant("a", "x")], {"x": CLOSED}, OPENED)
    assert planned.case_of[report_id("a")] == own("a")
    assert planned.claims == {"x": own("a")}


def test_the_same_indicator_twice_in_one_report_links_nothing() -> None:
    assert not plan([applicant("a", "x", "x")], {}, {}).shared


def test_a_report_referred_again_opens_a_case_of_another_id() -> None:
    assert case_id_for(report_id("a"), 1) != case_id_for(report_id("a"), 3)


def test_the_key_tells_kinds_apart_and_does_not_hold_the_value() -> None:
    one, other = links("one", "other")
    assert key_of(one) != key_of(other)
    assert len(key_of(one)) == 32
    assert "one" not in key_of(one)


reports = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=3), max_size=12).map(
    lambda each: [applicant(str(number), *keys) for number, keys in enumerate(each)]
)


def groups_of(case_of: dict[str, str]) -> set[frozenset[str]]:
    members: dict[str, set[str]] = {}
    for report, case in case_of.items():
        members.setdefault(case, set()).add(report)
    return {frozenset(each) for each in members.values()}


@given(reports, st.randoms(use_true_random=False))
def test_the_order_of_reports_within_a_batch_does_not_change_who_is_together(
    batch: list[Applicant], random: object
) -> None:
    shuffled = list(batch)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    owners = {"a": OLD, "b": YOUNG, "c": CLOSED}
    one, other = plan(batch, owners, OPENED), plan(shuffled, owners, OPENED)
    assert groups_of(dict(one.case_of)) == groups_of(dict(other.case_of))
    assert one.shared == other.shared
    assert one.claims.keys() == other.claims.keys()


@given(reports)
def test_every_indicator_of_a_batch_has_one_owner_and_every_linked_report_a_shared_reason(
    batch: list[Applicant],
) -> None:
    planned = plan(batch, {"a": OLD}, OPENED)
    for each in batch:
        case = planned.case_of[each.report_id]
        for key in each.keys:
            assert (planned.claims.get(key) or {"a": OLD}[key]) == case
        if case != case_id_for(each.report_id, 1):
            assert planned.shared & set(each.keys)


campaigns = st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=15)


@given(campaigns, st.lists(st.integers(1, 6), min_size=15, max_size=15))
def test_batch_boundaries_do_not_part_reports_of_one_campaign(
    members: Sequence[tuple[int, bool]], sizes: Sequence[int]
) -> None:
    """Each report carries its campaign's indicator, and some one of their own besides."""
    batch = [
        applicant(str(number), f"campaign-{campaign}", *([f"own-{number}"] if more else []))
        for number, (campaign, more) in enumerate(members)
    ]
    owners: dict[str, str] = {}
    opened: dict[str, int] = {}
    together: dict[str, str] = {}
    left = list(batch)
    for size in sizes:
        planned = plan(left[:size], owners, opened)
        left = left[size:]
        owners |= planned.claims
        together |= planned.case_of
        for case in planned.case_of.values():
            opened.setdefault(case, len(opened))
    whole = plan(batch, {}, {})
    assert groups_of(together) == groups_of(dict(whole.case_of))


@pytest.mark.parametrize("size", [1, 5_000])
def test_a_chain_of_any_length_is_one_case(size: int) -> None:
    chain = [applicant(str(number), f"k{number}", f"k{number + 1}") for number in range(size)]
    assert set(plan(chain, {}, {}).case_of.values()) == {own("0")}

"""The state machine of a case: what each state allows, what it answers, and what never happens."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ibalagh.events.cases import SearchNoticeIssuedV1, SuspectIdentifiedV1, SuspectPresentedV1
from ibalagh.events.commands import ActOnCaseV1, ActOnCaseV2
from ibalagh.events.vocabulary import CaseAction, CaseActionV1, CaseResult, CaseState, Category, SuspectState, Urgency
from services.referral import suspects
from services.referral.competence import table_for
from services.referral.lifecycle import ALLOWED, NEEDS, Refusal, RefusalCode, Step, act, current
from services.referral.model import Case
from tests.support.referral import NOW, RABAT, report_id

TABLE = table_for(date(2024, 6, 1))
CASE = Case(
    case_id=report_id("case"),
    number=1,
    version=3,
    state=CaseState.REFERRED,
    category=Category.FRAUD,
    province=RABAT,
    urgency=Urgency.ROUTINE,
    service="PJ-RABAT",
    prosecutor="PR-RABAT",
    competence_table="2024-06",
    competence_rule=f"province:{RABAT}",
    received_on=date(2024, 6, 3),
    opened_at=NOW,
    tally={Category.FRAUD: 1},
)
FIELDS: dict[str, Any] = {
    "service": "PJ-FES",
    "reason": "competence",
    "suspect_ref": "S-1",
    "result": CaseResult.PROSECUTED,
}
SUSPECT_NEEDED = {CaseAction.PRESENT_SUSPECT, CaseAction.ISSUE_SEARCH_NOTICE}


def command(action: CaseAction, **fields: Any) -> ActOnCaseV2:
    given = {"case_id": CASE.case_id, "actor": "officer-1", "occurred_at": NOW, **FIELDS, **fields}
    return ActOnCaseV2(action=action, **given)


def take(
    case: Case, action: CaseAction, known_suspects: dict[str, SuspectState] | None = None, **fields: Any
) -> Step | Refusal:
    return act(case, known_suspects or {}, command(action, **fields), now=NOW, competence=TABLE)


def known(action: CaseAction) -> dict[str, SuspectState]:
    return {"S-1": SuspectState.IDENTIFIED} if action in SUSPECT_NEEDED else {}


@pytest.mark.parametrize("state", list(CaseState))
@pytest.mark.parametrize("action", list(CaseAction))
def test_a_state_takes_the_actions_it_allows_and_names_them_when_it_refuses(
    state: CaseState, action: CaseAction
) -> None:
    result = CaseResult.NO_EVIDENCE if state is CaseState.CLOSED else None
    answer = take(CASE._replace(state=state, result=result), action, known(action))
    if action in ALLOWED[state]:
        assert isinstance(answer, Step)
        versions = [each.version for each in answer.events]  # type: ignore[attr-defined]
        assert versions == list(range(4, 4 + len(versions)))
        assert answer.case.version == versions[-1]
    else:
        allowed = [each.value for each in ALLOWED[state]]
        assert answer == Refusal(RefusalCode.NOT_ALLOWED, {"state": state.value, "allowed": allowed})


@pytest.mark.parametrize(
    ("state", "action", "then"),
    [
        (CaseState.REFERRED, CaseAction.ACCEPT, CaseState.ACCEPTED),
        (CaseState.REFERRED, CaseAction.DECLINE, CaseState.DECLINED),
        (CaseState.DECLINED, CaseAction.REROUTE, CaseState.REFERRED),
        (CaseState.ACCEPTED, CaseAction.OPEN_INVESTIGATION, CaseState.INVESTIGATION),
        (CaseState.ACCEPTED, CaseAction.INSTRUCT, CaseState.INSTRUCTED),
        (CaseState.INSTRUCTED, CaseAction.INSTRUCT, CaseState.INSTRUCTED),
        (CaseState.INSTRUCTED, CaseAction.OPEN_INVESTIGATION, CaseState.INVESTIGATION),
        (CaseState.INVESTIGATION, CaseAction.INSTRUCT, CaseState.INVESTIGATION),
        (CaseState.INVESTIGATION, CaseAction.IDENTIFY_SUSPECT, CaseState.INVESTIGATION),
        (CaseState.INVESTIGATION, CaseAction.REROUTE, CaseState.REFERRED),
        (CaseState.INVESTIGATION, CaseAction.CLOSE, CaseState.CLOSED),
    ],
)
def test_an_action_leads_to_its_state(state: CaseState, action: CaseAction, then: CaseState) -> None:
    answer = take(CASE._replace(state=state), action)
    assert isinstance(answer, Step)
    assert answer.case.state is then


def test_a_stale_version_is_refused_with_the_current_one_before_anything_else() -> None:
    answer = take(CASE._replace(version=7), CaseAction.CLOSE, version=3)
    assert isinstance(answer, Refusal)
    assert (answer.code, answer.detail["version"]) == (RefusalCode.STALE_VERSION, 7)


@pytest.mark.parametrize(("action", "field"), [(action, field) for action, fields in NEEDS.items() for field in fields])
@pytest.mark.parametrize("empty", [None, ""])
def test_what_an_action_needs_is_asked_for_by_name(action: CaseAction, field: str, empty: str | None) -> None:
    state = next(state for state, actions in ALLOWED.items() if action in actions)
    if field == "result" and empty == "":
        return
    answer = take(CASE._replace(state=state), action, known(action), **{field: empty})
    assert answer == Refusal(RefusalCode.MISSING_FIELD, {"field": field})


@pytest.mark.parametrize(
    ("occurred_at", "code"),
    [
        (NOW + timedelta(minutes=2), RefusalCode.OCCURRED_IN_FUTURE),
        (datetime(2024, 6, 2, 22, 59, tzinfo=UTC), RefusalCode.OCCURRED_BEFORE_REPORT),
        (datetime(2024, 8, 1), RefusalCode.TIME_WITHOUT_OFFSET),  # noqa: DTZ001
    ],
)
def test_a_time_that_cannot_be_is_refused(occurred_at: datetime, code: RefusalCode) -> None:
    answer = take(CASE, CaseAction.ACCEPT, occurred_at=occurred_at)
    assert isinstance(answer, Refusal)
    assert answer.code is code


def test_any_time_since_the_day_of_the_first_report_may_be_stated_and_none_is_later_than_now() -> None:
    first_moment = datetime(2024, 6, 2, 23, 0, tzinfo=UTC)
    for stated, kept in ((first_moment, first_moment), (NOW + timedelta(seconds=30), NOW)):
        answer = take(CASE, CaseAction.ACCEPT, occurred_at=stated)
        assert isinstance(answer, Step)
        assert answer.events[0].occurred_at == kept  # type: ignore[attr-defined]


def test_rerouting_notifies_the_prosecutor_only_where_that_is_another_one() -> None:
    elsewhere = take(CASE, CaseAction.REROUTE)
    assert isinstance(elsewhere, Step)
    assert [type(each).__name__ for each in elsewhere.events] == ["CaseReroutedV1", "ProsecutionNotifiedV1"]
    same_prosecutor = take(CASE, CaseAction.REROUTE, service="BCIJ")
    assert isinstance(same_prosecutor, Step)
    assert [type(each).__name__ for each in same_prosecutor.events] == ["CaseReroutedV1"]


@pytest.mark.parametrize(
    ("service", "code"), [("PJ-NOWHERE", RefusalCode.SERVICE_NOT_IN_TABLE), ("PJ-RABAT", RefusalCode.SAME_SERVICE)]
)
def test_a_case_goes_only_to_another_service_of_the_table(service: str, code: RefusalCode) -> None:
    assert take(CASE, CaseAction.REROUTE, service=service) == Refusal(code, {"field": "service"})


@pytest.mark.parametrize("before", [None, *SuspectState])
@pytest.mark.parametrize("action", sorted(suspects.ACTIONS))
def test_a_suspects_own_state_takes_what_it_allows_and_names_it_when_it_refuses(
    before: SuspectState | None, action: CaseAction
) -> None:
    case = CASE._replace(state=CaseState.INVESTIGATION)
    answer = take(case, action, {} if before is None else {"S-1": before})
    if action in suspects.allowed(before):
        assert isinstance(answer, Step)
        assert answer.suspect == ("S-1", suspects.TRANSITIONS[before][action])
        assert answer.case.version == case.version + 1
    else:
        assert isinstance(answer, Refusal)
        assert answer.detail == {"field": "suspect_ref", "allowed": [each.value for each in suspects.allowed(before)]}


@pytest.mark.parametrize(
    ("before", "action", "code"),
    [
        (SuspectState.IDENTIFIED, CaseAction.IDENTIFY_SUSPECT, RefusalCode.SUSPECT_ALREADY_IDENTIFIED),
        (SuspectState.SEARCHED, CaseAction.IDENTIFY_SUSPECT, RefusalCode.SUSPECT_ALREADY_IDENTIFIED),
        (None, CaseAction.PRESENT_SUSPECT, RefusalCode.SUSPECT_NOT_IDENTIFIED),
        (None, CaseAction.ISSUE_SEARCH_NOTICE, RefusalCode.SUSPECT_NOT_IDENTIFIED),
        (SuspectState.PRESENTED, CaseAction.PRESENT_SUSPECT, RefusalCode.SUSPECT_ALREADY_PRESENTED),
        (SuspectState.PRESENTED, CaseAction.ISSUE_SEARCH_NOTICE, RefusalCode.SUSPECT_ALREADY_PRESENTED),
        (SuspectState.SEARCHED, CaseAction.ISSUE_SEARCH_NOTICE, RefusalCode.SUSPECT_ALREADY_SEARCHED),
    ],
)
def test_a_refusal_about_a_suspect_says_why(before: SuspectState | None, action: CaseAction, code: RefusalCode) -> None:
    answer = take(CASE._replace(state=CaseState.INVESTIGATION), action, {} if before is None else {"S-1": before})
    assert isinstance(answer, Refusal)
    assert answer.code is code


def test_a_suspect_who_was_searched_for_may_be_presented() -> None:
    answer = take(
        CASE._replace(state=CaseState.INVESTIGATION), CaseAction.PRESENT_SUSPECT, {"S-1": SuspectState.SEARCHED}
    )
    assert isinstance(answer, Step)
    assert answer.suspect == ("S-1", SuspectState.PRESENTED)


def test_a_command_of_the_first_version_is_taken_as_one_of_the_second() -> None:
    first = ActOnCaseV1(
        case_id=CASE.case_id, action=CaseActionV1.DECLINE, actor="officer-1", occurred_at=NOW, reason="competence"
    )
    as_second = take(CASE, CaseAction.DECLINE, service=None)
    assert isinstance(as_second, Step)
    assert act(CASE, {}, current(first), now=NOW, competence=TABLE) == as_second


class Life(RuleBasedStateMachine):
    """Whatever officers and prosecutors ask for, in any order; what the rows then are is held against the events."""

    def __init__(self) -> None:
        super().__init__()
        self.case = CASE
        self.suspects: dict[str, SuspectState] = {}
        self.said: list[Any] = []

    @rule(
        action=st.sampled_from(CaseAction),
        reference=st.sampled_from(["S-1", "S-2", "S-3"]),
        result=st.sampled_from(CaseResult),
    )
    def ask(self, action: CaseAction, reference: str, result: CaseResult) -> None:
        before, known = self.case, dict(self.suspects)
        service = "PJ-FES" if before.service == "PJ-RABAT" else "PJ-RABAT"
        answer = take(before, action, known, suspect_ref=reference, service=service, result=result)
        if isinstance(answer, Refusal):
            possible = action in ALLOWED[before.state]
            assert not possible or action not in suspects.allowed(known.get(reference))
            assert action.value not in answer.detail["allowed"]
            return
        assert action in ALLOWED[before.state]
        assert [each.version for each in answer.events] == list(  # type: ignore[attr-defined]
            range(before.version + 1, before.version + 1 + len(answer.events))
        )
        self.case = answer.case
        self.said += answer.events
        if answer.suspect:
            self.suspects |= [answer.suspect]

    @invariant()
    def a_closed_case_has_a_result_and_nothing_follows(self) -> None:
        assert (self.case.result is not None) == (self.case.state is CaseState.CLOSED)
        kinds = [type(each).__name__ for each in self.said]
        assert kinds.count("CaseClosedV1") == (self.case.state is CaseState.CLOSED)
        assert "CaseClosedV1" not in kinds[:-1]

    @invariant()
    def the_events_alone_tell_what_the_suspects_are(self) -> None:
        told: dict[str, SuspectState] = {}
        for each in self.said:
            if isinstance(each, SuspectIdentifiedV1):
                assert each.suspect_ref not in told
                told[each.suspect_ref] = SuspectState.IDENTIFIED
            elif isinstance(each, SearchNoticeIssuedV1):
                told[each.suspect_ref] = SuspectState.SEARCHED
            elif isinstance(each, SuspectPresentedV1):
                assert told[each.suspect_ref] is not SuspectState.PRESENTED
                told[each.suspect_ref] = SuspectState.PRESENTED
        assert told == self.suspects


test_whatever_people_ask_for_a_case_lives_by_its_rules = Life.TestCase

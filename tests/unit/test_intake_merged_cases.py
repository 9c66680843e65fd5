"""What a reporter's status makes of cases that are merged, split and opened again."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ibalagh.contracts.codec import Codec
from ibalagh.events import cases
from ibalagh.events.envelope import Data, Event
from ibalagh.events.make import root
from ibalagh.events.vocabulary import CasePart, CaseState, Category
from ibalagh.stream.ports import Record
from services.intake.handlers import StatusCodec
from services.intake.status import CaseStanding, Linked, MergedCase, Status, changes, said_of_regrouping
from tests.support.referral import report_id

AT = datetime(2026, 7, 1, tzinfo=UTC)
KEPT, OTHER = report_id("kept"), report_id("other")


def of_case(part: CasePart, **fields: Any) -> dict[str, Any]:
    case_id, other = (KEPT, OTHER) if part is CasePart.KEPT else (OTHER, KEPT)
    return {
        "case_id": case_id,
        "other_case_id": other,
        "part": part,
        "version": 4,
        "occurred_at": AT,
        "category": Category.FRAUD,
        "service": "PJ-RABAT",
        "actor": "officer-1",
        "reason": "one seller",
        "reports": 1,
        "opened_at": AT,
        "opened_as": Category.FRAUD,
        "state": CaseState.REFERRED,
        **fields,
    }


def read(data: Data) -> Event[Data]:
    """As the projection's own codec reads it."""
    subject: str = data.case_id  # type: ignore[attr-defined]
    sent = Codec("t.").encode(root(data, id_=report_id("e"), source="/referral", subject=subject, now=AT))
    return StatusCodec("t.").decode(Record(sent.topic, 0, 0, sent.key, sent.value, list(sent.headers)))


def test_a_merged_case_leads_to_the_other_until_that_is_undone_and_only_one_of_both_events_says_so() -> None:
    for model in (cases.CaseMergedV1, cases.CaseSplitUndoneV1):
        assert said_of_regrouping(read(model(**of_case(CasePart.OTHER)))) == [MergedCase(OTHER, 4, KEPT)]
        assert said_of_regrouping(read(model(**of_case(CasePart.KEPT)))) == []
    undone = read(cases.CaseMergeUndoneV1(**of_case(CasePart.OTHER, version=5)))
    assert said_of_regrouping(undone) == [MergedCase(OTHER, 5, None)]


def test_reports_that_are_split_off_are_in_the_new_case_which_stands_as_far_along() -> None:
    fields = {"report_ids": (report_id("a"), report_id("b")), "state": CaseState.INSTRUCTED, "version": 1}
    sayings = said_of_regrouping(read(cases.CaseSplitV1(**of_case(CasePart.OTHER, **fields))))
    assert sayings == [
        CaseStanding(OTHER, 1, Status.ACCEPTED, AT, AT),
        Linked(report_id("a"), OTHER, AT, AT),
        Linked(report_id("b"), OTHER, AT, AT),
    ]


def test_a_case_that_is_opened_again_stands_where_it_stood() -> None:
    fields = of_case(CasePart.KEPT, state=CaseState.INVESTIGATION)
    data = {name: fields[name] for name in cases.CaseReopenedV1.model_fields if name in fields}
    assert said_of_regrouping(read(cases.CaseReopenedV1(**data))) == [
        CaseStanding(KEPT, 4, Status.INVESTIGATION_OPENED, AT, AT)
    ]


def test_the_latest_version_of_a_merge_wins_in_any_order() -> None:
    merged, undone = MergedCase(OTHER, 4, KEPT), MergedCase(OTHER, 5, None)
    later = AT + timedelta(seconds=1)
    standing = CaseStanding(KEPT, 4, Status.ACCEPTED, later, later)
    for order in ((merged, undone, standing), (undone, standing, merged)):
        assert changes(order).merged == {OTHER: undone}

"""What happens to a case when a report opens it, joins it, is reclassified in it, or leaves it. Pure.

In: the case and the report as events of `reports.triaged` carry it. Out: the case afterwards and the events to say, in
order, whose versions go up by one each. `now` is when the service acts, and so when it happened,
whatever the day on which the report came in.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from ibalagh.events.cases import (
    CaseClosedV1,
    CaseLeftV1,
    CaseReclassifiedV1,
)
from ibalagh.events.envelope import Data
from ibalagh.events.reports import Decision, ReportReviewedV1
from ibalagh.events.vocabulary import CaseResult, CaseState, Category, ClockKind
from ibalagh.events.written import Said
from services.referral import clocks
from services.referral.competence import ACROSS_REGIONS, NO_TRAITS, Competence, Traits
from services.referral.lifecycle import rerouted
from services.referral.model import MACHINE_ACTOR, Case, Closing
from services.referral.referred import ReferredReport
from services.referral.workdays import Workdays
from services.referral.writing import joining, opening, referral

RECLASSIFIED = "reclassified"
"""The reason of a re-routing that follows from a person's new category."""


_new: Final = tuple.__new__
_VERSION: Final = Case._fields.index("version")
_TALLY: Final = Case._fields.index("tally")


class Growth(NamedTuple):
    """A case with a report more, and the events to say, in order, as they are written."""

    case: Case
    said: tuple[Said, ...]


class Change(NamedTuple):
    """A case after a person's decision about a report, and the data of the events to say, in order."""

    case: Case
    events: tuple[Data, ...]


def opened(
    report: ReferredReport, *, case_id: str, now: datetime, competence: Competence, workdays: Workdays
) -> Growth:
    """A new case with its first report, at once referred to the competent service, the prosecutor notified."""
    category, province, urgency = report.category, report.province, report.urgency
    traits = NO_TRAITS
    if report.minor or report.amounts:
        traits = Traits(report.minor, competence.tier(report.amounts))
    to = referral(competence, category, province, urgency, traits)
    assigned = to.assigned
    case = Case(
        case_id,
        None,
        3,
        CaseState.REFERRED,
        category,
        province,
        urgency,
        assigned.service,
        assigned.prosecutor,
        assigned.table,
        assigned.rule,
        report.received_on,
        now,
        {category: 1},
        None,
        clocks.started(ClockKind.ACCEPTANCE, urgency, now, workdays),
    )
    return Growth(case, opening(case_id, report, to, now))


def joined(case: Case, report: ReferredReport, *, joined_by: Iterable[bytes], now: datetime) -> Growth:
    """The case with one report more. Its category stays; it is as urgent as its most urgent report."""
    tally = {**case.tally, report.category: case.tally.get(report.category, 0) + 1}
    if report.urgency <= case.urgency and report.received_on >= case.received_on:
        # The usual report of a campaign. `_replace` looks each field up by its name, at four times the cost of this.
        version, tallied = case.version + 1, _TALLY
        grown = _new(Case, (*case[:_VERSION], version, *case[_VERSION + 1 : tallied], tally, *case[tallied + 1 :]))
    else:
        grown = case._replace(
            version=case.version + 1,
            urgency=max(case.urgency, report.urgency),
            received_on=min(case.received_on, report.received_on),
            tally=tally,
        )
    return Growth(grown, joining(case.case_id, grown.version, report, joined_by, now))


def crossed(case: Case, report: ReferredReport, *, now: datetime, competence: Competence) -> Change | None:
    """What follows when a report of another region has joined a case that no service has accepted: the national
    service takes it. None nearly always. Only a case that its place decided about moves, and only once; who was sent it
    by hand keeps it."""
    to = competence.across(case.province, report.province, case.reports)
    by_place = case.competence_rule.partition(":")[0] in ("province", "region")
    if to is None or case.state is not CaseState.REFERRED or not by_place:
        return None
    if competence.assign(case.category, case.province).service != case.service:
        return None
    moved = case._replace(competence_table=to.table, competence_rule=to.rule)
    return Change(*rerouted(moved, to.service, to.prosecutor, reason=ACROSS_REGIONS, at=now))


def left(case: Case, report: ReportReviewedV1, category: Category, *, now: datetime) -> Change:
    """The case without a report that counted in it as `category`; an empty case is closed: no offence."""
    shrunk = case._replace(version=case.version + 1, tally=recounted(case.tally, lost=category))
    data: Data = CaseLeftV1(version=shrunk.version, category=category, **_of_report(case, report, report.previous, now))
    if shrunk.tally or not case.is_open:
        return Change(shrunk, (data,))
    closed = shrunk._replace(
        version=shrunk.version + 1,
        state=CaseState.CLOSED,
        result=CaseResult.NO_OFFENCE,
        closing=Closing(case.state, now, case.category),
    )
    return Change(
        closed,
        (
            data,
            CaseClosedV1(
                case_id=case.case_id,
                version=closed.version,
                occurred_at=now,
                category=case.category,
                service=case.service,
                province=case.province,
                actor=MACHINE_ACTOR,
                result=CaseResult.NO_OFFENCE,
            ),
        ),
    )


def reclassified(
    case: Case, report: ReportReviewedV1, previous: Category, *, now: datetime, competence: Competence
) -> Change:
    """The case after one of its reports got another category or organisation.

    The case's category is its reports' majority; among equals, the one that the case met first. When the table names
    another service for the new category than for the old one, an open case is re-routed; an officer's own re-routing
    stands as long as the table's answer is the same.
    """
    decision = report.decision
    tally = recounted(case.tally, lost=previous, gained=decision.category)
    category = max(tally, key=tally.__getitem__)
    changed = case._replace(version=case.version + 1, tally=tally, category=category)
    if category is not case.category and case.opened_as is None:
        changed = changed._replace(opened_as=case.category)
    data = CaseReclassifiedV1(
        version=changed.version,
        category=decision.category,
        previous_category=previous,
        previous_organisation=report.previous.organisation,
        case_category=category,
        **_of_report(case, report, decision, now),
    )
    minor, tier = competence.traits(case.competence_rule)
    before, after = (
        competence.assign(each, case.province, minor=minor, tier=tier) for each in (case.category, category)
    )
    if not case.is_open or after.service in (before.service, case.service):
        return Change(changed, (data,))
    changed = changed._replace(competence_table=after.table, competence_rule=after.rule)
    moved, events = rerouted(changed, after.service, after.prosecutor, reason=RECLASSIFIED, at=now)
    return Change(moved, (data, *events))


def _of_report(case: Case, report: ReportReviewedV1, decision: Decision, now: datetime) -> dict[str, Any]:
    return {
        "case_id": case.case_id,
        "occurred_at": now,
        "report_id": report.report_id,
        "facts": report.facts,
        "urgency": decision.urgency,
        "province": decision.province,
        "organisation": decision.organisation,
    }


def recounted(
    tally: Mapping[Category, int], *, lost: Category | None = None, gained: Category | None = None
) -> dict[Category, int]:
    """The tally with one report taken from `lost` and one added to `gained`; what falls to nothing is left out."""
    moved = dict(tally)
    if lost is not None:
        moved[lost] = moved.get(lost, 0) - 1
    if gained is not None:
        moved[gained] = moved.get(gained, 0) + 1
    return {category: count for category, count in moved.items() if count > 0}

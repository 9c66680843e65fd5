"""Which case holds a report: the plan names reports, referral's interface lists cases.

A case's file is asked for only when its list entry looks like the one sought (day of its first report, category, number
of reports), the likeliest first; so a lookup costs a few requests, and still ends well when the entry looks different.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from bench.scenario.model import Scenario, SuspectPlan


class Sought(NamedTuple):
    """A report, and what the entry of its case should look like."""

    report_id: str
    received_on: str
    category: str
    report_count: int


def sought(scenario: Scenario, report_ids: Sequence[str]) -> dict[int, Sought]:
    """Place of a report in the scenario → what to look for, for every report that the plan names and that was sent."""
    reports = scenario.reports[: len(report_ids)]
    sizes: dict[int, int] = {}
    for report in reports:
        if report.truth.campaign is not None:
            sizes[report.truth.campaign] = sizes.get(report.truth.campaign, 0) + 1
    found: dict[int, Sought] = {}
    for place in {plan.report for plan in scenario.outcomes if plan.report < len(reports)}:
        report = reports[place]
        campaign = report.truth.campaign
        size = 1 if campaign is None else sizes[campaign]
        day = report.body["submitted_at"][:10]
        found[place] = Sought(report_ids[place], day, report.truth.category.value, size)
    return found


def find(wanted: Sought, cases: Sequence[Mapping[str, Any]], reports_of: Callable[[str], frozenset[str]]) -> str | None:
    """The id of the case that holds `wanted`, None when none of `cases` does. `reports_of` asks for a case's file."""

    def unlikeness(case: Mapping[str, Any]) -> int:
        alike = (case["received_on"], case["category"], case["report_count"])
        return sum(a != b for a, b in zip(alike, wanted[1:], strict=True))

    for case in sorted(cases, key=unlikeness):
        if wanted.report_id in reports_of(case["case_id"]):
            case_id: str = case["case_id"]
            return case_id
    return None


def plans_by_case(plans: Sequence[SuspectPlan], case_ids: Mapping[int, str | None]) -> dict[str, list[SuspectPlan]]:
    """Case id → the suspects to be identified in it. `case_ids`: place of a report in the scenario → its case."""
    grouped: dict[str, list[SuspectPlan]] = {}
    for plan in plans:
        case_id = case_ids.get(plan.report)
        if case_id is not None:
            grouped.setdefault(case_id, []).append(plan)
    return grouped

"""The machine's decisions about reports: a pure function of the reports and the policy."""

from collections.abc import Sequence
from typing import Final

from ibalagh.events.reports import ReportReceivedV1, ReportTriagedV1
from services.triage.entities import extract
from services.triage.normalise import join, read, words
from services.triage.places import Gazetteer
from services.triage.policy import Policy
from services.triage.variety import guess

_AT_A_TIME: Final = 100
_CHECKED: Final = ReportTriagedV1.__pydantic_validator__.validate_python
"""`ReportTriagedV1(**fields)` without the call in between."""


def decide(report: ReportReceivedV1, policy: Policy) -> ReportTriagedV1:
    """What the report is about, how urgent, where, and what identifies the act. Total: no text raises; linear in it."""
    return _decide_some([report], policy)[0]


def decide_all(reports: Sequence[ReportReceivedV1], policy: Policy) -> list[ReportTriagedV1]:
    """The decisions about a batch of reports, in their order."""
    decided: list[ReportTriagedV1] = []
    for start in range(0, len(reports), _AT_A_TIME):
        decided += _decide_some(reports[start : start + _AT_A_TIME], policy)
    return decided


def _decide_some(reports: Sequence[ReportReceivedV1], policy: Policy) -> list[ReportTriagedV1]:
    """Step by step for all of them rather than report by report: each step has an automaton, a table or a machine of
    regular expressions of its own, which together are larger than a processor's nearest caches; so one step for a
    hundred reports takes two thirds of the time of all steps for each. More gain nothing, and of the longest texts a
    hundred take 30 MB."""
    texts = [read(report.text) for report in reports]
    extracted = [
        extract(cleaned, encoded, report.links, report.platform)
        for (cleaned, encoded), report in zip(texts, reports, strict=True)
    ]
    spoken = [words(each.encoded) for each in extracted]
    folded = list(map(join, spoken))
    found = list(map(policy.matcher.find, folded))
    varieties = [guess(said, report.language) for said, report in zip(spoken, reports, strict=True)]
    decisions = [
        policy.taxonomy.decide(concepts, report.category_hint, _province(policy.gazetteer, report.place, text))
        for concepts, report, text in zip(found, reports, folded, strict=True)
    ]
    return [
        _CHECKED(
            {
                "report_id": report.report_id,
                "facts": report.facts,
                "variety": variety,
                "decision": decision,
                "indicators": each.indicators,
            }
        )
        for report, variety, decision, each in zip(reports, varieties, decisions, extracted, strict=True)
    ]


def _province(gazetteer: Gazetteer, place: str | None, folded: bytes) -> str | None:
    code = gazetteer.of_place(place) if place else None
    return gazetteer.of_text(folded) if code is None else code

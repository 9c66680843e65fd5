"""The machine's decision about a report: a pure function of the report and the policy."""

from collections.abc import Sequence

from ibalagh.events.reports import ReportReceivedV1, ReportTriagedV1
from services.triage.entities import extract
from services.triage.normalise import clean, fold
from services.triage.policy import Policy
from services.triage.variety import guess


def decide(report: ReportReceivedV1, policy: Policy) -> ReportTriagedV1:
    """What the report is about, how urgent, where, and what identifies the act. Total: no text raises; linear in it."""
    indicators, text = extract(clean(report.text), report.links, report.platform)
    folded = fold(text)
    province = policy.gazetteer.of_place(report.place) if report.place else None
    if province is None:
        province = policy.gazetteer.of_text(folded)
    return ReportTriagedV1(
        report_id=report.report_id,
        facts=report.facts,
        variety=guess(folded, report.language),
        decision=policy.taxonomy.decide(policy.matcher.find(folded), report.category_hint, province),
        indicators=indicators,
    )


def decide_all(reports: Sequence[ReportReceivedV1], policy: Policy) -> list[ReportTriagedV1]:
    """The decisions about a batch of reports, in their order."""
    return [decide(report, policy) for report in reports]

"""What the machine makes of what a reporter says after the report. Pure.

In: the data of `report.supplemented` and `report.withdrawn`; out: `report.amended`. Judged is the supplement alone,
since the classifier keeps nothing: the report's own category stands until a person decides otherwise.
"""

from typing import Final

from ibalagh.events.dialogue import ReportAmendedV1, ReportSupplementedV1, ReportWithdrawnV1
from ibalagh.events.vocabulary import AmendmentKind, Urgency
from services.triage.decide import Judged
from services.triage.reported import Reported

NO_FACTS: Final = b""
"""In the place of the facts of a report, which a supplement does not repeat."""


def as_reported(data: ReportSupplementedV1 | ReportWithdrawnV1) -> Reported:
    """What the rules read: of a supplement its text and links, of a withdrawal nothing."""
    text, links = (data.text, data.links) if isinstance(data, ReportSupplementedV1) else ("", ())
    return Reported(data.report_id, NO_FACTS, text, links, None, None, None, None)


def amended(data: ReportSupplementedV1 | ReportWithdrawnV1, judged: Judged, *, amendment_id: str) -> ReportAmendedV1:
    """What the desk is told; `amendment_id` is the id of the event."""
    if isinstance(data, ReportWithdrawnV1):
        return ReportAmendedV1(
            report_id=data.report_id,
            amendment_id=amendment_id,
            kind=AmendmentKind.WITHDRAWAL,
            amended_at=data.withdrawn_at,
            urgency=Urgency.ROUTINE,
            reasons=(),
            indicators=(),
        )
    decision = judged.ruling.base
    return ReportAmendedV1(
        report_id=data.report_id,
        amendment_id=amendment_id,
        kind=AmendmentKind(data.kind),
        amended_at=data.supplemented_at,
        urgency=decision.urgency,
        reasons=decision.reasons,
        indicators=judged.indicators,
    )

"""A decision about a campaign, and what it is for each of its reports. Pure.

In: a command, which names reports by their numbers in a campaign; out: a command for each report. As many as a campaign
may have, they go through the log by the thousand: `parts` cuts what a person froze into commands.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from ibalagh.events.commands import DecideCampaignV1, DecideReportV1

AT_ONCE: Final = 1_000
"""Reports that one command decides at most: they are one transaction."""


class CampaignRefusal(StrEnum):
    """Why a decision about a campaign changed nothing, besides what refuses one about a report."""

    NOTHING_WAITS = "nothing_waits"


def parts(decision: DecideCampaignV1) -> Iterator[DecideCampaignV1]:
    """The same decision, in commands of `AT_ONCE` numbers."""
    for after in range(decision.after, decision.upto, AT_ONCE):
        yield decision.model_copy(update={"after": after, "upto": min(after + AT_ONCE, decision.upto)})


def of_report(decision: DecideCampaignV1, report_id: str) -> DecideReportV1:
    """What the decision is for one report, whatever its version."""
    fields = decision.model_dump(exclude={"campaign_id", "after", "upto"})
    return DecideReportV1(report_id=report_id, amendments_seen=0, **fields)

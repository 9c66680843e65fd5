"""Which event types exist, which model each one's data has, and which topic each one goes to: declared here once."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from ibalagh.events import cases, commands, desk, dialogue, links, reports, statistics
from ibalagh.events.envelope import Data

PREFIX: Final = "ibalagh."


class EventType(NamedTuple):
    """A versioned type: its CloudEvents `type`, the model of its data, its topic without the prefix, its owner."""

    name: str
    model: type[Data]
    topic: str
    owner: str


RECEIVED: Final = "reports.received"
TRIAGED: Final = "reports.triaged"
URGENT: Final = "reports.received.urgent"
DECISIONS: Final = "triage.decisions"
REFERRED: Final = "cases.referred"
ACTIONS: Final = "cases.actions"
OUTCOMES: Final = "cases.outcomes"
DELTAS: Final = "stats.deltas"
ALERTS: Final = "stats.alerts"
SERVICES: Final = ("intake", "triage", "referral", "stats")


def dead_letter_topic(service: str) -> str:
    """The topic, without prefix, that takes what `service` could not read."""
    return f"{service}.deadletters"


_TABLE: Final[tuple[tuple[str, type[Data], str, str], ...]] = (
    ("report.received.v1", reports.ReportReceivedV1, RECEIVED, "intake"),
    ("report.supplemented.v1", dialogue.ReportSupplementedV1, RECEIVED, "intake"),
    ("report.withdrawn.v1", dialogue.ReportWithdrawnV1, RECEIVED, "intake"),
    ("report.triaged.v1", reports.ReportTriagedV1, TRIAGED, "triage"),
    ("report.reviewed.v1", reports.ReportReviewedV1, TRIAGED, "triage"),
    ("report.amended.v1", dialogue.ReportAmendedV1, TRIAGED, "triage"),
    ("message.sent.v1", dialogue.MessageSentV1, TRIAGED, "triage"),
    ("report.linked.v1", links.ReportLinkedV1, TRIAGED, "triage"),
    ("report.unlinked.v1", links.ReportUnlinkedV1, TRIAGED, "triage"),
    ("report.decide.v1", commands.DecideReportV1, DECISIONS, "triage"),
    ("message.send.v1", commands.SendMessageV1, DECISIONS, "triage"),
    ("report.link.v1", links.LinkReportsV1, DECISIONS, "triage"),
    ("report.unlink.v1", links.UnlinkReportsV1, DECISIONS, "triage"),
    ("campaign.decide.v1", commands.DecideCampaignV1, DECISIONS, "triage"),
    ("report.escalate.v1", desk.EscalateReportV1, DECISIONS, "triage"),
    ("proposal.reject.v1", desk.RejectProposalV1, DECISIONS, "triage"),
    ("decision.undo.v1", desk.UndoDecisionV1, DECISIONS, "triage"),
    ("case.opened.v1", cases.CaseOpenedV1, REFERRED, "referral"),
    ("case.joined.v1", cases.CaseJoinedV1, REFERRED, "referral"),
    ("case.left.v1", cases.CaseLeftV1, REFERRED, "referral"),
    ("case.reclassified.v1", cases.CaseReclassifiedV1, REFERRED, "referral"),
    ("case.referred.v1", cases.CaseReferredV1, REFERRED, "referral"),
    ("case.rerouted.v1", cases.CaseReroutedV1, REFERRED, "referral"),
    ("prosecution.notified.v1", cases.ProsecutionNotifiedV1, REFERRED, "referral"),
    ("case.merged.v1", cases.CaseMergedV1, REFERRED, "referral"),
    ("case.merge_undone.v1", cases.CaseMergeUndoneV1, REFERRED, "referral"),
    ("case.split.v1", cases.CaseSplitV1, REFERRED, "referral"),
    ("case.split_undone.v1", cases.CaseSplitUndoneV1, REFERRED, "referral"),
    ("case.act.v1", commands.ActOnCaseV1, ACTIONS, "referral"),
    ("case.act.v2", commands.ActOnCaseV2, ACTIONS, "referral"),
    ("case.check_clock.v1", commands.CheckClockV1, ACTIONS, "referral"),
    ("case.merge.v1", commands.MergeCasesV1, ACTIONS, "referral"),
    ("case.divide.v1", commands.DivideCaseV1, ACTIONS, "referral"),
    ("case.undo_regrouping.v1", commands.UndoRegroupingV1, ACTIONS, "referral"),
    ("case.reopen.v1", commands.ReopenCaseV1, ACTIONS, "referral"),
    ("case.accepted.v1", cases.CaseAcceptedV1, OUTCOMES, "referral"),
    ("case.declined.v1", cases.CaseDeclinedV1, OUTCOMES, "referral"),
    ("prosecution.instructed.v1", cases.ProsecutionInstructedV1, OUTCOMES, "referral"),
    ("investigation.opened.v1", cases.InvestigationOpenedV1, OUTCOMES, "referral"),
    ("suspect.identified.v1", cases.SuspectIdentifiedV1, OUTCOMES, "referral"),
    ("suspect.presented.v1", cases.SuspectPresentedV1, OUTCOMES, "referral"),
    ("search_notice.issued.v1", cases.SearchNoticeIssuedV1, OUTCOMES, "referral"),
    ("case.closed.v1", cases.CaseClosedV1, OUTCOMES, "referral"),
    ("case.reopened.v1", cases.CaseReopenedV1, OUTCOMES, "referral"),
    ("case.clock_warned.v1", cases.CaseClockWarnedV1, OUTCOMES, "referral"),
    ("case.clock_escalated.v1", cases.CaseClockEscalatedV1, OUTCOMES, "referral"),
    ("counters.changed.v1", statistics.CountersChangedV1, DELTAS, "stats"),
    ("surge.opened.v1", statistics.SurgeOpenedV1, ALERTS, "stats"),
    ("surge.closed.v1", statistics.SurgeClosedV1, ALERTS, "stats"),
)

LANES: Final[Mapping[str, tuple[str, ...]]] = {
    URGENT: (PREFIX + "report.received.v1", PREFIX + "report.supplemented.v1")
}
"""Topics that carry some events of other topics, so that these overtake the others; and which."""

EVENT_TYPES: Final[Mapping[str, EventType]] = {
    PREFIX + name: EventType(PREFIX + name, model, topic, owner) for name, model, topic, owner in _TABLE
}
_TYPE_OF: Final[Mapping[type[Data], str]] = {entry.model: entry.name for entry in EVENT_TYPES.values()}


def type_of(model: type[Data]) -> str:
    """The CloudEvents `type` of a model, e.g. `ibalagh.report.triaged.v1`. KeyError for a model of no event."""
    return _TYPE_OF[model]

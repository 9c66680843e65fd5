"""Events and commands about links between reports: which ones speak of the same act. Topic and key as a report's.

A link is between a report and the oldest report that shares something with it, so the copies of a campaign make a star
and not a mesh; what the machine finds in a batch of reports is one event, however many it joins.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from ibalagh.events.envelope import UUID_FORM, Data, Uuid
from ibalagh.events.reports import ShortText
from ibalagh.events.vocabulary import IndicatorKind

LinkKey = Annotated[str, StringConstraints(pattern=rf"^{UUID_FORM}$")]
"""What stands for an indicator: BLAKE2b-128 of `kind:value` in the form of a UUID, so that no event about links repeats
a number, an address or a name."""
MOST_JOINED: Final = 2_000
"""Reports that one event joins at most; more are more events."""
Version = Annotated[
    Annotated[int, Field(ge=0)] | None,
    Field(description="How many times people had ruled on the report's links when this was decided; null: whatever"),
]
_LINKED_AT: Final = b',"linked_at":'
_PLACE: Final = len(b'{"report_id":""') + 36


class LinkedBy(StrEnum):
    """Who found a link."""

    MACHINE = "machine"
    PERSON = "person"


class LinkedGroup(Data):
    """Reports that were joined to one report, and by what; a person's word about two reports has no key."""

    report_id: Uuid = Field(description="The oldest of them, to which the others are joined")
    kind: IndicatorKind | None = Field(description="Null where a person says so")
    key: LinkKey | None
    joined: Annotated[tuple[Uuid, ...], Field(min_length=1, max_length=MOST_JOINED)]


class ReportLinkedV1(Data):
    """Reports were linked: by the machine, since they share an indicator, or by a person. Each stays what it is."""

    report_id: Uuid = Field(description="The report of the first group")
    linked_at: datetime
    by: LinkedBy
    actor: ShortText | None = Field(None, description="Pseudonym of the person")
    reason: ShortText = ""
    groups: Annotated[tuple[LinkedGroup, ...], Field(min_length=1, max_length=MOST_JOINED)]


class ReportUnlinkedV1(Data):
    """A person ruled that two reports, or a report and all others with an indicator, do not belong together. No machine
    undoes it."""

    report_id: Uuid
    linked_at: datetime = Field(description="When this was ruled")
    other_id: Uuid | None = Field(None, description="The other report, where it is about two")
    key: LinkKey | None = Field(None, description="The indicator, where it is about all who share it")
    actor: ShortText
    reason: ShortText = ""


class LinkReportsV1(Data):
    """An analyst's word that two reports speak of the same act, or that a report belongs after all to those with an
    indicator, from which it was taken: one of `other_id` and `key` is given. The command's id is the event's id."""

    report_id: Uuid
    other_id: Uuid | None = None
    key: LinkKey | None = None
    version: Version = None
    actor: ShortText
    reason: ShortText = ""
    decided_at: datetime


class UnlinkReportsV1(Data):
    """An analyst's word that a report does not belong with another, or with those that share an indicator: one of
    `other_id` and `key` is given. The command's id is the event's id."""

    report_id: Uuid
    other_id: Uuid | None = None
    key: LinkKey | None = None
    version: Version = None
    actor: ShortText
    reason: ShortText = ""
    decided_at: datetime


def says_of_links(value: bytes | None) -> bool:
    """Whether a value is, by its bytes, what our codec writes of links: no matter to who follows reports and cases.
    Every other event has another second field, and no text stands so early."""
    return value is not None and value.startswith(_LINKED_AT, _PLACE)

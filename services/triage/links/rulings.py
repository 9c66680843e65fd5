"""What people say about links: a standing rule for each pair of reports, or for a report and an indicator. Pure.

In: commands in their order, and how people ruled before; out: what becomes of each, and the rulings to keep. A ruling
holds until a person rules otherwise; the version of a report's links counts the rulings that concern it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from ibalagh.events.links import (
    LinkedBy,
    LinkedGroup,
    LinkReportsV1,
    ReportLinkedV1,
    ReportUnlinkedV1,
    UnlinkReportsV1,
)

LinkCommand = LinkReportsV1 | UnlinkReportsV1


class Verdict(StrEnum):
    """What a person ruled."""

    LINKED = "linked"
    UNLINKED = "unlinked"


class LinkRefusal(StrEnum):
    """Why a ruling changed nothing."""

    UNKNOWN_REPORT = "unknown_report"
    STALE_VERSION = "stale_version"
    ALREADY_SO = "already_so"
    BAD_TARGET = "bad_target"


class Ruling(NamedTuple):
    """One ruling as it concerns one report; about two reports there are two. `target` is the other report's id, or
    the key of an indicator; `number` counts the rulings that concern `report_id`, from 1."""

    report_id: str
    target: str
    by_key: bool
    number: int
    verdict: Verdict
    actor: str
    reason: str
    ruled_at: datetime


class Ruled(NamedTuple):
    """A command took effect: what to keep, what to say, the report and the version of its links now."""

    rulings: Sequence[Ruling]
    event: ReportLinkedV1 | ReportUnlinkedV1
    report_id: str
    version: int


class LinkRefused(NamedTuple):
    """A command was refused; `detail` is what the person should see."""

    code: LinkRefusal
    detail: Mapping[str, Any]


class Standing(NamedTuple):
    """How people ruled on one report's links: how often, and what holds, by target."""

    version: int = 0
    verdicts: Mapping[str, Verdict] = {}

    def with_(self, ruling: Ruling) -> "Standing":
        """The standing after one more ruling."""
        return Standing(ruling.number, {**self.verdicts, ruling.target: ruling.verdict})


UNRULED: Final = Standing()


def reports_of(command: LinkCommand) -> tuple[str, ...]:
    """The reports that a command concerns."""
    return (command.report_id,) if command.other_id is None else (command.report_id, command.other_id)


def rule_in_order(
    known: Collection[str],
    before: Mapping[str, Standing],
    oldest: Mapping[str, str],
    commands: Sequence[tuple[str, LinkCommand]],
) -> list[tuple[str, Ruled | LinkRefused]]:
    """What becomes of commands, each on what the one before left: (command id, outcome).

    `known`: the reports there are; `before`: report id → standing, where there is one; `oldest`: key → the oldest
    report that has it, for the keys that the commands name.
    """
    standings = dict(before)
    outcomes: list[tuple[str, Ruled | LinkRefused]] = []
    for id_, command in commands:
        refusal = _refusal(known, standings, oldest, command)
        if refusal is not None:
            outcomes.append((id_, refusal))
            continue
        rulings = _rulings(standings, command)
        for ruling in rulings:
            standings[ruling.report_id] = standings.get(ruling.report_id, UNRULED).with_(ruling)
        outcomes.append((id_, Ruled(rulings, _event(command, oldest), command.report_id, rulings[0].number)))
    return outcomes


def _refusal(
    known: Collection[str], standings: Mapping[str, Standing], oldest: Mapping[str, str], command: LinkCommand
) -> LinkRefused | None:
    target = command.other_id or command.key
    if target is None or target == command.report_id or (command.other_id and command.key):
        return LinkRefused(LinkRefusal.BAD_TARGET, {})
    if not all(report_id in known for report_id in reports_of(command)):
        return LinkRefused(LinkRefusal.UNKNOWN_REPORT, {})
    standing = standings.get(command.report_id, UNRULED)
    if command.version not in (None, standing.version):
        return LinkRefused(LinkRefusal.STALE_VERSION, {"version": standing.version})
    verdict = standing.verdicts.get(target)
    if verdict is _verdict(command):
        return LinkRefused(LinkRefusal.ALREADY_SO, {"version": standing.version})
    if command.key and isinstance(command, LinkReportsV1) and (verdict is None or command.key not in oldest):
        # Only what was taken from an indicator comes back to it, and only while somebody else has it.
        return LinkRefused(LinkRefusal.BAD_TARGET, {})
    return None


def _rulings(standings: Mapping[str, Standing], command: LinkCommand) -> list[Ruling]:
    if command.other_id is None:
        return [_ruling(command, command.report_id, command.key or "", standings)]
    return [
        _ruling(command, command.report_id, command.other_id, standings),
        _ruling(command, command.other_id, command.report_id, standings),
    ]


def _ruling(command: LinkCommand, report_id: str, target: str, standings: Mapping[str, Standing]) -> Ruling:
    return Ruling(
        report_id,
        target,
        command.other_id is None,
        standings.get(report_id, UNRULED).version + 1,
        _verdict(command),
        command.actor,
        command.reason,
        command.decided_at,
    )


def _verdict(command: LinkCommand) -> Verdict:
    return Verdict.LINKED if isinstance(command, LinkReportsV1) else Verdict.UNLINKED


def _event(command: LinkCommand, oldest: Mapping[str, str]) -> ReportLinkedV1 | ReportUnlinkedV1:
    if isinstance(command, UnlinkReportsV1):
        return ReportUnlinkedV1(
            report_id=command.report_id,
            linked_at=command.decided_at,
            other_id=command.other_id,
            key=command.key,
            actor=command.actor,
            reason=command.reason,
        )
    to = oldest[command.key] if command.key else command.report_id
    joined = command.other_id or command.report_id
    return ReportLinkedV1(
        report_id=to,
        linked_at=command.decided_at,
        by=LinkedBy.PERSON,
        actor=command.actor,
        reason=command.reason,
        groups=(LinkedGroup(report_id=to, kind=None, key=command.key, joined=(joined,)),),
    )

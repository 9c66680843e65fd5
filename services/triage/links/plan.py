"""What a batch of reports joins: from keys to links, in one pass. Pure.

Every report is linked to the oldest one that has one of its keys, once to each such report whatever they share, so a
campaign of n copies makes n - 1 links. In: who comes with which keys, and the oldest known report of each key; out:
groups, in the order in which they came up.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from ibalagh.events.links import MOST_JOINED, LinkedBy, LinkedGroup, ReportLinkedV1
from services.triage.links.policy import Key


class Joiner(NamedTuple):
    """A report that comes with keys: all of its own, or those that its reporter added. `read_at` is where in the log
    that was read (topic, partition, offset); `origin_time` when the report or the addition was accepted."""

    report_id: str
    keys: tuple[Key, ...]
    read_at: tuple[str, int, int]
    origin_time: datetime


class Join(NamedTuple):
    """One link: who joined whom, by what."""

    report_id: str
    to: str
    by: Key


def joins(
    joiners: Iterable[Joiner],
    oldest: Mapping[str, str],
    is_apart: Callable[[str, str], bool] = lambda _one, _other: False,
) -> list[Join]:
    """The links that `joiners` make, in their order. `oldest`: key → the oldest report known to have it; `is_apart`
    says of two reports that a person ruled that they do not belong together."""
    first = dict(oldest)
    found: list[Join] = []
    for report_id, keys, _, _ in joiners:
        met = {report_id}
        for key in keys:
            to = first.setdefault(key.key, report_id)
            if to not in met and not is_apart(report_id, to):
                met.add(to)
                found.append(Join(report_id, to, key))
    return found


def events_of(found: Sequence[Join], now: datetime) -> list[ReportLinkedV1]:
    """What is said of links: one event, or as many as `MOST_JOINED` needs. `now` aware, UTC."""
    return [_event(found[start : start + MOST_JOINED], now) for start in range(0, len(found), MOST_JOINED)]


def _event(found: Iterable[Join], now: datetime) -> ReportLinkedV1:
    groups: dict[tuple[str, Key], list[str]] = {}
    for report_id, to, by in found:
        groups.setdefault((to, by), []).append(report_id)
    return ReportLinkedV1(
        report_id=next(iter(groups))[0],
        linked_at=now,
        by=LinkedBy.MACHINE,
        groups=tuple(
            LinkedGroup(report_id=to, kind=by.kind, key=by.key, joined=tuple(joined))
            for (to, by), joined in groups.items()
        ),
    )

"""Which open reports are one campaign: those that share a hard indicator or a text. Pure.

In: the open reports of a batch with their keys, and the campaign of each known key; out: the campaign of each report,
and the keys that are new. A campaign is called by its first report. Campaigns are never merged: a report that touches
two goes to the older one, and the keys of the younger stay where they are.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from ibalagh.events.envelope import UUID_FORM
from services.triage.links.policy import keys_in
from services.triage.packing import Arrival

_likeness: Final = re.compile(rf'"text_key":"({UUID_FORM})","sketch":"([0-9a-f]{{64}})"\}}'.encode()).search
_LONGEST: Final = 160
"""Bytes at the end of a value in which that stands."""


class Grouped(NamedTuple):
    """Report id → campaign id, for every report; and key → campaign id, for the keys that had none."""

    campaign_of: Mapping[str, str]
    new_keys: Mapping[str, str]


def keys_of(arrival: Arrival) -> tuple[str, ...]:
    """What joins a report to a campaign: the keys of its indicators, and of its text."""
    keys = tuple([key.key for key in keys_in(arrival.data)])
    found = _likeness(arrival.data, max(0, len(arrival.data) - _LONGEST))
    return keys if found is None else (*keys, found[1].decode())


def sketch_of(arrival: Arrival) -> str | None:
    """The sketch of a report's text, if it has one."""
    found = _likeness(arrival.data, max(0, len(arrival.data) - _LONGEST))
    return None if found is None else found[2].decode()


def group(keyed: Iterable[tuple[str, tuple[str, ...]]], campaigns: Mapping[str, str]) -> Grouped:
    """Give every report, in the order given, its campaign. `keyed`: report id and keys."""
    known = dict(campaigns)
    campaign_of: dict[str, str] = {}
    for report_id, keys in keyed:
        touched = [known[key] for key in keys if key in known]
        campaign = campaign_of[report_id] = min(touched, default=report_id)
        for key in keys:
            known.setdefault(key, campaign)
    return Grouped(campaign_of, {key: campaign for key, campaign in known.items() if key not in campaigns})

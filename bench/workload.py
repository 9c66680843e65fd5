"""Raw reports by the hundred thousand: the scenario's own mix, as the records that intake would have published.

In: how many, and a seed. Out: records for `reports.received`, as they come in live: received now, whatever day the
scenario says. One quarter gives 7,083 different reports; more are had from quarters of other seeds, and past
`DISTINCT_QUARTERS` of them the texts come again under new report ids.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from itertools import count, islice
from typing import Any, Final
from zoneinfo import ZoneInfo

import uuid_utils

from bench.scenario.figures import QUARTER_PATH, load_figures
from bench.scenario.generator import generate
from ibalagh.contracts.codec import Codec
from ibalagh.events.make import root
from ibalagh.events.reports import HOME_COUNTRY, ReportFacts, ReportReceivedV1
from ibalagh.events.vocabulary import Channel
from ibalagh.stream.ports import Outgoing

DISTINCT_QUARTERS: Final = 15
MOROCCO: Final = ZoneInfo("Africa/Casablanca")


def raw_reports(number: int, seed: int, codec: Codec, now: datetime) -> Iterator[Outgoing]:
    """`number` records, each with a report id of its own; `now` is when they count as accepted."""
    return (_record(body, codec, now) for body in islice(bodies(seed), number))


def bodies(seed: int) -> Iterator[dict[str, Any]]:
    """Bodies for intake, without end."""
    for quarter in count():
        yield from _quarter(seed + quarter % DISTINCT_QUARTERS)


@lru_cache(maxsize=DISTINCT_QUARTERS)
def _quarter(seed: int) -> tuple[dict[str, Any], ...]:
    reports = generate(load_figures(QUARTER_PATH), seed).reports
    return tuple({name: value for name, value in each.body.items() if name != "submitted_at"} for each in reports)


def _record(body: dict[str, Any], codec: Codec, now: datetime) -> Outgoing:
    report_id = str(uuid_utils.uuid7())
    data = ReportReceivedV1(
        report_id=report_id,
        received_at=now,
        facts=ReportFacts(
            received_on=now.astimezone(MOROCCO).date(),
            identified="identity" in body,
            country=body.get("origin_country", HOME_COUNTRY),
            channel=Channel.API,
        ),
        text=body["text"],
        links=body.get("links", ()),
        language=body.get("language"),
        category_hint=body.get("category_hint"),
        platform=body.get("platform"),
        place=body.get("place"),
        seen_at=body.get("seen_at"),
    )
    return codec.encode(root(data, id_=report_id, source="/intake", subject=report_id, now=now))

"""The reports of a case as the log holds them: what was written, where it stands, and the hash of the record.

In: reports' ids and the times between which the log took them in. Out: what the log still has of them; what retention
removed is not in the answer. Referral keeps no text and no position, so the part of the log that was written then is
read once from end to end. Raises what `read_topic` raises.
"""

import hashlib
from collections.abc import Callable, Collection
from datetime import datetime

from ibalagh.contracts.codec import Codec
from ibalagh.events.registry import RECEIVED, URGENT
from ibalagh.events.reports import ReportReceivedV1
from ibalagh.stream.errors import InvalidRecordError
from ibalagh.stream.kafka.reader import read_topic
from services.referral.casefile.manifest import Found


def read_reports(
    bootstrap: str,
    codec: Codec,
    report_ids: Collection[str],
    between: tuple[datetime, datetime],
    progress: Callable[[float], None] = lambda _: None,
) -> dict[str, Found]:
    """The reports that the log has, by id; `progress` is told the share that is done."""
    wanted = {each.encode() for each in report_ids}
    found: dict[str, Found] = {}
    for topic in (URGENT, RECEIVED):
        if len(found) == len(wanted):
            break
        for record in read_topic(bootstrap, codec.topic(topic), progress=progress, between=between):
            if record.key not in wanted or record.value is None:
                continue
            try:
                event = codec.decode(record)
            except InvalidRecordError:
                continue
            if isinstance(event.data, ReportReceivedV1):
                digest = hashlib.sha256(record.value).hexdigest()
                here = Found(record.topic, record.partition, record.offset, digest, event.data)
                found.setdefault(event.data.report_id, here)
            if len(found) == len(wanted):
                break
    return found

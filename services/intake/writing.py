"""The data of `report.received`, written as JSON at once: as its model would write it, letter for letter. Pure.

In: a submission, which was validated when it was parsed; out: the data of an event. What comes again and again (facts,
times, codes) is written once. Tests hold it to the model.
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from pydantic_core import to_json

from ibalagh.events.envelope import Data
from ibalagh.events.reports import ReportFacts
from ibalagh.events.vocabulary import Channel
from ibalagh.events.written import text_json, written
from services.intake.attached import Upload
from services.intake.submission import MOROCCO, Submission

_RECEIVED: Final = (
    b'{"report_id":"%b","received_at":%b,"facts":%b,"text":%b,"links":%b,"language":%b,"category_hint":%b,'
    b'"platform":%b,"place":%b,"seen_at":%b,"attachments":%b}'
)


def received(
    report_id: str, submission: Submission, channel: Channel, now: datetime, uploads: Sequence[Upload] = ()
) -> Data:
    """What `report.received` says of `submission`, which came in by `channel` at `now` (aware, UTC) with `uploads`."""
    received_at = submission.submitted_at or now
    day, wire_time = _moment(received_at)
    return written(
        _RECEIVED
        % (
            report_id.encode(),
            wire_time,
            _facts(day, submission.identified, submission.origin_country, channel),
            to_json(submission.text),
            to_json(submission.links) if submission.links else b"[]",
            text_json(submission.language),
            text_json(submission.category_hint),
            text_json(submission.platform),
            text_json(submission.place),
            b"null" if submission.seen_at is None else to_json(submission.seen_at),
            to_json([upload.told for upload in uploads]) if uploads else b"[]",
        )
    )


@lru_cache(maxsize=64)
def _moment(time: datetime) -> tuple[date, bytes]:
    """The civil day in Morocco, and the time as JSON."""
    return time.astimezone(MOROCCO).date(), to_json(time)


@lru_cache(maxsize=4_096)
def _facts(day: date, identified: bool, country: str, channel: Channel) -> bytes:
    return to_json(ReportFacts(received_on=day, identified=identified, country=country, channel=channel))

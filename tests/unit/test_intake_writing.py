"""What intake writes by hand of a report is what the model of `report.received` would write."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ibalagh.events.reports import ReportFacts, ReportReceivedV1
from ibalagh.events.vocabulary import Category, Channel
from services.intake.attached import Upload
from services.intake.submission import MOROCCO, Submission, parse_fields
from services.intake.writing import received

_REPORT_ID = "01890000-0000-7000-8000-000000000001"
_line = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
_time = st.datetimes(datetime(2001, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_fields = st.fixed_dictionaries(
    {"text": _line.map(lambda line: line + '\n«x»\\"'), "origin_country": st.sampled_from(["MA", "FR"])},
    optional={
        "links": st.lists(_line, max_size=3),
        "language": st.sampled_from(["ar", "fr", "ary-Latn"]),
        "category_hint": st.sampled_from(Category),
        "platform": _line,
        "place": _line,
        "seen_at": _time,
        "submitted_at": _time,
        "identity": st.fixed_dictionaries({"name": _line}, optional={"phone": _line}),
    },
)


_uploads = st.lists(
    st.builds(Upload, st.just(b""), st.binary(min_size=32, max_size=32), st.integers(1, 20), st.just("image/png")),
    max_size=2,
)
_SAME = ReportReceivedV1.model_fields.keys() & Submission.model_fields.keys() - {"attachments"}


def modelled(submission: Submission, channel: Channel, now: datetime, uploads: list[Upload]) -> ReportReceivedV1:
    received_at = submission.submitted_at or now
    day = received_at.astimezone(MOROCCO).date()
    return ReportReceivedV1(
        report_id=_REPORT_ID,
        received_at=received_at,
        facts=ReportFacts(
            received_on=day, identified=submission.identified, country=submission.origin_country, channel=channel
        ),
        attachments=tuple(upload.told for upload in uploads),
        **submission.model_dump(include=_SAME),
    )


@given(_fields, st.sampled_from(Channel), _time, _uploads)
def test_written_by_hand_it_is_letter_for_letter_what_the_model_writes(
    fields: dict[str, Any], channel: Channel, now: datetime, uploads: list[Upload]
) -> None:
    submission = parse_fields(Submission, fields)
    said = received(_REPORT_ID, submission, channel, now, uploads).to_json()
    assert said == modelled(submission, channel, now, uploads).to_json()

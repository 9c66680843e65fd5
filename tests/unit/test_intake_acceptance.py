"""From a submission to what is stored and published: nothing of the identity leaves, retries give the same receipt."""

import itertools
import os
from datetime import UTC, date, datetime

import orjson

from ibalagh.contracts.codec import Codec
from ibalagh.events.reports import ReportReceivedV1
from ibalagh.events.vocabulary import Channel
from ibalagh.stream.ports import Record
from services.intake.acceptance import Acceptance, Prepared, record_of
from services.intake.receipt import Secrets, is_well_formed
from services.intake.submission import Submission
from services.intake.vault import MasterKey, unseal

NOW = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
KEYS = MasterKey(bytes(32), os.urandom)
CODEC = Codec("t.")
IDENTITY = {"name": "Invented Person", "phone": "+212 600 000 000"}


def acceptance(secret: bytes = bytes(32)) -> Acceptance:
    ids = (f"01890000-0000-7000-8000-{number:012d}" for number in itertools.count())
    return Acceptance(CODEC, Secrets.from_root(secret), KEYS, lambda: next(ids), os.urandom)


def prepare(submission: Submission, **given: bytes) -> Prepared:
    return acceptance().prepare(submission, channel=Channel.API, now=NOW, **given)


def published(prepared: Prepared) -> ReportReceivedV1:
    event = CODEC.decode(Record(prepared.record.topic, 0, 0, *prepared.record[1:]))
    assert event.id == event.subject == prepared.report_id
    assert isinstance(event.data, ReportReceivedV1)
    return event.data


def test_the_record_holds_the_report_and_nothing_of_the_identity() -> None:
    prepared = prepare(Submission(text="what was seen", identity=IDENTITY, place="Salé"))
    data = published(prepared)
    assert (data.text, data.place, data.facts.identified) == ("what was seen", "Salé", True)
    everything = repr(prepared.record)
    assert "Invented" not in everything
    assert "600" not in everything
    assert prepared.sealed is not None
    assert orjson.loads(unseal(prepared.sealed, prepared.report_id, KEYS)) == IDENTITY


def test_an_anonymous_report_has_nothing_sealed() -> None:
    for identity in (None, {}):
        prepared = prepare(Submission(text="x", identity=identity))
        assert prepared.sealed is None
        assert not published(prepared).facts.identified


def test_half_an_identity_is_sealed_and_does_not_count_as_identified() -> None:
    prepared = prepare(Submission(text="x", identity={"name": "Invented Person"}))
    assert prepared.sealed is not None
    assert not published(prepared).facts.identified


def test_the_day_is_moroccos_of_when_the_report_was_submitted() -> None:
    assert published(prepare(Submission(text="x"))).facts.received_on == date(2026, 7, 2)
    earlier = published(prepare(Submission(text="x", submitted_at="2026-06-30T23:30:00Z")))
    assert earlier.facts.received_on == date(2026, 7, 1)
    assert earlier.received_at == datetime(2026, 6, 30, 23, 30, tzinfo=UTC)


def test_the_same_key_and_body_give_the_same_receipt_for_the_same_report_even_after_a_restart() -> None:
    first = prepare(Submission(text="x"), key=b"k" * 16, body=b"{}")
    again = acceptance()
    second = again.prepare(Submission(text="x"), channel=Channel.API, now=NOW, key=b"k" * 16, body=b"{}")
    assert first.retry is not None
    assert second.retry == first.retry
    assert again.receipt_of(first.report_id, second.retry) == first.receipt
    assert is_well_formed(first.receipt)
    assert again.receipt_hash(first.receipt) == first.receipt_hash


def test_another_body_another_key_another_report_or_another_secret_give_another_receipt() -> None:
    given = {"channel": Channel.API, "now": NOW}
    shown = {
        prepare(Submission(text="x"), key=b"k" * 16, body=b"{}").receipt,
        prepare(Submission(text="x"), key=b"k" * 16, body=b"{ }").receipt,
        prepare(Submission(text="x"), key=b"l" * 16, body=b"{}").receipt,
        acceptance(b"s" * 32).prepare(Submission(text="x"), key=b"k" * 16, body=b"{}", **given).receipt,
        prepare(Submission(text="x")).receipt,
        prepare(Submission(text="x")).receipt,
    }
    assert len(shown) == 6


def test_neither_key_nor_body_nor_receipt_can_be_read_from_what_is_stored() -> None:
    prepared = prepare(Submission(text="x"), key=b"my-own-key-0123456", body=b"my body")
    assert prepared.retry is not None
    stored = prepared.retry.key_hash + prepared.retry.body_hash + prepared.receipt_hash
    assert len(stored) == 96
    assert b"my" not in stored


def test_a_report_of_danger_takes_the_urgent_lane_and_the_same_again_from_what_is_stored() -> None:
    ordinary, urgent = prepare(Submission(text="arnaque")), prepare(Submission(text="Je pense au suicide"))
    assert (ordinary.record.topic, ordinary.urgent) == ("t.reports.received", False)
    assert (urgent.record.topic, urgent.urgent) == ("t.reports.received.urgent", True)
    assert published(urgent).text == "Je pense au suicide"
    assert record_of(CODEC, urgent.report_id, urgent.record.value or b"", urgent.accepted_at) == urgent.record


def test_the_same_record_is_made_again_from_what_is_stored() -> None:
    prepared = prepare(Submission(text="نص", links=("https://a.example",), seen_at="2026-06-01T10:00:00Z"))
    assert prepared.record.value is not None
    assert record_of(CODEC, prepared.report_id, prepared.record.value, prepared.accepted_at) == prepared.record

"""Effects that are packed at once come out as the records that the codec would have made of them."""

from datetime import date, timedelta, timezone

import pytest

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Data, Event
from ibalagh.storage.effects import EffectPacker
from ibalagh.stream.ports import TopicPartition
from services.referral.batch import Snapshot, decide
from services.referral.competence import table_for
from services.referral.work import read
from services.referral.workdays import newest
from tests.support.copying import rows_of
from tests.support.referral import NOW, triaged

CODEC = Codec("t%s.")


def effects() -> list[Event[Data]]:
    causes = [triaged(name, *indicators) for name, indicators in (("a", "x"), ("b", "x"), ("c", ""), ("d", "yz"))]
    causes = [
        cause._replace(position=cause.position._replace(offset=at)) for at, cause in enumerate(causes) if cause.position
    ]
    causes[1] = causes[1]._replace(origin_time=(NOW - timedelta(days=1)).astimezone(timezone(timedelta(hours=1))))
    nothing = Snapshot({}, {}, {}, {}, frozenset())
    return list(
        decide(read(causes), nothing, now=NOW, competence=table_for(date(2024, 6, 1)), workdays=newest()).effects
    )


def bounds(events: list[Event[Data]]) -> dict[TopicPartition, tuple[int, int]]:
    return {TopicPartition(*event.cause[:2]): (0, 100) for event in events if event.cause}


def packed(events: list[Event[Data]]) -> bytes | None:
    return EffectPacker(CODEC).pack(events, bounds(events))


def test_they_are_what_the_codec_would_have_made() -> None:
    events = effects()
    assert len({event.type for event in events}) > 3
    records = [record for row in rows_of(packed(events) or b"") for record in row.records]
    assert records == [CODEC.encode(event) for event in events]


@pytest.mark.parametrize("subject", ['a "quoted" one', "back\\slash", "é", "100%", "a b"])
def test_any_subject_comes_out_as_it_was(subject: str) -> None:
    events = effects()
    events[1:3] = [event._replace(subject=subject) for event in events[1:3]]
    records = [record for row in rows_of(packed(events) or b"") for record in row.records]
    assert records == [CODEC.encode(event) for event in events]


def test_no_effects_are_no_rows() -> None:
    assert packed([]) == b""


def test_effects_out_of_the_order_of_their_causes_are_not_packed() -> None:
    assert packed(effects()[::-1]) is None


def test_effects_of_one_cause_out_of_their_order_are_not_packed() -> None:
    one = [event for event in effects() if event.cause and event.cause.offset == 0]
    assert len(one) > 1
    assert packed(one[::-1]) is None


def test_a_partition_that_comes_again_with_an_earlier_cause_is_not_packed() -> None:
    first, *_, last = effects()
    assert first.cause
    assert last.cause
    elsewhere = first._replace(cause=first.cause._replace(partition=first.cause.partition + 1))
    assert packed([last, elsewhere, first]) is None
    assert packed([first, elsewhere, last])


def test_an_event_without_cause_has_no_place() -> None:
    with pytest.raises(ValueError, match="no cause"):
        packed([effects()[0]._replace(cause=None)])


@pytest.mark.parametrize("offset", [-1, 100])
def test_an_event_whose_cause_is_not_of_the_batch_has_no_place(offset: int) -> None:
    event = effects()[0]
    assert event.cause
    with pytest.raises(ValueError, match="not of this batch"):
        packed([event._replace(cause=event.cause._replace(offset=offset))])

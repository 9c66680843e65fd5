"""Effects that are packed at once are, byte for byte, those that the codec encodes and the outbox packs."""

from datetime import date, timedelta, timezone

import pytest

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Data, Event
from ibalagh.storage.binary import OutboxRow, pack_rows
from ibalagh.storage.effects import EffectPacker
from services.referral.batch import Snapshot, decide, read
from services.referral.competence import table_for
from tests.support.referral import NOW, triaged

CODEC = Codec("t%s.")


def effects() -> list[Event[Data]]:
    causes = [triaged(name, *indicators) for name, indicators in (("a", "x"), ("b", "x"), ("c", ""), ("d", "yz"))]
    causes[1] = causes[1]._replace(origin_time=(NOW - timedelta(days=1)).astimezone(timezone(timedelta(hours=1))))
    nothing = Snapshot({}, {}, {}, {}, frozenset())
    return list(decide(read(causes), nothing, now=NOW, competence=table_for(date(2024, 6, 1))).effects)


def packed(events: list[Event[Data]]) -> bytes:
    return pack_rows([OutboxRow(*event.cause, CODEC.encode(event)) for event in events if event.cause])


def test_they_are_what_the_codec_would_have_made() -> None:
    events = effects()
    packer = EffectPacker(CODEC)
    assert len({event.type for event in events}) > 3
    assert packer.pack(events) == packed(events)
    assert packer.pack(events[::-1]) == packed(events[::-1])


@pytest.mark.parametrize("subject", ['a "quoted" one', "back\\slash", "é", "100%", "a b"])
def test_a_subject_that_needs_care_gets_it(subject: str) -> None:
    events = effects()
    events[1:3] = [event._replace(subject=subject) for event in events[1:3]]
    assert EffectPacker(CODEC).pack(events) == packed(events)


def test_an_event_without_cause_has_no_place() -> None:
    with pytest.raises(ValueError, match="no cause"):
        EffectPacker(CODEC).pack([effects()[0]._replace(cause=None)])

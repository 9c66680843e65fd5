"""Several effects of one cause are those that would be made one by one."""

from datetime import timedelta

import pytest

from ibalagh.events.make import effect, effects
from services.referral.batch import Snapshot, decide
from services.referral.competence import table_for
from services.referral.work import read
from services.referral.workdays import newest
from tests.support.referral import NOW, parsed, triaged

NOTHING = Snapshot({}, {}, {}, {}, frozenset())


def test_effects_are_those_that_are_made_one_by_one() -> None:
    cause = triaged("a", "x")
    now = NOW + timedelta(seconds=1)
    decided = decide(read([cause]), NOTHING, now=now, competence=table_for(NOW.date()), workdays=newest())
    data = [parsed(each).data for each in decided.effects]
    assert len(data) > 1
    assert effects(cause, data, source="/x", subject="s", now=now) == [
        effect(cause, each, source="/x", subject="s", number=number, now=now) for number, each in enumerate(data)
    ]


def test_nothing_can_be_derived_from_an_event_that_was_not_read_from_a_topic() -> None:
    cause = triaged("a")._replace(position=None)
    with pytest.raises(ValueError, match="was not read"):
        effects(cause, [], source="/x", subject="s", now=NOW)

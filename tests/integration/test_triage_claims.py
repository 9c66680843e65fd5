"""Claims and filters on a real database: exactly one holds a report, however many ask; what the next report is."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from ibalagh.events.envelope import Event, Position
from ibalagh.events.reports import ReportTriagedV1
from ibalagh.events.vocabulary import Category
from ibalagh.storage.migrate import apply
from ibalagh.storage.postgres import Database
from services.triage import claim_store, packing, store, wellbeing_store
from services.triage.filters import Filter
from services.triage.handlers import Classifier
from services.triage.proceedings import Claim
from tests.support.triage import NOW, policy, received, report_id

PEOPLE = [f"analyst-{number}" for number in range(8)]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    apply(database_url, "triage")
    found = Database(database_url, "triage")
    yield found
    found.close()


def put(database: Database, *texts: str, **fields: Any) -> list[str]:
    """Reports with these texts, all waiting, the first one the longest."""
    arrivals = []
    for number, text in enumerate(texts):
        event: Event[Any]
        (event,) = Classifier(policy())([received(text, str(number), **fields)], NOW).effects
        assert event.cause is not None
        arrivals.append(
            packing.Arrival(
                report_id(str(number)),
                NOW + timedelta(minutes=number),
                "open",
                int(ReportTriagedV1.model_validate_json(event.data.to_json()).decision.urgency),
                (event.cause.topic, event.cause.partition),
                number,
                event.data.to_json(),
                Position("ibalagh.reports.triaged", 0, number),
            )
        )
    with database.transaction() as tx:
        store.add(tx, arrivals)
    return [report_id(str(number)) for number in range(len(texts))]


def all_at_once(act: Callable[[str], Claim | None]) -> list[Claim | None]:
    """What each person gets who asks at the same instant."""
    barrier = Barrier(len(PEOPLE))

    def ask(person: str) -> Claim | None:
        barrier.wait(20)
        return act(person)

    with ThreadPoolExecutor(len(PEOPLE)) as pool:
        return list(pool.map(ask, PEOPLE))


def take(database: Database, id_: str, person: str, *, later_s: int = 0) -> Claim | None:
    return claim_store.take(database, id_, person, now=NOW + timedelta(seconds=later_s), lasts_s=60)


def take_next(database: Database, person: str, *away: Category) -> str | None:
    claim = claim_store.take_next(database, person, away, now=NOW, lasts_s=60)
    return None if claim is None else claim.report_id


def test_of_many_who_ask_at_once_exactly_one_holds_a_report_and_the_others_are_told_who(database: Database) -> None:
    [id_] = put(database, "rien")
    got = all_at_once(lambda person: take(database, id_, person))
    assert len({claim.person for claim in got if claim is not None}) == 1
    assert None not in got


def test_of_many_who_ask_for_the_next_at_once_each_gets_another_one(database: Database) -> None:
    ids = put(database, *["rien"] * len(PEOPLE))
    got = all_at_once(lambda person: claim_store.take_next(database, person, (), now=NOW, lasts_s=60))
    assert sorted(claim.report_id for claim in got if claim is not None) == sorted(ids)
    assert take_next(database, "one-more") is None


def test_a_claim_is_renewed_given_back_and_over_in_time(database: Database) -> None:
    [id_] = put(database, "rien")
    assert take(database, id_, "a") == Claim(id_, "a", NOW + timedelta(seconds=60))
    assert take(database, id_, "b", later_s=59) == Claim(id_, "a", NOW + timedelta(seconds=60))
    assert take(database, id_, "a", later_s=59) == Claim(id_, "a", NOW + timedelta(seconds=119))
    assert [each.report_id for each in claim_store.held_by(database, "a", NOW)] == [id_]
    late = take(database, id_, "b", later_s=119)
    assert late is not None
    assert late.person == "b"
    claim_store.release(database, id_, "a")  # of what is no longer theirs
    assert claim_store.held_by(database, "b", NOW) == [late]
    claim_store.release(database, id_, "b")
    assert claim_store.held_by(database, "b", NOW) == []
    assert take(database, report_id("nowhere"), "a") is None


def test_the_next_report_is_the_first_that_nobody_holds_and_this_person_has_not_seen(database: Database) -> None:
    first, urgent, second, third = put(database, "rien", "je pense au suicide", "rien", "rien")
    assert take_next(database, "a") == urgent
    assert take_next(database, "b") == first
    wellbeing_store.note_view(database, "c", second, Category.OUT_OF_SCOPE, NOW)
    assert take_next(database, "c") == third
    assert take_next(database, "d") == second


def test_a_category_that_a_person_keeps_away_is_never_the_next(database: Database) -> None:
    fraud, other = put(database, "arnaque et insultes", "rien")
    assert take_next(database, "a", Category.FRAUD) == other
    assert take_next(database, "a", Category.FRAUD) is None
    assert take_next(database, "a") == fraud


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [1, 0, 2]),
        ({"category": "fraud"}, [0]),
        ({"category": ""}, [1, 0, 2]),
        ({"urgency": "3"}, [1]),
        ({"urgency": "3", "category": "fraud"}, []),
        ({"channel": "form"}, [1, 0, 2]),
        ({"channel": "api"}, []),
        ({"variety": "fr"}, [1, 0]),
        ({"older_h": "1"}, []),
        ({"held": "me"}, [0]),
        ({"held": "nobody"}, [1]),
        ({"held": "others"}, [2]),
        ({"mark": "proposed"}, []),
        ({"mark": "escalated"}, []),
        ({"state": "decided"}, []),
    ],
)
def test_a_filter_finds_what_it_says_and_counts_it(
    database: Database, wanted: dict[str, str], found: list[int]
) -> None:
    ids = put(
        database, "il a fait une arnaque et des insultes", "je pense au suicide avec mon ami", "rien", language=None
    )
    take(database, ids[0], "a")
    take(database, ids[2], "b")
    given = Filter.model_validate(wanted)
    page = store.queue(database, given, limit=9, after=None, person="a", now=NOW)
    assert [each.item.report.report_id for each in page] == [ids[number] for number in found]
    assert store.count(database, given, most=9, person="a", now=NOW) == len(found)
    assert store.count(database, given, most=1, person="a", now=NOW) == min(1, len(found))
    assert Filter.model_validate(given.stated()) == given

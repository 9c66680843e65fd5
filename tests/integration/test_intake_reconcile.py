"""`ibalagh intake reconcile`: what is pending is in the log once afterwards, whoever else is at work."""

import re
import subprocess
import sys
import threading
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from ibalagh.events.vocabulary import Channel
from ibalagh.local.paths import PROJECT_ROOT
from ibalagh.stream.kafka import KafkaProducer
from services.intake.acceptance import Acceptance, Prepared
from services.intake.store import IntakeStore
from services.intake.submission import Submission
from tests.support.durable import ids_in_log, pending_ids, rows
from tests.support.intake import Place, running
from tests.support.poll import eventually
from tests.support.wire import is_produce, wire_to_broker


def reconcile(place: Place, *options: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "ibalagh.cli", "intake", "reconcile", *options],
        env=place.environment(**settings) | {"COLUMNS": "120"},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def told(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    answer: dict[str, Any] = orjson.loads(done.stdout)
    return answer


def left_behind(store: IntakeStore, acceptance: Acceptance, number: int) -> list[Prepared]:
    """Reports that were stored, and no more; every third belongs in the urgent lane."""
    texts = [f"number {each}" + (": je pense au suicide" if each % 3 == 0 else "") for each in range(number)]
    reports = [acceptance.prepare(Submission(text=text), channel=Channel.API, now=datetime.now(UTC)) for text in texts]
    assert {report.urgent for report in reports[:2]} == ({True, False} if number > 1 else {True})
    store.store(reports, {})
    return reports


def let_them_be_old(place: Place) -> None:
    rows(place, "UPDATE pending SET stored_at = stored_at - interval '3 minutes' RETURNING 1")


def test_what_is_missing_is_published_once_and_what_the_log_has_is_only_noted(
    place: Place, acceptance: Acceptance, store: IntakeStore
) -> None:
    reports = left_behind(store, acceptance, 1_203)
    producer = KafkaProducer(place.bootstrap)
    assert None not in producer.publish([report.record for report in reports[:2]], 10)
    producer.close()
    let_them_be_old(place)
    [young] = left_behind(store, acceptance, 1)
    looked = reconcile(place, "--dry-run", "--json", INTAKE_RECONCILE_AFTER_S="60")
    assert looked.returncode == 3, looked.stderr
    seen = told(looked)
    assert (seen["pending_before"], seen["due_before"], seen["found"], seen["missing"]) == (1_204, 1_203, 2, 1_201)
    assert (seen["published"], seen["left"], seen["left_due"], seen["dry_run"]) == (0, 1_204, 1_203, True)
    assert sum(ids_in_log(place).values()) == 2
    done = reconcile(place, INTAKE_RECONCILE_AFTER_S="60")
    assert done.returncode == 0, done.stderr
    table = dict(re.findall(r"│ ([\w ]+?) +│ +([\d,]+) +│", done.stdout.replace("┃", "│")))
    assert (table["pending"], table["found in the log"], table["published"], table["left"]) == (
        *("1,204", "2", "1,201", "1"),
    )
    assert ids_in_log(place) == {report.report_id: 1 for report in reports}
    assert pending_ids(place) == [young.report_id]
    again = told(reconcile(place, "--json", INTAKE_RECONCILE_AFTER_S="60"))
    assert (again["due_before"], again["found"], again["published"], again["left"]) == (0, 0, 0, 1)
    [[noted]] = rows(place, "SELECT count(*) FROM log_positions")
    assert noted == len(reports)


def test_beside_running_intakes_and_another_command_every_report_is_published_once(
    place: Place, acceptance: Acceptance, store: IntakeStore
) -> None:
    reports = left_behind(store, acceptance, 1_500)
    let_them_be_old(place)
    done: list[int] = []
    with running(place), running(place):
        threads = [threading.Thread(target=lambda: done.append(reconcile(place).returncode)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(90)
        eventually(lambda: not pending_ids(place), 30)
    assert set(done) <= {0, 3}
    assert len(done) == 2
    assert ids_in_log(place) == Counter(report.report_id for report in reports)


@pytest.mark.parametrize("away", ["KAFKA_BOOTSTRAP", "DATABASE_URL"])
def test_with_the_broker_or_the_database_away_it_says_so_and_what_is_pending_stays(
    place: Place, acceptance: Acceptance, store: IntakeStore, away: str
) -> None:
    [report] = left_behind(store, acceptance, 1)
    let_them_be_old(place)
    nowhere = {"KAFKA_BOOTSTRAP": "127.0.0.1:1", "DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}[away]
    done = reconcile(place, **{away: nowhere})
    assert (done.returncode, done.stdout) == (1, "")
    assert "away" in done.stderr
    assert "Traceback" not in done.stderr
    assert pending_ids(place) == [report.report_id]
    assert not ids_in_log(place)


def test_what_the_broker_does_not_acknowledge_is_left_and_the_next_time_found(
    place: Place, acceptance: Acceptance, store: IntakeStore
) -> None:
    [report] = left_behind(store, acceptance, 1)
    let_them_be_old(place)
    with wire_to_broker(place.bootstrap) as wire:
        wire.hold_answers(is_produce)
        unheard = reconcile(place, "--json", KAFKA_BOOTSTRAP=wire.address)
    assert unheard.returncode == 3, unheard.stderr
    assert (told(unheard)["published"], told(unheard)["left_due"]) == (0, 1)
    found = told(reconcile(place, "--json"))
    assert (found["found"], found["published"], found["left"]) == (1, 0, 0)
    assert ids_in_log(place) == {report.report_id: 1}


def test_wrong_usage_is_told_apart(place: Place) -> None:
    assert reconcile(place, "--nonsense").returncode == 2

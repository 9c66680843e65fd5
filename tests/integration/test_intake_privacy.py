"""No address anywhere: planted ones are searched in every log line, topic, table, metric and answer.

What a reporter wrote is searched too: text and name have no place in logs, metrics and tables, nor the name in topics.
"""

from pathlib import Path

import psycopg2
import pytest
from confluent_kafka.admin import AdminClient

from tests.support.intake import TOKEN, IntakeProcess, Place, prepare_place, running
from tests.support.log import read_all
from tests.support.poll import eventually

CANARIES = ("198.51.100.77", "203.0.113.201", "2001:db8:cafe::77")
PLANTED = {
    "X-Forwarded-For": f"{CANARIES[0]}, {CANARIES[2]}",
    "Forwarded": f'for="[{CANARIES[2]}]:4711";proto=https',
    "X-Real-IP": CANARIES[1],
    "CF-Connecting-IP": CANARIES[0],
    "True-Client-IP": CANARIES[1],
    "X-Client-IP": CANARIES[2],
    "User-Agent": f"canary/{CANARIES[1]}",
    "Referer": f"https://{CANARIES[0]}/",
}
TEXT = "canary-text-of-a-reporter"
NAME = "Canary Person"


def use_every_interface(intake: IntakeProcess) -> list[str]:
    """Everything that was answered, errors included, with the headers."""
    http = intake.http
    eventually(lambda: http.get("/readyz").status_code == 200, 20)
    http.headers.update(PLANTED)
    report = {"text": TEXT, "identity": {"name": NAME, "phone": "+212 600 000 000"}}
    token = {"Authorization": f"Bearer {TOKEN}"}
    answers = [
        http.post("/v1/reports", json=report),
        http.post("/v1/reports", json={**report, "place": 7}),
        http.post("/v1/reports", content=TEXT.encode()),
        http.post("/v1/reports", json=report, headers={"Idempotency-Key": NAME}),
        http.post("/v1/reports:batch", content=b'{"text": "x"}\n' + TEXT.encode(), headers=token),
        http.post("/v1/reports:batch", content=b"{}"),
        http.post("/v1/status", json={"receipt": TEXT}),
        http.get(f"/{TEXT}"),
        http.get("/"),
        http.post("/", data={"text": TEXT, "name": NAME}),
        http.post("/status", data={"receipt": TEXT}),
        http.get("/readyz"),
        http.get("/healthz"),
        http.get("/metrics"),
        http.get("/docs"),
    ]
    assert [answer.status_code for answer in answers] == [
        202, 422, 400, 400, 200, 401, 404, 404, 200, 200, 404, 200, 200, 200, 200,
    ]  # fmt: skip
    return [answer.text + str(answer.headers) for answer in answers]


def tables(url: str) -> dict[str, str]:
    """Every table of intake's schema as text."""
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'intake'")
            names = [row[0] for row in cursor.fetchall()]
            content = {}
            for name in names:
                cursor.execute(f"SELECT coalesce(string_agg(t::text, chr(10)), '') FROM intake.{name} t")
                content[name] = cursor.fetchall()[0][0]
            return content
    finally:
        connection.close()


def records(place: Place) -> str:
    names = list(AdminClient({"bootstrap.servers": place.bootstrap}).list_topics().topics)
    found = [record for name in names if name.startswith(place.prefix) for record in read_all(place.bootstrap, name)]
    assert len(found) >= 3
    return repr(found)


@pytest.fixture
def place(broker: str, database_url: str, topic_prefix: str, tmp_path: Path) -> Place:
    return prepare_place(broker, database_url, topic_prefix, tmp_path)


def test_no_address_text_or_name_of_a_reporter_appears_where_it_should_not(place: Place) -> None:
    with running(place, LOG_LEVEL="DEBUG") as intake:
        answers = repr(use_every_interface(intake))
        eventually(lambda: not tables(place.database_url)["pending"])
        metrics = intake.http.get("/metrics").text
    content = tables(place.database_url)
    assert content["vault"]
    log = intake.log.read_text()
    assert "started" in log
    in_topics = records(place)
    assert TEXT in in_topics
    inside = {"metrics": metrics, "log": log, **content}
    words = (TEXT, NAME, TEXT.encode().hex(), NAME.encode().hex())
    for where, text, planted in (
        *((where, text, CANARIES + words) for where, text in inside.items()),
        ("answers", answers, CANARIES),
        ("topics", in_topics, (*CANARIES, NAME)),
    ):
        for canary in planted:
            assert canary not in text, where

"""No address anywhere: planted ones are searched in every log line, topic, table, metric, answer and file.

What a reporter wrote is searched too: text and name have no place in logs, metrics and tables, nor the name in topics.
"""

import psycopg2
import pytest

from ibalagh.events.registry import RECEIVED
from ibalagh.stream.kafka import KafkaProducer
from ibalagh.stream.ports import Outgoing
from tests.support import canaries
from tests.support.intake import TOKEN, IntakeProcess, Place, running
from tests.support.poll import eventually

TEXT = "canary-text-of-a-reporter"
NAME = "Canary Person"


BODY_BYTES = 600_000


def use_every_interface(intake: IntakeProcess) -> list[str]:
    """Everything that was answered, errors included, with the headers."""
    eventually(lambda: intake.http.get("/readyz").status_code == 200, 20)
    report = {"text": TEXT, "identity": {"name": NAME, "phone": "+212 600 000 000"}}
    token = {"Authorization": f"Bearer {TOKEN}"}
    with canaries.planting_client(intake.url) as http:
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
            http.post("/v1/attachments", params={"name": NAME}, content=TEXT.encode()),
            http.post("/v1/attachments", params={"name": NAME}, content=b"PK\x03\x04" + TEXT.encode()),
            http.post("/", data={"step": "evidence", "text": TEXT}, files={"files": (NAME, TEXT.encode())}),
            http.get("/readyz"),
            http.get("/healthz"),
            http.get("/metrics"),
            http.get("/docs"),
        ]
        assert [answer.status_code for answer in answers] == [
            202, 422, 400, 400, 200, 401, 404, 404, 200, 200, 404, 201, 422, 200, 200, 200, 200, 200,
        ]  # fmt: skip
        refused = list(canaries.ask_everything(http, canaries.intake_routes(), BODY_BYTES))
    assert {200, 400, 401, 404, 405, 413} <= {answer.status_code for answer in refused}
    assert max(answer.status_code for answer in refused) < 500
    return [answer.text + str(answer.headers) for answer in [*answers, *refused]]


def test_no_address_text_or_name_of_a_reporter_appears_where_it_should_not(place: Place) -> None:
    with running(place, LOG_LEVEL="DEBUG", INTAKE_HTTP_BODY_BYTES=str(BODY_BYTES - 1_000)) as intake:
        answers = repr(use_every_interface(intake)).encode()
        eventually(lambda: not canaries.tables(place.database_url)["table intake.pending"])
        metrics = intake.http.get("/metrics").content
    tables = canaries.tables(place.database_url)
    assert tables["table intake_vault.vault"]
    assert tables["table intake_vault.uploads"].count(b"text/plain") >= 2
    files = canaries.files(place.home)
    assert b"started" in files["file intake.log"]
    topics = canaries.topics(place.bootstrap, place.prefix)
    assert TEXT.encode() in b"".join(topics.values())
    inside = {"metrics": metrics, **files, **tables}
    assert canaries.found_in({"answers": answers, **inside, **topics}) == []
    for where, content in {**inside, **topics}.items():
        words = (NAME,) if where in topics else (NAME, TEXT)
        for word in words:
            assert word.encode() not in content, where
            assert word.encode().hex().encode() not in content, where


@pytest.mark.parametrize("where", ["log", "table", "topic", "file", "metric", "answer"])
def test_a_canary_planted_by_hand_is_found_wherever_it_is(place: Place, where: str) -> None:
    """Else the search above would prove nothing."""
    address = canaries.ADDRESSES[2]
    places: dict[str, bytes] = {}
    if where in ("log", "file"):
        kept = place.home / {"log": "intake.log", "file": "keys/deep/inside"}[where]
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(f"2001:0DB8:CAFE:0000:0000:0000:0000:0077 {NAME}" if where == "log" else f"x{address}x")
        places = canaries.files(place.home)
    elif where == "table":
        connection = psycopg2.connect(place.database_url)
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.kept (at inet, raw bytea)")
            cursor.execute("INSERT INTO elsewhere.kept VALUES (NULL, %s)", (f"from {address}".encode(),))
        connection.close()
        places = canaries.tables(place.database_url)
    elif where == "topic":
        producer = KafkaProducer(place.bootstrap)
        name = place.codec.topic(RECEIVED)
        assert producer.publish([Outgoing(name, b"k", b"v", [("forwarded", address.encode())])], 10) != [None]
        producer.close()
        places = canaries.topics(place.bootstrap, place.prefix)
    else:
        places = {where: f'requests_total{{from="{canaries.PEER}"}} 1'.encode()}
    assert canaries.found_in(places)

"""Under fifty times the normal rate, whoever has something urgent to report still gets a receipt, and soon."""

import asyncio
import time
from collections import Counter
from pathlib import Path

import altcha
import httpx
import orjson
import pytest

from ibalagh.events.registry import RECEIVED
from tests.support.intake import Place, prepare_place, running
from tests.support.log import read_all
from tests.support.poll import eventually

NORMAL_PER_S = 20
FLOOD_PER_S = 50 * NORMAL_PER_S
FLOOD_S = 8.0
CONNECTIONS = 50
HONEST = 12
PATIENCE_S = 20.0
BODY = orjson.dumps({"text": "one of very many"})
REQUEST = (
    b"POST /v1/reports HTTP/1.1\r\nHost: intake\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
    % (len(BODY), BODY)
)


@pytest.fixture
def place(broker: str, database_url: str, topic_prefix: str, tmp_path: Path) -> Place:
    return prepare_place(broker, database_url, topic_prefix, tmp_path)


async def send_many(port: int, until_s: float, answers: Counter[int]) -> None:
    """One connection of the flood: at its share of the rate, whatever the answers are."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    due_s = time.monotonic()
    try:
        while due_s < until_s:
            due_s += CONNECTIONS / FLOOD_PER_S
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            writer.write(REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            answers[int(head[9:12])] += 1
    finally:
        writer.close()


async def report_urgently(client: httpx.AsyncClient, number: int) -> tuple[str, float]:
    """As is documented: told that many come, do the work that is asked for. The id, and the seconds that it took."""
    began_s = time.monotonic()
    body = {"text": f"urgent {number}", "category_hint": "sexual_exploitation_minors"}
    headers: dict[str, str] = {}
    while time.monotonic() - began_s < PATIENCE_S:
        answer = await client.post("/v1/reports", json=body, headers=headers)
        if answer.status_code == 202:
            assert answer.json()["receipt"]
            return answer.json()["report_id"], time.monotonic() - began_s
        assert answer.status_code == 503
        if answer.json()["code"] == "busy":
            assert not headers, "the work was done, and counted for nothing"
            challenge = altcha.Challenge.from_dict((await client.get(answer.json()["challenge"])).json())
            solution = await asyncio.to_thread(altcha.solve_challenge, challenge)
            assert solution is not None
            headers = {"Altcha": altcha.Payload(challenge, solution).to_base64()}
    raise AssertionError(f"reporter {number} has no receipt after {PATIENCE_S} s")


def test_urgent_reports_get_their_receipt_in_a_flood(place: Place) -> None:
    answers: Counter[int] = Counter()
    flooded_s: list[float] = []

    async def storm(url: str) -> list[tuple[str, float]]:
        began_s = time.monotonic()
        until_s = began_s + FLOOD_S
        port = httpx.URL(url).port or 0
        flood = [asyncio.create_task(send_many(port, until_s, answers)) for _ in range(CONNECTIONS)]
        honest = []
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as client:
            for number in range(HONEST):
                await asyncio.sleep(FLOOD_S / HONEST * 0.8)  # spread over the flood
                honest.append(asyncio.create_task(report_urgently(client, number)))
            await asyncio.gather(*flood)
            flooded_s.append(time.monotonic() - began_s)
            return list(await asyncio.gather(*honest))

    with running(place, INTAKE_OPEN_RATE_PER_S=str(NORMAL_PER_S)) as intake:
        receipts = asyncio.run(storm(intake.url))
        topic = place.codec.topic(RECEIVED)
        accepted = answers[202] + HONEST
        eventually(lambda: len(read_all(place.bootstrap, topic)) >= accepted, 20)
        logged = Counter(record.key for record in read_all(place.bootstrap, topic))
    assert sum(answers.values()) / flooded_s[0] >= 0.8 * FLOOD_PER_S, "the flood itself was too slow"
    assert set(answers) == {202, 503}
    assert answers[202] <= NORMAL_PER_S * (FLOOD_S + 4), "more came in without work than are let in"
    assert all(logged[report_id.encode()] == 1 for report_id, _ in receipts)
    assert len(logged) == accepted == sum(logged.values())
    assert max(took_s for _, took_s in receipts) < PATIENCE_S / 2

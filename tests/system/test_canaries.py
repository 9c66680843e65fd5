"""A whole stack is told addresses in every way, and keeps none: topics, tables, metrics, and every file of its home."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from ibalagh.events.registry import PREFIX, RECEIVED, TRIAGED
from ibalagh.local import state
from ibalagh.local.paths import PROJECT_ROOT
from tests.support import canaries
from tests.support.log import read_all
from tests.support.poll import eventually
from tests.support.surroundings import own_stack

_PORT_SHIFT = "3400"
_TIMEOUT_S = 240
_REPORT = {
    "text": "Arnaque: on m'a demandé un virement pour une livraison qui n'existe pas.",
    "category_hint": "fraud",
    "identity": {"name": "Invented Person", "phone": "+212 600 000 000"},
}


def command(home: Path, *arguments: str) -> None:
    """`ibalagh …` with a home and ports of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "ibalagh.cli", *arguments],
        cwd=PROJECT_ROOT,
        env=own_stack(HOME=str(home), PORT_SHIFT=_PORT_SHIFT, LOG_LEVEL="DEBUG", INTAKE_COUNTRY_FROM="proxy"),
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(_TIMEOUT_S + 10)
def test_a_whole_stack_keeps_no_address_of_those_who_report(tmp_path: Path) -> None:
    try:
        command(tmp_path, "up")
        running = state.running(tmp_path)
        assert running is not None
        surroundings = running.environment()
        bootstrap, url = surroundings["IBALAGH_KAFKA_BOOTSTRAP"], surroundings["IBALAGH_DATABASE_URL"]
        ports = {service.name: service.port for service in running.services}
        with canaries.planting_client(f"http://127.0.0.1:{ports['intake']}") as client:
            assert [client.post("/v1/reports", json=_REPORT).status_code for _ in range(5)] == [202] * 5
            answers = list(canaries.ask_everything(client, canaries.intake_routes(), 17_000_000))
        assert {400, 404, 405, 413} <= {answer.status_code for answer in answers}
        received = len(read_all(bootstrap, PREFIX + RECEIVED))
        assert received >= 5
        eventually(lambda: len(read_all(bootstrap, PREFIX + TRIAGED)) == received, 60, 0.5)
        said = b"".join(answer.content + json.dumps(dict(answer.headers)).encode() for answer in answers)
        places = {"answers": said, **canaries.topics(bootstrap, PREFIX), **canaries.tables(url)}
        for name, port in ports.items():
            places[f"metrics of {name}"] = httpx.get(f"http://127.0.0.1:{port}/metrics").content
    finally:
        command(tmp_path, "down")
    places |= canaries.files(tmp_path)
    assert sum(where.endswith(".log") and b'"started"' in content for where, content in places.items()) >= 4
    assert canaries.found_in(places) == []

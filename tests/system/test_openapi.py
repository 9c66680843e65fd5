"""Whatever is sent to an operation of the other services' OpenAPI documents, nothing breaks inside.

Intake's answers are held to its document in full, in `tests/integration/test_intake_openapi.py`; here it is only told
apart what the service refuses from what breaks it.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import schemathesis
from hypothesis import given
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode

from tests.support.conforming import fuzzed
from tests.support.service_processes import TOKEN, ServiceProcesses

TOPICS = {
    "triage": (
        "reports.received",
        "reports.received.urgent",
        "reports.triaged",
        "triage.decisions",
        "triage.deadletters",
    ),
    "referral": ("reports.triaged", "cases.referred", "cases.outcomes", "cases.actions", "referral.deadletters"),
    "stats": (
        *(
            "reports.received",
            "reports.received.urgent",
            "reports.triaged",
            "cases.referred",
            "cases.outcomes",
            "stats.deltas",
            "stats.alerts",
        ),
        *("stats.deadletters",),
    ),
}
ENDLESS = {"/v1/events"}
"""Streams of events."""
EXAMPLES = 25


@pytest.fixture(params=TOPICS)
def address(
    request: pytest.FixtureRequest, broker: str, database_url: str, topic_prefix: str, tmp_path: Path
) -> Iterator[str]:
    topics = dict.fromkeys(TOPICS[request.param], 1)
    stack = ServiceProcesses(request.param, topics, broker, database_url, topic_prefix, tmp_path)
    try:
        stack.start()
        yield str(stack.client.base_url)
        assert stack.processes[0].poll() is None
        errors = [line for line in stack.log(0).read_text().splitlines() if "a request failed" in line]
        assert errors == []
    finally:
        stack.close()


@pytest.mark.timeout(300)
def test_no_input_makes_an_error_of_the_inside(address: str) -> None:
    operations = [each.ok() for each in schemathesis.openapi.from_url(f"{address}/openapi.json").get_all_operations()]
    assert operations
    for operation in operations:
        if operation.path in ENDLESS:
            continue
        for mode in GenerationMode:
            with suppress(Unsatisfiable):  # nothing is wrong with an operation that takes nothing
                ask(operation.as_strategy(generation_mode=mode), address)


def ask(cases: SearchStrategy[schemathesis.Case], address: str) -> None:
    """Send what the strategy makes."""

    @fuzzed(EXAMPLES)
    @given(case=cases)
    def send(case: schemathesis.Case) -> None:
        answer = case.call(base_url=address, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
        assert answer.status_code < 500, f"{case.as_curl_command()}\n{answer.text}"

    send()

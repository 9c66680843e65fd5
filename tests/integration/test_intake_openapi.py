"""Whatever is sent to an operation of intake's OpenAPI document, the answer is one that the document tells of.

The document is the application's own, so a new operation is asked too. The process, the broker and the database are
real; then once more with broker and database away.
"""

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st

from services.intake.attached import ATTACHMENT_RULES
from services.intake.evidence.kinds import RULES as FILE_RULES
from services.intake.settings import IntakeSettings
from tests.support.conforming import fuzzed, hold_to_document
from tests.support.databases import fresh_database
from tests.support.durable import acceptance_at
from tests.support.intake import TOKEN, IntakeProcess, described_application, prepare_place, running

DOCUMENT = described_application(IntakeSettings(api_token=TOKEN)).openapi()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
POSTS = sorted(path for path, operations in DOCUMENT["paths"].items() if "post" in operations)
BEYOND_THE_SCHEMA = frozenset(
    {
        *("not_before_2000", "not_in_future", "needs_token", "not_blank", "bad_proof", "idempotency_key_reused"),
        *ATTACHMENT_RULES,
        *FILE_RULES,
    }
)
"""Rules about times, rights, blanks, work, files and what was sent before, which no JSON Schema can say."""
MEDIA_TYPES = st.sampled_from(
    [
        "application/json",
        "application/x-ndjson",
        "application/x-www-form-urlencoded",
        "application/octet-stream",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "text/plain; charset=utf-16",
        "",
    ]
)
ODD = [b"[" * 3_000, b'{"a":' * 3_000, b"\xef\xbb\xbf{}", b'{"text":"\\ud800"}', b"1e999", b"NaN", b"--x\r\n"]


@pytest.fixture(scope="module")
def intake(broker: str, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[IntakeProcess]:
    with fresh_database(postgres, "test_openapi") as url:
        place = prepare_place(broker, url, "openapi.", tmp_path_factory.mktemp("intake"))
        with running(place, INTAKE_OPEN_RATE_PER_S="100000") as process:
            yield process


@pytest.fixture(scope="module")
def stranded(broker: str, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[IntakeProcess]:
    """An intake that has its keys, and whose broker and database are away."""
    with fresh_database(postgres, "test_stranded") as url:
        place = prepare_place(broker, url, "stranded.", tmp_path_factory.mktemp("stranded"))
    acceptance_at(place)
    away = {"KAFKA_BOOTSTRAP": "127.0.0.1:1", "DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}
    with running(place, **away, INTAKE_OPEN_RATE_PER_S="100000") as process:
        yield process


@SCHEMA.parametrize()
@fuzzed(60)
def test_every_answer_is_one_that_the_document_tells_of(case: schemathesis.Case, intake: IntakeProcess) -> None:
    hold_to_document(case, intake.url, TOKEN, BEYOND_THE_SCHEMA)


@SCHEMA.parametrize()
@fuzzed(15)
def test_with_broker_and_database_away_the_refusals_are_those_of_the_document(
    case: schemathesis.Case, stranded: IntakeProcess
) -> None:
    hold_to_document(case, stranded.url, TOKEN, BEYOND_THE_SCHEMA, away=True)


@pytest.mark.parametrize("path", POSTS)
@fuzzed(60)
@given(body=st.binary(max_size=400) | st.sampled_from(ODD), media_type=MEDIA_TYPES)
def test_no_bytes_at_all_make_an_error_of_the_inside(
    intake: IntakeProcess, path: str, body: bytes, media_type: str
) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": media_type}
    answer = intake.http.post(path.replace("{", "").replace("}", ""), content=body, headers=headers)
    assert answer.status_code < 500, answer.text
    assert str(answer.status_code) in DOCUMENT["paths"][path]["post"]["responses"]


def test_every_operation_that_takes_something_in_tells_of_the_refusals_that_any_may_give() -> None:
    for path in POSTS:
        assert {"413", "503"} <= DOCUMENT["paths"][path]["post"]["responses"].keys(), path

"""`ibalagh keys` and the service that goes by it: a key from its making to its end, in all operations."""

import re
import uuid

import orjson
import pytest

from ibalagh.client.reporter import ReporterClient
from services.intake import keys_cli
from services.intake.apikeys import Scope
from tests.support.canaries import tables
from tests.support.intake import TOKEN, Place, running
from tests.support.log import read_all
from tests.support.poll import eventually

CANARY = "198.51.100.77"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def pointed(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The command's environment names the place's database."""
    monkeypatch.setenv("IBALAGH_DATABASE_URL", place.database_url)
    return place


def command(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    """What `ibalagh keys` printed: standard output and error."""
    assert keys_cli.main(arguments) == code
    return capsys.readouterr()


def test_a_key_works_until_it_is_revoked_and_the_one_it_was_rotated_to_goes_on(
    pointed: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    old = command(capsys, "create", "hotline", "--scope", "batch", "--scope", "submitted_at")[0].strip()
    new = command(capsys, "rotate", "hotline")[0].strip()
    old_id = old[: old.rindex("_")]
    with running(pointed, INTAKE_KEY_CACHE_S="0.2") as intake:

        def status(key: str) -> int:
            return intake.http.post(
                "/v1/reports:batch", content=orjson.dumps({"text": "x"}), headers=bearer(key)
            ).status_code

        assert [status(key) for key in (old, new, TOKEN)] == [200, 200, 200]
        out, _ = command(capsys, "revoke", old_id)
        assert "1 key revoked" in out
        eventually(lambda: status(old) == 401)
        assert status(new) == 200
        command(capsys, "revoke", "hotline")
        eventually(lambda: status(new) == 401)
        assert status(TOKEN) == 200
    assert len(read_all(pointed.bootstrap, f"{pointed.prefix}reports.received")) >= 4
    secrets = [key[key.rindex("_") + 1 :] for key in (old, new)]
    everywhere = intake.log.read_text() + repr(tables(pointed.database_url))
    assert not any(secret in everywhere for secret in secrets)


def test_the_client_and_both_formats_reach_the_log_once_however_often_they_are_sent(
    pointed: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    scopes = [word for scope in Scope for word in ("--scope", scope)]
    key = command(capsys, "create", "hotline", *scopes, "--daily-quota", "1000")[0].strip()
    reports = [{"text": f"number {number}", "submitted_at": "2026-06-01T00:00:00Z"} for number in range(300)]
    xarf = {
        "xarf_version": "4.0.0", "report_id": str(uuid.uuid4()), "timestamp": "2026-06-01T00:00:00Z",
        "reporter": {"org": "Canary Org", "contact": "canary@hotline.example", "domain": "hotline.example"},
        "sender": {"org": "x", "contact": "x@x.example", "domain": "x.example"},
        "source_identifier": "x.example", "category": "content", "type": "phishing", "url": "https://x.example/",
    }  # fmt: skip
    indicator = {
        "type": "indicator", "id": f"indicator--{uuid.uuid4()}", "spec_version": "2.1", "pattern_type": "stix",
        "created": "2026-06-01T00:00:00Z", "modified": "2026-06-01T00:00:00Z", "valid_from": "2026-06-01T00:00:00Z",
        "pattern": "[url:value = 'https://y.example/']",
    }  # fmt: skip
    bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": [indicator]}
    ids = []
    with running(pointed) as intake:
        eventually(lambda: intake.http.get("/readyz").status_code == 200, 20)
        intake.http.headers.update({"X-Forwarded-For": CANARY, "Forwarded": f"for={CANARY}"})
        for _ in range(2):
            with ReporterClient(intake.url, key, batch_lines=100) as client:
                sent = client.send(reports, key_of=lambda report: f"a-number-of-ours-{report['text'][7:]}")
                found = [result.report_id for result in sent]
            for operation, value in (("xarf", xarf), ("stix", bundle)):
                answer = intake.http.post(f"/v1/reports:{operation}", json=value, headers=bearer(key))
                found.append(answer.json()["report_id"])
            ids.append(found)
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 302
    records = read_all(pointed.bootstrap, f"{pointed.prefix}reports.received")
    assert sorted(record.key.decode() for record in records) == sorted(ids[0])
    everywhere = intake.log.read_text() + repr(tables(pointed.database_url)) + repr(records)
    assert not any(canary in everywhere for canary in (CANARY, "Canary Org"))
    assert re.search(r"hotline .* 302 +1000 ", command(capsys, "list")[0])


def test_the_command_shows_a_key_once_and_lists_it_without_its_secret(
    pointed: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "There is no key" in command(capsys, "list")[0]
    out, err = command(capsys, "create", "bank-1", "--daily-quota", "500", "--rate", "2.5")
    assert re.fullmatch(r"ibk_[0-9a-z]{8}_[0-9a-z]{59}\n", out)
    assert "not be shown again" in err
    listed = command(capsys, "list")[0]
    assert out.strip() not in listed
    assert out[:12] in listed
    assert re.search(r"bank-1 +ibk_\w{8} +valid +batch +0 +500 +2\.5 ", listed)
    assert "valid key already" in command(capsys, "create", "bank-1", code=1)[1]
    assert "no valid key" in command(capsys, "revoke", "nobody", code=1)[1]
    assert "opens nothing" in command(capsys, "create", "other", "--scope", "submitted_at", code=1)[1]
    for wrong in (["create", "Bad Name"], ["create", "x-1", "--rate", "nan"], ["create", "x-1", "--daily-quota", "0"]):
        with pytest.raises(SystemExit) as ended:
            keys_cli.main(wrong)
        assert ended.value.code == 2


def test_the_command_says_that_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IBALAGH_DATABASE_URL", "postgresql://postgres@127.0.0.1:1/ibalagh")
    assert "does not answer" in command(capsys, "list", code=1)[1]

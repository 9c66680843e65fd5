"""A case file from the real database and the real log; open cases under another table."""

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path

import pikepdf
import pytest
import yaml

from ibalagh.contracts.codec import Codec
from ibalagh.events.make import root
from ibalagh.events.registry import RECEIVED, URGENT
from ibalagh.events.reports import Attachment, ReportReceivedV1
from ibalagh.events.vocabulary import CaseAction
from ibalagh.local.signing_keys import published_keys
from ibalagh.storage.audit import Audit
from ibalagh.storage.postgres import Database
from ibalagh.stream.kafka import KafkaProducer
from services.referral import competence_cli
from services.referral.casefile import sealing
from services.referral.casefile.cli import main
from services.referral.casefile.pages import MANIFEST_NAME
from services.referral.competence import TABLES
from services.referral.linking import case_id_for
from services.referral.settings import ReferralSettings
from tests.integration.test_referral_store import Worker, database
from tests.support import topics
from tests.support.referral import RABAT, action, facts, report_id, triaged

__all__ = ["database"]

CASE = case_id_for(report_id("a"), 1)
TODAY = datetime.now(UTC).date()
WRITTEN = {"a": "توصلت برسالة من شخص يدعي أنه من البنك", "b": "Une fausse boutique m’a pris 300 000 DH"}


@pytest.fixture
def worker(
    database: Database,
    database_url: str,
    broker: str,
    topic_prefix: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Worker:
    """A worker that took three reports of one case, of which the log holds two."""
    monkeypatch.setenv("IBALAGH_DATABASE_URL", database_url)
    monkeypatch.setenv("IBALAGH_KAFKA_BOOTSTRAP", broker)
    monkeypatch.setenv("IBALAGH_TOPIC_PREFIX", topic_prefix)
    monkeypatch.setenv("IBALAGH_HOME", str(tmp_path / "home"))
    topics.create(broker, {topic_prefix + RECEIVED: 2, topic_prefix + URGENT: 1}, 1)
    publish(broker, Codec(topic_prefix))
    worker = Worker(database)
    worker.now = datetime.now(UTC)
    worker.take(*[triaged(name, "x", received_on=TODAY) for name in "abc"])
    worker.take(action(CASE, CaseAction.ACCEPT, occurred_at=worker.now))
    return worker


def publish(broker: str, codec: Codec) -> None:
    """The reports a and b as intake received them, among others."""
    producer = KafkaProducer(broker)
    events = []
    others = [f"other {number}" for number in range(20)]  # so that every partition holds something
    for name in (*others, "a", "another", "b"):
        data = ReportReceivedV1(
            report_id=report_id(name),
            received_at=datetime.now(UTC),
            facts=facts(TODAY),
            text=WRITTEN.get(name, "of another case"),
            attachments=(Attachment(sha256="cd" * 32, size_bytes=5, media_type="image/png"),),
        )
        id_ = report_id(name)
        events.append(root(data, id_=id_, source="/intake", subject=id_, now=datetime.now(UTC)))
    urgent = codec.encode(events[0])._replace(topic=codec.topic(URGENT))
    assert None not in producer.publish([urgent, *map(codec.encode, events)], 20)
    producer.close()


@pytest.mark.usefixtures("worker")
def test_a_case_is_exported_with_what_the_log_holds_and_verified_offline(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "first.pdf", tmp_path / "second.pdf"
    Audit(database).viewed("officer-17", "case", CASE, permission="cases.read")
    assert main(["export", CASE, "--out", str(first), "--lang", "fr"]) == 0
    said = capsys.readouterr().out
    assert "version 6, 3 reports." in said
    assert "does not hold 1 of them any more" in said
    digest = hashlib.sha256(first.read_bytes()).hexdigest()
    assert digest in said
    assert first.stat().st_mode & 0o777 == 0o600
    assert main(["verify", str(first)]) == 0
    assert "holds     3 reports, 2 files" in capsys.readouterr().out

    with pikepdf.open(first) as opened:
        attached = opened.attachments[MANIFEST_NAME].get_file().read_bytes()
    texts = {
        each["report_id"]: each["log"] and each["log"]["text"]
        for each in sealing.check_signed(attached, published_keys(ReferralSettings()))["reports"]
    }
    assert texts == {report_id("a"): WRITTEN["a"], report_id("b"): WRITTEN["b"], report_id("c"): None}

    assert main(["export", "1", "--out", str(second), "--lang", "fr"]) == 0
    assert second.read_bytes() == first.read_bytes(), "neither the export nor a look is a new version"
    noted = [(each.action, each.person) for each in Audit(database).newest(subject=CASE)]
    assert noted == [("exported", "(command)")] * 2 + [("viewed", "officer-17")]


@pytest.mark.usefixtures("worker")
def test_custody_up_to_now_names_who_looked_after_the_latest_event(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Audit(database).viewed("officer-17", "case", CASE, permission="cases.read")
    assert main(["export", CASE, "--out", str(tmp_path / "now.pdf"), "--custody-now"]) == 0, capsys.readouterr().err
    assert main(["verify", str(tmp_path / "now.pdf")]) == 0
    assert "custody   1 rows" in capsys.readouterr().out


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ("99", "There is no case 99."),
        ("nonsense", "neither a case's id nor a number"),
        (report_id("a"), "There is no case"),
    ],
)
def test_what_is_no_case_is_wrong_usage(
    tmp_path: Path, named: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", named, "--out", str(tmp_path / "none.pdf")]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "none.pdf").exists()


@pytest.mark.usefixtures("worker")
def test_a_file_that_is_there_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "there.pdf").write_text("mine")
    assert main(["export", CASE, "--out", str(tmp_path / "there.pdf")]) == 2
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "there.pdf").read_text() == "mine"


@pytest.mark.usefixtures("worker")
def test_a_report_is_explained_by_its_case(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert competence_cli.main(["explain", report_id("b")]) == 0
    said = capsys.readouterr().out
    assert "is in case 1" in said
    assert f"province:{RABAT}" in said
    assert "Competent: PJ-RABAT" in said
    assert competence_cli.main(["explain", report_id("nobody")]) == 1
    assert "is in no case" in capsys.readouterr().err
    worker = Worker(database, partition=1)
    worker.now = datetime.now(UTC)
    worker.take(triaged("m", "m", minor_involved=True))
    assert competence_cli.main(["explain", report_id("m")]) == 0
    assert "→ minor" in capsys.readouterr().out


@pytest.mark.usefixtures("worker")
def test_a_new_table_tells_which_open_cases_it_would_move(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = Worker(database, partition=1)
    worker.now = datetime.now(UTC)
    worker.take(triaged("far", "y", province="09.001"), triaged("closed", "z"))
    closed = case_id_for(report_id("closed"), 1)
    worker.take(action(closed, CaseAction.ACCEPT), action(closed, CaseAction.CLOSE, result="no_offence"))
    document = yaml.safe_load((TABLES / "2026-11.yaml").read_text("utf-8"))
    document["version"], document["valid_from"] = "next", date(2027, 1, 1)
    document["provinces"][RABAT] = "PJ-SALE"
    new = tmp_path / "next.yaml"
    new.write_text(yaml.safe_dump(document))
    assert competence_cli.main(["diff", "2026-11", str(new)]) == 0
    said = capsys.readouterr().out
    assert "1 of 2 open cases would move from 2026-11 to next." in said
    assert "PJ-RABAT → PJ-SALE" in said
    assert f"case 1 {CASE} → PJ-SALE by province:{RABAT}, accepted" in said

"""A folder and a bucket keep evidence alike; a bucket that takes nothing is told, and nobody is promised anything."""

import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

from services.intake.attachments.blobs import Blobs, MissingBlobError, RefusingStoreError
from tests.support.intake import TOKEN, IntakeProcess, Place, running
from tests.support.poll import eventually

BUCKET = "evidence-of-tests"
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
PIECE = 1 << 18
LARGE = 20 * 1024 * 1024
FAST = {"INTAKE_EVIDENCE_SWEEP_INTERVAL_S": "0.2", "INTAKE_EVIDENCE_ORPHAN_S": "2"}


class Bucket:
    """A server that speaks S3, and what it keeps in the bucket of these tests."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.client: Any = boto3.client("s3", endpoint_url=endpoint)

    def names(self) -> list[str]:
        return [each["Key"] for each in self.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]

    def unfinished(self) -> list[str]:
        return [each["Key"] for each in self.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])]

    def check_credentials(self, *, strictly: bool) -> None:
        # The server's own switch: from so many requests on, credentials are held against those that it knows, none.
        httpx.post(f"{self.endpoint}/moto-api/reset-auth", content="0" if strictly else "1000000").raise_for_status()


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of a server that speaks S3."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture
def bucket(s3: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """An empty bucket, which the environment says how to reach."""
    for name, value in (
        ("ACCESS_KEY_ID", "an-invented-id"),
        ("SECRET_ACCESS_KEY", "an-invented-secret"),
        ("REGION", "us-east-1"),
        ("DEFAULT_REGION", "us-east-1"),
        ("ENDPOINT_URL", s3),
        ("ALLOW_HTTP", "true"),
    ):
        monkeypatch.setenv(f"AWS_{name}", value)
    httpx.post(f"{s3}/moto-api/reset").raise_for_status()
    made = Bucket(s3)
    made.check_credentials(strictly=False)
    made.client.create_bucket(Bucket=BUCKET)
    yield made
    made.check_credentials(strictly=False)
    made.client.close()


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Blobs, Callable[[], list[str]]]:
    """A store, and what asks the other side of it what lies there: whole, or left in the middle."""
    if request.param == "folder":
        folder = tmp_path / "evidence"
        return Blobs.at(None, folder), lambda: [path.name for path in folder.rglob("*") if path.is_file()]
    far: Bucket = request.getfixturevalue("bucket")
    return Blobs.at(f"s3://{BUCKET}/some/prefix", tmp_path), lambda: far.names() + far.unfinished()


Store = tuple[Blobs, Callable[[], list[str]]]


def pieces(count: int) -> Iterator[bytes]:
    for number in range(count):
        yield number.to_bytes(4, "big") * (PIECE // 4)


def test_a_file_of_20_mb_goes_in_by_parts_and_comes_out_as_it_was(store: Store) -> None:
    blobs, inside = store
    blobs.put("ab/large.original", pieces(LARGE // PIECE))
    assert len(inside()) == 1
    out = hashlib.sha256()
    for piece in blobs.pieces("ab/large.original"):
        assert len(piece) <= 4 * PIECE
        out.update(piece)
    assert out.digest() == hashlib.sha256(b"".join(pieces(LARGE // PIECE))).digest()


def test_a_large_file_is_sent_to_a_bucket_in_parts(bucket: Bucket, tmp_path: Path) -> None:
    Blobs.at(f"s3://{BUCKET}/some/prefix", tmp_path).put("ab/x", pieces(LARGE // PIECE))
    etag = bucket.client.head_object(Bucket=BUCKET, Key="some/prefix/ab/x")["ETag"]
    assert etag.strip('"').endswith("-4")


@pytest.mark.parametrize("before", [1, 60])
def test_an_upload_that_breaks_off_leaves_nothing(store: Store, before: int) -> None:
    blobs, inside = store

    def broken() -> Iterator[bytes]:
        yield from pieces(before)
        raise ValueError("the other side went away")

    with pytest.raises(ValueError, match="went away"):
        blobs.put("ab/broken.original", broken())
    assert inside() == []
    with pytest.raises(MissingBlobError):
        list(blobs.pieces("ab/broken.original"))


def test_what_is_removed_is_gone_and_what_is_not_there_is_no_error(store: Store) -> None:
    blobs, inside = store
    blobs.put("ab/x.original", [b"x"])
    blobs.put("cd/y.view", [b""])
    assert list(blobs.pieces("cd/y.view")) == []
    blobs.delete(["ab/x.original", "no/such.original"])
    assert [Path(name).name for name in inside()] == ["y.view"]
    with pytest.raises(MissingBlobError):
        list(blobs.pieces("ab/x.original"))


def test_blobs_are_listed_by_their_age_under_the_names_that_they_were_given(store: Store) -> None:
    blobs, _ = store
    for name in ("ab/x.original", "cd/y.view"):
        blobs.put(name, [b"x"])
    assert sorted(name for names in blobs.older_than(-60) for name in names) == ["ab/x.original", "cd/y.view"]
    assert [name for names in blobs.older_than(60) for name in names] == []


def test_a_store_that_knows_us_is_well(store: Store) -> None:
    store[0].check()


def test_a_bucket_that_is_not_there_refuses_by_that_name(bucket: Bucket, tmp_path: Path) -> None:
    absent = Blobs.at("s3://no-such-bucket/prefix", tmp_path)
    for ask in (absent.check, lambda: absent.put("ab/x", [b"x"]), lambda: list(absent.older_than(0))):
        with pytest.raises(RefusingStoreError, match="no such bucket"):
            ask()
    assert bucket.names() == []


def test_wrong_credentials_are_told_and_do_not_count_any_more_once_the_bucket_knew_us(
    bucket: Bucket, tmp_path: Path
) -> None:
    known, unknown = (Blobs.at(f"s3://{BUCKET}", tmp_path) for _ in range(2))
    known.check()
    bucket.check_credentials(strictly=True)
    for ask in (unknown.check, lambda: unknown.put("ab/x", [b"x"]), lambda: list(unknown.pieces("ab/x"))):
        with pytest.raises(RefusingStoreError, match="credentials"):
            ask()
    known.check()
    bucket.check_credentials(strictly=False)
    unknown.check()


def test_a_bucket_that_does_not_answer_is_no_reason_to_refuse_reports(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del bucket
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    Blobs.at(f"s3://{BUCKET}", tmp_path).check()


def ready(intake: IntakeProcess) -> httpx.Response:
    return intake.http.get("/readyz")


def test_with_a_bucket_a_file_becomes_a_reports_and_what_nobody_has_is_swept(bucket: Bucket, place: Place) -> None:
    url = f"s3://{BUCKET}/ours"
    with running(place, INTAKE_EVIDENCE_URL=url, INTAKE_EVIDENCE_STAGED_S="3", **FAST) as intake:
        eventually(lambda: ready(intake).status_code == 200, 20)
        text = b"Invented words.\n" * 400_000
        kept = intake.http.post("/v1/attachments", content=text).json()
        left = intake.http.post("/v1/attachments", content=b"left")
        assert left.status_code == 201
        answer = intake.http.post("/v1/reports", json={"text": "x", "attachments": [kept["attachment_id"]]})
        assert answer.status_code == 202, answer.text
        orphan = f"ours/ab/{uuid.uuid4()}.original"
        bucket.client.put_object(Bucket=BUCKET, Key=orphan, Body=b"left by a killed process")
        eventually(lambda: len(bucket.names()) == 2, 30)
        view = intake.http.get(f"/v1/reports/{answer.json()['report_id']}/attachments/1", headers=OPERATOR)
        assert view.content == text
        refused = intake.http.post("/v1/attachments", content=b"GIF89a")
        assert refused.status_code == 422
        assert len(bucket.names()) == 2
    assert not any((place.home / "evidence").rglob("*"))
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in (place.home / "intake.log").read_text()


def test_with_a_bucket_that_is_not_there_intake_is_not_ready_and_promises_nothing(bucket: Bucket, place: Place) -> None:
    with running(place, INTAKE_EVIDENCE_URL="s3://no-such-bucket") as intake:
        eventually(lambda: ready(intake).status_code == 503, 20)
        eventually(lambda: any("no such bucket" in str(line.get("reason")) for line in intake.lines()), 20)
        upload = intake.http.post("/v1/attachments", content=b"words")
        assert (upload.status_code, upload.json()["code"]) == (503, "unavailable")
        assert "retry-after" in upload.headers
        assert [line["event"] for line in intake.lines() if "reason" in line][-1] == "no file can be taken in"
        bucket.client.create_bucket(Bucket="no-such-bucket")
        eventually(lambda: ready(intake).status_code == 200, 20)
        assert intake.http.post("/v1/attachments", content=b"words").status_code == 201

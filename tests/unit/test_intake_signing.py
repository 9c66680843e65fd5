"""Signed receipts: any change is noticed, the signed bytes stay what they are, and published keys are enough."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from ibalagh.signing import canonical, thumbprint
from ibalagh.stream.ports import Acknowledgement
from services.intake.signing import Check, Facts, InvalidReceiptError, KeySet, Signer, read_keys, read_receipt

SEED = bytes(range(32))
SIGNER = Signer(SEED)
FACTS = Facts(
    "0197f0a0-0000-7000-8000-000000000001",
    datetime(2026, 7, 1, 12, tzinfo=UTC),
    hashlib.sha256(b"sent").digest(),
    hashlib.sha256(b"recorded").digest(),
    Acknowledgement("ibalagh.reports.received", 3, 42),
)
WRITTEN = orjson.dumps(SIGNER.sign(FACTS))
LEAVES = [("document", name) for name in SIGNER.sign(FACTS)["document"] if name != "log"]
PLACES = [("document", "log", name) for name in ("topic", "partition", "offset")]

facts = st.builds(
    Facts,
    st.uuids().map(str),
    st.datetimes(timezones=st.just(UTC)),
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=32, max_size=32),
    st.builds(
        Acknowledgement,
        st.from_regex(r"[A-Za-z0-9._-]{1,249}", fullmatch=True),
        st.integers(0, 2**31 - 1),
        st.integers(0, 2**53 - 1),
    ),
)


def failed(written: bytes, keys: KeySet = SIGNER.keys) -> Check | None:
    try:
        keys.verify(read_receipt(orjson.loads(written)))
    except InvalidReceiptError as error:
        return error.check
    return None


@given(facts)
def test_what_is_signed_verifies_with_the_published_keys_after_a_journey_through_json(some: Facts) -> None:
    keys = read_keys(json.loads(json.dumps(SIGNER.keys.jwks)))
    assert failed(json.dumps(SIGNER.sign(some), indent=3).encode(), keys) is None
    assert SIGNER.sign(some) == Signer(SEED).sign(some)


@given(facts)
def test_the_signed_bytes_are_what_rfc_8785_writes(some: Facts) -> None:
    document = SIGNER.sign(some)["document"]
    plain = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    assert canonical(document) == plain.encode("ascii")
    assert "\\" not in plain


def test_the_form_of_a_receipt_stays_as_it_was_published() -> None:
    assert WRITTEN == (
        b'{"document":{"version":"ibalagh.receipt.v1","key_id":"1IG2tMH7J2wbJZnOf8LJzQitKf7LMvoAElsuDMVM54Y",'
        b'"report_id":"0197f0a0-0000-7000-8000-000000000001","accepted_at":"2026-07-01T12:00:00.000000Z",'
        b'"received_sha256":"7afbb3347fb7252e533d58d99d72d9106fc6fdb3f30df23fa70b764c15ac42c5",'
        b'"record_sha256":"3d96a458120e68868ccca6bad66be3fc8df4627a6b7372d69b98d3ba7688774d",'
        b'"log":{"topic":"ibalagh.reports.received","partition":3,"offset":42}},'
        b'"signature":"2DfiUADWgjZKheVr_K0iJ2dUFMBAKOZ4G0gdJd-uyCblawmK8xvw6ZNc0pqJ5aED7Ge0V57j9RrE301K_1BBCA"}'
    )


@given(st.integers(0, len(WRITTEN) - 1), st.integers(1, 255))
def test_any_changed_byte_is_noticed(place: int, change: int) -> None:
    changed = bytearray(WRITTEN)
    changed[place] ^= change
    try:
        assert failed(bytes(changed)) is not None or orjson.loads(changed) == orjson.loads(WRITTEN)
    except orjson.JSONDecodeError:
        return


@given(st.data())
def test_any_changed_bit_of_the_signed_bytes_or_of_the_signature_is_refused_by_ed25519(data: st.DataObject) -> None:
    receipt = SIGNER.sign(FACTS)
    signed = bytearray(canonical(receipt["document"]))
    signature = bytearray(base64.urlsafe_b64decode(receipt["signature"] + "=="))
    key = Ed25519PublicKey.from_public_bytes(SIGNER.keys.publics[0])
    key.verify(bytes(signature), bytes(signed))
    target = data.draw(st.sampled_from([signed, signature]))
    target[data.draw(st.integers(0, len(target) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(InvalidSignature):
        key.verify(bytes(signature), bytes(signed))


@pytest.mark.parametrize("path", [*LEAVES, *PLACES], ids=".".join)
def test_every_member_is_signed(path: tuple[str, ...]) -> None:
    other = Facts(
        FACTS.report_id.replace("1", "2"),
        FACTS.accepted_at + timedelta(microseconds=1),
        FACTS.record_sha256,
        FACTS.received_sha256,
        Acknowledgement("ibalagh.reports.other", 4, 43),
    )
    changed, inner, taken = orjson.loads(WRITTEN), None, Signer(bytes(32)).sign(other)
    for step in path[:-1]:
        inner = changed[step] if inner is None else inner[step]
        taken = taken[step]
    assert inner is not None
    inner[path[-1]] = "ibalagh.receipt.v2" if path[-1] == "version" else taken[path[-1]]
    expected = {"version": Check.FORM, "key_id": Check.KEY}.get(path[-1], Check.SIGNATURE)
    assert failed(orjson.dumps(changed)) is expected


@pytest.mark.parametrize(
    "given",
    [None, [], "x", {}, {"signed_receipt": None}, {**orjson.loads(WRITTEN), "more": 1}, {"document": {}}],
    ids=repr,
)
def test_what_has_not_the_form_of_a_receipt_is_refused_as_such(given: object) -> None:
    assert failed(orjson.dumps(given)) is Check.FORM


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accepted_at", "2026-07-01T12:00:00Z"),
        ("report_id", FACTS.report_id.upper() + "\n"),
        ("received_sha256", "٠" * 64),
    ],
)
def test_another_spelling_of_a_member_is_refused(name: str, value: str) -> None:
    changed = orjson.loads(WRITTEN)
    changed["document"][name] = value
    assert failed(orjson.dumps(changed)) is Check.FORM


def test_the_other_spellings_of_the_same_signature_are_refused() -> None:
    changed: dict[str, Any] = orjson.loads(WRITTEN)
    last = changed["signature"][-1]
    twins = [each for each in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" if each != last]
    for twin in twins:
        changed["signature"] = changed["signature"][:-1] + twin
        assert failed(orjson.dumps(changed)) is Check.SIGNATURE


def test_a_receipt_is_found_in_a_whole_answer() -> None:
    answer = {"report_id": FACTS.report_id, "receipt": "x", "signed_receipt": orjson.loads(WRITTEN)}
    assert failed(orjson.dumps(answer)) is None


def test_the_same_time_in_another_zone_is_the_same_receipt() -> None:
    elsewhere = FACTS.accepted_at.astimezone(timezone(timedelta(hours=1)))
    assert orjson.dumps(SIGNER.sign(FACTS._replace(accepted_at=elsewhere))) == WRITTEN


def test_after_a_change_of_keys_old_and_new_receipts_verify_and_without_the_old_key_the_old_ones_do_not() -> None:
    fresh = Signer(bytes(32), read_keys(json.loads(json.dumps(SIGNER.keys.jwks))))
    assert failed(WRITTEN, fresh.keys) is None
    assert failed(orjson.dumps(fresh.sign(FACTS)), fresh.keys) is None
    assert failed(WRITTEN, Signer(bytes(32)).keys) is Check.KEY
    assert [key["kid"] for key in fresh.keys.jwks["keys"]] == [thumbprint(each) for each in fresh.keys.publics]


def test_the_same_key_before_and_now_is_published_once() -> None:
    assert Signer(SEED, SIGNER.keys).keys.jwks == SIGNER.keys.jwks


def test_the_thumbprint_is_that_of_rfc_8037() -> None:
    public = base64.urlsafe_b64decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    assert thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_one_published_key_is_enough() -> None:
    [key] = SIGNER.keys.jwks["keys"]
    assert failed(WRITTEN, read_keys(key)) is None


@pytest.mark.parametrize(
    "change",
    [{"kid": thumbprint(bytes(32))}, {"x": "AAAA"}, {"x": "é"}, {"x": "*" * 43}, {"crv": "X25519"}, {"kty": "RSA"}],
    ids=repr,
)
def test_a_key_whose_id_is_not_its_own_or_that_is_none_is_refused(change: dict[str, str]) -> None:
    [key] = SIGNER.keys.jwks["keys"]
    with pytest.raises(ValueError, match="key"):
        read_keys({"keys": [{**key, **change}]})


@pytest.mark.parametrize("given", [None, [], {}, {"keys": []}, {"keys": {}}, {"keys": [1]}], ids=repr)
def test_what_holds_no_keys_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match="key"):
        read_keys(given)


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Signer(bytes(31))

"""ID tokens: a good one holds, and whatever is wrong with another is said by its code."""

import base64
import hmac
from typing import Any

import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from ibalagh.web.id_token import SKEW_S, Expected, IdTokenError, check

KEY = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
KEYS = KeySet([RSAKey.import_key(KEY.as_dict(private=False))])
NOW_S = 1_700_000_000
EXPECTED = Expected("https://id.example", "ibalagh", "nonce-1", "access-1")
GOOD: dict[str, Any] = {
    "iss": "https://id.example",
    "aud": "ibalagh",
    "sub": "salma",
    "nonce": "nonce-1",
    "iat": NOW_S - 5,
    "exp": NOW_S + 300,
}


def signed(claims: dict[str, Any], key: Any = KEY, alg: str = "RS256", **header: str) -> str:
    return jwt.encode({"alg": alg, "kid": "k1", **header}, claims, key, algorithms=[alg])


def by_hand(alg: str, secret: bytes) -> str:
    """A token without a signature, or with one by a shared secret."""
    parts = [base64.urlsafe_b64encode(orjson.dumps(each)) for each in ({"alg": alg, "kid": "k1"}, GOOD)]
    text = b".".join(part.rstrip(b"=") for part in parts)
    mark = base64.urlsafe_b64encode(hmac.digest(secret, text, "sha256")).rstrip(b"=") if secret else b""
    return (text + b"." + mark).decode()


def code_of(token: str, keys: KeySet = KEYS) -> str:
    with pytest.raises(IdTokenError) as refused:
        check(token, keys, EXPECTED, NOW_S)
    return refused.value.code


def test_a_good_token_gives_its_claims() -> None:
    assert check(signed(GOOD), KEYS, EXPECTED, NOW_S)["sub"] == "salma"
    several = GOOD | {"aud": ["ibalagh", "other"], "azp": "ibalagh"}
    assert check(signed(several), KEYS, EXPECTED, NOW_S)["sub"] == "salma"


def test_clocks_may_be_a_minute_apart() -> None:
    assert check(signed(GOOD | {"exp": NOW_S - SKEW_S + 1}), KEYS, EXPECTED, NOW_S)
    assert check(signed(GOOD | {"iat": NOW_S + SKEW_S - 1}), KEYS, EXPECTED, NOW_S)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"exp": NOW_S - SKEW_S - 1}, "expired"),
        ({"iat": NOW_S + SKEW_S + 1}, "wrong_iat"),
        ({"nbf": NOW_S + SKEW_S + 1}, "wrong_nbf"),
        ({"iss": "https://other.example"}, "wrong_iss"),
        ({"iss": "https://id.example/"}, "wrong_iss"),
        ({"aud": "other"}, "wrong_aud"),
        ({"aud": ["other"]}, "wrong_aud"),
        ({"aud": ["ibalagh", "other"]}, "no_azp"),
        ({"azp": "other"}, "wrong_azp"),
        ({"nonce": "nonce-2"}, "wrong_nonce"),
        ({"nonce": None}, "no_nonce"),
        ({"sub": None}, "no_sub"),
        ({"sub": ""}, "wrong_sub"),
        ({"exp": None}, "no_exp"),
        ({"exp": "soon"}, "wrong_exp"),
        ({"at_hash": "of another access token"}, "wrong_at_hash"),
    ],
)
def test_what_is_wrong_with_a_token_is_said_by_a_code(change: dict[str, Any], code: str) -> None:
    claims = {name: value for name, value in {**GOOD, **change}.items() if value is not None}
    assert code_of(signed(claims)) == code


def test_a_signature_of_anybody_else_is_forged() -> None:
    stranger = RSAKey.generate_key(2048, {"kid": "k1"})
    assert code_of(signed(GOOD, stranger)) == "forged"
    assert code_of(signed(GOOD, kid="k2")) == "forged"
    head, body, mark = signed(GOOD).split(".")
    assert code_of(f"{head}.{body}.{mark[:-4]}AAAA") == "forged"
    other_body = signed(GOOD | {"sub": "omar"}).split(".")[1]
    assert code_of(f"{head}.{other_body}.{mark}") == "forged"


def test_no_signature_and_a_shared_secret_are_no_signature() -> None:
    assert code_of(by_hand("none", b"")) == "forged"
    # Who knows the public key takes it for a shared secret (RFC 8725, section 2.1).
    assert code_of(by_hand("HS256", KEY.as_pem(private=False))) == "forged"
    assert code_of(signed(GOOD, ECKey.generate_key("P-256", {"kid": "k1"}), "ES256")) == "forged"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é", "." * 10, "e30.e30."])
def test_what_is_no_token_is_forged(token: str) -> None:
    assert code_of(token) == "forged"

"""A sign-in under way: its cookie is ours, of this browser, for a while, and leads to no other site; its settings."""

from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from ibalagh.web import flow
from ibalagh.web.flow import Flow
from ibalagh.web.sign_in_settings import How, SignInSettings

KEY = b"k" * 32
FLOW = Flow("state", "nonce", "verifier", "/reports/1?lang=ar", "ar", 1_700_000_600)
NOW_S = 1_700_000_000.0


def test_a_sign_in_is_found_again_by_its_state_until_its_end() -> None:
    cookie = flow.write(FLOW, KEY)
    assert flow.read(cookie, "state", NOW_S, KEY) == FLOW
    assert flow.read(cookie, "state", NOW_S + 600, KEY) is None
    assert flow.read(cookie, "other", NOW_S, KEY) is None
    assert flow.read(cookie, "", NOW_S, KEY) is None
    assert flow.read(cookie, "state", NOW_S, b"x" * 32) is None


@pytest.mark.parametrize("cookie", [None, "", ".", "é.é", "e30=.00", "nonsense", f"{flow.write(FLOW, KEY)}0"])
def test_what_is_no_cookie_of_ours_is_no_sign_in(cookie: str | None) -> None:
    assert flow.read(cookie, "state", NOW_S, KEY) is None


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/reports/1?lang=ar", "/reports/1?lang=ar"),
        ("/", "/"),
        ("", "/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/x\r\nSet-Cookie: a=b", "/"),
        ("/\tx", "/"),
        ("javascript:alert(1)", "/"),
        ("/sign-out", "/"),
        ("/sign-in/start", "/"),
    ],
)
def test_no_sign_in_leads_to_another_site(address: str, expected: str) -> None:
    assert flow.local(address) == expected


class _Settings(SignInSettings):
    service: ClassVar[str] = "triage"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, How.DEMO),
        ({"http_host": "::1"}, How.DEMO),
        ({"http_host": "localhost"}, How.DEMO),
        ({"http_host": "0.0.0.0"}, How.NOT),
        ({"http_host": "triage.example"}, How.NOT),
        ({"http_host": "0.0.0.0", "demo_accounts": "anywhere"}, How.DEMO),
        ({"demo_accounts": "never"}, How.NOT),
    ],
)
def test_the_demonstrations_people_sign_in_on_this_machine_only_unless_a_setting_says_so(
    given: dict[str, Any], expected: How
) -> None:
    assert _Settings(**given).how("127.0.0.1") is expected


def test_before_a_proxy_with_a_name_there_is_no_demonstration() -> None:
    assert _Settings().how("triage.example") is How.NOT
    assert _Settings(demo_accounts="anywhere").how("triage.example") is How.DEMO


def test_an_issuer_takes_the_demonstrations_people_away_and_needs_the_rest(tmp_path: Path) -> None:
    whole: dict[str, Any] = {
        "oidc_issuer": "https://id.example",
        "oidc_client_id": "ibalagh",
        "oidc_client_secret_file": tmp_path / "secret",
        "sign_in_key_file": tmp_path / "key",
        "site_url": "https://triage.example",
        "demo_accounts": "anywhere",
    }
    assert _Settings(**whole).how("127.0.0.1") is How.PROVIDER
    for name in ("oidc_client_id", "oidc_client_secret_file", "sign_in_key_file", "site_url"):
        with pytest.raises(ValidationError, match=name):
            _Settings(**{**whole, name: None if name.endswith("file") else ""})
    for name in ("oidc_issuer", "site_url"):
        with pytest.raises(ValidationError, match="https"):
            _Settings(**{**whole, name: "http://id.example"})
        assert _Settings(**{**whole, name: "http://127.0.0.1:9400"})


def test_roles_of_a_provider_are_mapped_onto_ours_and_onto_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IBALAGH_OIDC_ROLES", '{"grp-desk": "analyst"}')
    assert _Settings().oidc_roles == {"grp-desk": "analyst"}
    monkeypatch.setenv("IBALAGH_OIDC_ROLES", '{"grp-desk": "king"}')
    with pytest.raises(ValidationError):
        _Settings()

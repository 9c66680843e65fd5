"""Settings: read from the environment, the service's own variables first; documented completely."""

from typing import ClassVar

import pytest
from pydantic import Field, ValidationError

from ibalagh.ops.settings import Settings, describe


class _Example(Settings):
    service: ClassVar[str] = "intake"
    http_port: int = Field(8100, description="Port of the example")
    pepper: str = Field("none", description="Something of its own")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for described in describe(_Example):
        monkeypatch.delenv(described.env, raising=False)
        monkeypatch.delenv(described.env.replace("IBALAGH_", "IBALAGH_INTAKE_"), raising=False)


def test_defaults_hold_without_any_environment() -> None:
    settings = _Example()
    assert (settings.http_port, settings.pepper, settings.api_token) == (8100, "none", None)


def test_the_services_own_variable_comes_before_the_shared_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IBALAGH_DATABASE_URL", "postgresql://shared")
    monkeypatch.setenv("IBALAGH_HTTP_PORT", "9000")
    assert (_Example().database_url, _Example().http_port) == ("postgresql://shared", 9000)
    monkeypatch.setenv("IBALAGH_INTAKE_DATABASE_URL", "postgresql://own")
    monkeypatch.setenv("IBALAGH_INTAKE_PEPPER", "salt")
    assert (_Example().database_url, _Example().pepper) == ("postgresql://own", "salt")
    assert Settings().database_url == "postgresql://shared"


def test_secrets_and_addresses_of_databases_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IBALAGH_API_TOKEN", "hush-hush")
    monkeypatch.setenv("IBALAGH_DATABASE_URL", "postgresql://u:hush-hush@h/d")
    monkeypatch.setenv("IBALAGH_LOG_LEVEL", "99999")
    with pytest.raises(ValidationError) as refused:
        _Example()
    assert "99999" not in str(refused.value)
    monkeypatch.delenv("IBALAGH_LOG_LEVEL")
    assert "hush" not in repr(_Example())


def test_every_setting_is_described_under_the_variable_that_sets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    described = {entry.env: entry for entry in describe(_Example)}
    assert described["IBALAGH_INTAKE_PEPPER"] == ("IBALAGH_INTAKE_PEPPER", "str", "none", "Something of its own")
    assert described["IBALAGH_HTTP_PORT"].default == "8100"
    assert described["IBALAGH_API_TOKEN"].default == ""
    assert len(described) == len(_Example.model_fields)
    monkeypatch.setenv("IBALAGH_INTAKE_PEPPER", "x")
    assert _Example().pepper == "x"


def test_a_setting_without_a_description_is_refused() -> None:
    class _Bare(Settings):
        bare: int = 1

    with pytest.raises(ValueError, match="bare"):
        describe(_Bare)

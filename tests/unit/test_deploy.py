"""What deploy/ says is held against the compose specification and against what the code knows."""

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from prometheus_client import CollectorRegistry

from ibalagh.cli.people import WITH_PAGES
from ibalagh.cli.settings import of_service
from ibalagh.events.registry import SERVICES
from ibalagh.local.paths import PROJECT_ROOT
from ibalagh.local.services import SERVICES as PROCESSES
from ibalagh.ops.metrics import StreamMetrics
from services.referral.metrics import ClockMetrics

DEPLOY = PROJECT_ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
OURS = {name: entry for name, entry in COMPOSE["services"].items() if entry.get("image") == "ibalagh"}
PORTS = {process.name: process.port for process in PROCESSES}
BROKERS = ("kafka-1", "kafka-2", "kafka-3")


def compose_schema() -> dict[str, Any]:
    """The compose specification's own JSON Schema, as the package check-jsonschema carries it."""
    spec = importlib.util.find_spec("check_jsonschema")
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return schema


def test_the_compose_file_follows_the_compose_specification() -> None:
    problems = [f"{e.json_path}: {e.message}" for e in Draft202012Validator(compose_schema()).iter_errors(COMPOSE)]
    assert not problems


def test_the_schema_refuses_a_misspelt_key() -> None:
    broken = {**COMPOSE, "services": {**COMPOSE["services"], "intake": {**OURS["intake"], "enviroment": {}}}}
    assert not Draft202012Validator(compose_schema()).is_valid(broken)


def test_every_process_of_the_platform_is_in_the_compose_file_with_its_module() -> None:
    commands = {name: entry["command"] for name, entry in OURS.items() if name != "setup"}
    assert commands == {process.name: [process.module] for process in PROCESSES}


@pytest.mark.parametrize("name", sorted(set(OURS) - {"setup"}))
def test_every_variable_that_a_service_is_given_is_a_setting_of_it(name: str) -> None:
    known = {line.env for line in of_service(name.split("-", maxsplit=1)[0])} | {"IBALAGH_HOME"}
    assert set(OURS[name]["environment"]) <= known


def test_services_listen_where_the_local_stack_has_them_and_only_intake_is_public() -> None:
    for name, entry in OURS.items():
        if name == "setup":
            continue
        assert entry["environment"]["IBALAGH_HTTP_PORT"] == PORTS[name]
        for published in entry.get("ports", ()):
            assert published.endswith(f"{PORTS[name]}:{PORTS[name]}")
            assert (name == "intake") is not published.startswith("127.0.0.1:")


def test_the_services_wait_for_topics_and_tables_and_these_for_every_store() -> None:
    for name in set(OURS) - {"setup"}:
        assert OURS[name]["depends_on"] == {"setup": {"condition": "service_completed_successfully"}}
    assert set(OURS["setup"]["depends_on"]) == {*BROKERS, "postgres"}
    assert "topics apply && python -m ibalagh.cli db apply" in OURS["setup"]["entrypoint"][-1]


def test_each_service_has_a_login_of_its_own_and_only_setup_an_administrators() -> None:
    logins = {
        name: re.match(r"postgresql://(\w+):\$\{(\w+):", entry["environment"]["IBALAGH_DATABASE_URL"]).groups()  # type: ignore[union-attr]
        for name, entry in OURS.items()
    }
    assert logins.pop("setup") == ("ibalagh", "POSTGRES_PASSWORD")
    for name, login in logins.items():
        service = name.split("-", maxsplit=1)[0]
        assert login == (service, f"{service.upper()}_DB_PASSWORD")
        assert login[1] in COMPOSE["services"]["postgres"]["environment"]


def test_three_brokers_replicate_everything_so_that_one_may_be_lost() -> None:
    for broker in BROKERS:
        settings = COMPOSE["services"][broker]["environment"]
        assert settings["KAFKA_DEFAULT_REPLICATION_FACTOR"] == settings["KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR"] == 3
        assert settings["KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR"] == 3
        assert settings["KAFKA_MIN_INSYNC_REPLICAS"] == settings["KAFKA_TRANSACTION_STATE_LOG_MIN_ISR"] == 2
        assert settings["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_no_secret_is_written_into_the_compose_file() -> None:
    for entry in COMPOSE["services"].values():
        for variable, value in (entry.get("environment") or {}).items():
            if re.search("PASSWORD|TOKEN|DATABASE_URL", variable):
                assert "${" in str(value), variable


def test_people_sign_in_to_every_service_with_pages_by_the_provider() -> None:
    assert {"oidc_client_secret", "sign_in_key"} == COMPOSE["secrets"].keys()
    assert all(entry.keys() == {"file"} for entry in COMPOSE["secrets"].values())
    for name in set(OURS) - {"setup"}:
        has_pages = name in WITH_PAGES
        assert ("IBALAGH_OIDC_ISSUER" in OURS[name]["environment"]) is has_pages
        assert set(OURS[name].get("secrets", ())) == (set(COMPOSE["secrets"]) if has_pages else set())
        if has_pages:
            needed = ("OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET_FILE", "SIGN_IN_KEY_FILE", "SITE_URL")
            assert {f"IBALAGH_{each}" for each in needed} <= OURS[name]["environment"].keys()
            assert f"{name.upper()}_SITE_URL" in OURS[name]["environment"]["IBALAGH_SITE_URL"]


def test_the_image_holds_what_the_services_import_and_nothing_else_of_the_tree() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    copied = re.findall(r"^COPY (?!--from)(\S+) ", dockerfile, re.MULTILINE)
    assert {"ibalagh", "services", "schemas", "requirements"} <= set(copied)
    assert all((PROJECT_ROOT / path).exists() for path in copied)
    assert re.search(r"^USER ibalagh$", dockerfile, re.MULTILINE)
    assert "HEALTHCHECK" in dockerfile


def test_prometheus_scrapes_every_process() -> None:
    scraped = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    targets = {target for job in scraped for config in job["static_configs"] for target in config["targets"]}
    assert targets == {f"{process.name}:{process.port}" for process in PROCESSES}


def test_every_query_of_a_dashboard_names_a_metric_that_exists() -> None:
    registry = CollectorRegistry()
    StreamMetrics(registry)
    names = {name for family in registry.collect() for name in _sample_names(family.name, family.type)}
    for file in (DEPLOY / "grafana" / "dashboards").glob("*.json"):
        for panel in json.loads(file.read_text("utf-8"))["panels"]:
            for target in panel["targets"]:
                used = set(re.findall(r"ibalagh_\w+", target["expr"]))
                assert used
                assert used <= names, panel["title"]


def test_every_rule_of_prometheus_is_mounted_and_names_a_metric_that_exists() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8"))
    assert config["rule_files"] == ["rules/*.yml"]
    assert "./prometheus/rules:/etc/prometheus/rules:ro" in COMPOSE["services"]["prometheus"]["volumes"]
    registry = CollectorRegistry()
    StreamMetrics(registry)
    ClockMetrics(registry)
    names = {name for family in registry.collect() for name in _sample_names(family.name, family.type)}
    for file in (DEPLOY / "prometheus" / "rules").glob("*.yml"):
        for group in yaml.safe_load(file.read_text("utf-8"))["groups"]:
            for rule in group["rules"]:
                used = set(re.findall(r"ibalagh_\w+", rule["expr"]))
                assert used
                assert used <= names, rule["alert"]


def _sample_names(family: str, kind: str) -> set[str]:
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(kind, ("",))
    return {family + suffix for suffix in suffixes}


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_says_what_it_is_for(service: str) -> None:
    lines = of_service(service)
    assert lines
    assert all(line.description and line.type for line in lines)

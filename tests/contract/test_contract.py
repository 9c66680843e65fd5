"""The committed contract: complete, without orphans, equal to what the models say, and true to its examples."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from ibalagh.contracts.cli import breaking_changes, orphans, stale_files
from ibalagh.contracts.schemas import all_schemas, short_name
from ibalagh.contracts.topics import SCHEMAS_DIRECTORY, load_topic_files
from ibalagh.events.registry import EVENT_TYPES, LANES, SERVICES, dead_letter_topic

EXAMPLES = SCHEMAS_DIRECTORY / "examples"
SCHEMAS = all_schemas()


def example_files(kind: str) -> list[Path]:
    return sorted(EXAMPLES.glob(f"*/*/{kind}/*.json"))


def event_of(path: Path) -> str:
    return f"ibalagh.{path.parts[-4]}.{path.parts[-3]}"


def label(path: Path) -> str:
    return "/".join(path.parts[-4:])


def test_committed_files_are_what_the_models_generate() -> None:
    assert not stale_files(), "run `./run schemas generate` and commit"


def test_no_schema_file_is_without_an_event() -> None:
    assert not orphans()


def test_no_change_breaks_compatibility_with_any_committed_revision() -> None:
    assert not breaking_changes()


def test_the_guard_names_a_field_that_was_required_before_and_is_not_any_more(tmp_path: Path) -> None:
    planted = json.loads(json.dumps(SCHEMAS["ibalagh.report.received.v1"]))
    planted["required"].append("colour")
    planted["properties"]["colour"] = {"type": "string"}
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "report.received.v1.schema.json").write_text(json.dumps(planted), "utf-8")
    assert any("$.colour" in problem for problem in breaking_changes(tmp_path))


def test_the_guard_looks_at_superseded_revisions_too(tmp_path: Path) -> None:
    planted = json.loads(json.dumps(SCHEMAS["ibalagh.report.received.v1"]))
    planted["properties"]["text"]["maxLength"] = 10
    (tmp_path / "revisions" / "report.received.v1").mkdir(parents=True)
    (tmp_path / "revisions" / "report.received.v1" / "1.schema.json").write_text(json.dumps(planted), "utf-8")
    assert any("$.text" in problem for problem in breaking_changes(tmp_path))


def test_every_topic_of_the_registry_has_a_file_and_every_file_a_topic() -> None:
    wanted = {entry.topic for entry in EVENT_TYPES.values()} | {dead_letter_topic(service) for service in SERVICES}
    assert {topic.name for topic in load_topic_files()} == wanted | LANES.keys()


def test_topic_files_list_exactly_the_events_of_the_registry() -> None:
    for topic in load_topic_files():
        own = [entry.name for entry in EVENT_TYPES.values() if entry.topic == topic.name]
        assert list(topic.events) == list(LANES.get(topic.name, own)), topic.name


def test_owners_and_producers_agree_with_the_registry() -> None:
    for topic in load_topic_files():
        owners = {EVENT_TYPES[name].owner for name in topic.events}
        assert {topic.owner} == (owners or {topic.name.split(".")[0]}), topic.name
        assert set(topic.producers) | set(topic.consumers) <= set(SERVICES)


def test_every_consumer_of_a_topic_has_a_dead_letter_topic_for_it() -> None:
    for topic in load_topic_files():
        assert topic.dead_letter_topics == tuple(dead_letter_topic(service) for service in topic.consumers), topic.name


def test_events_and_dead_letters_are_kept_until_someone_decides_otherwise() -> None:
    forever = {topic.name for topic in load_topic_files() if topic.retention_ms == -1}
    assert {"reports.received", "reports.triaged", "cases.referred", "cases.outcomes"} <= forever
    assert {dead_letter_topic(service) for service in SERVICES} <= forever


def test_what_is_too_large_for_a_service_still_fits_its_dead_letters() -> None:
    sizes = {topic.name: topic.max_message_bytes for topic in load_topic_files()}
    for topic in load_topic_files():
        for letters in topic.dead_letter_topics:
            assert sizes[letters] > topic.max_message_bytes


@pytest.mark.parametrize("event", sorted(EVENT_TYPES), ids=short_name)
def test_every_event_has_a_valid_and_an_invalid_example(event: str) -> None:
    for kind in ("valid", "invalid"):
        assert [path for path in example_files(kind) if event_of(path) == event], f"no {kind} example of {event}"


def test_no_example_is_without_an_event() -> None:
    files = [path for path in EXAMPLES.rglob("*") if path.is_file()]
    assert sorted(files) == sorted(example_files("valid") + example_files("invalid"))
    assert {event_of(path) for path in files} <= set(EVENT_TYPES)


@pytest.mark.parametrize("path", example_files("valid"), ids=label)
def test_schema_and_model_accept_a_valid_example(path: Path) -> None:
    document = path.read_text("utf-8")
    Draft202012Validator(SCHEMAS[event_of(path)]).validate(json.loads(document))
    EVENT_TYPES[event_of(path)].model.model_validate_json(document)


@pytest.mark.parametrize("path", example_files("invalid"), ids=label)
def test_schema_and_model_refuse_an_invalid_example(path: Path) -> None:
    document = path.read_text("utf-8")
    assert not Draft202012Validator(SCHEMAS[event_of(path)]).is_valid(json.loads(document))
    with pytest.raises(ValidationError):
        EVENT_TYPES[event_of(path)].model.model_validate_json(document)


@pytest.mark.parametrize("path", example_files("valid"), ids=label)
def test_a_field_of_a_newer_minor_version_is_ignored(path: Path) -> None:
    document = {**json.loads(path.read_text("utf-8")), "field_of_tomorrow": {"nested": [1]}}
    Draft202012Validator(SCHEMAS[event_of(path)]).validate(document)
    EVENT_TYPES[event_of(path)].model.model_validate(document)

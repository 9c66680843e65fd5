"""The AsyncAPI document holds together: every reference leads somewhere, every topic and event is in it."""

from collections.abc import Iterator
from typing import Any

import yaml

from ibalagh.contracts.topics import SCHEMAS_DIRECTORY, load_topic_files
from ibalagh.events.registry import EVENT_TYPES

DOCUMENT: dict[str, Any] = yaml.safe_load((SCHEMAS_DIRECTORY / "asyncapi.yaml").read_text("utf-8"))


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def test_every_reference_leads_somewhere() -> None:
    found = list(references(DOCUMENT))
    assert found
    for reference in found:
        node: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            assert step in node, reference
            node = node[step]


def test_every_topic_is_a_channel_and_every_event_a_message() -> None:
    assert set(DOCUMENT["channels"]) == {topic.name for topic in load_topic_files()}
    assert {f"ibalagh.{name}" for name in DOCUMENT["components"]["messages"]} == set(EVENT_TYPES)


def test_every_producer_sends_and_every_consumer_receives() -> None:
    wanted = {f"{service}.send.{topic.name}" for topic in load_topic_files() for service in topic.producers}
    wanted |= {f"{service}.receive.{topic.name}" for topic in load_topic_files() for service in topic.consumers}
    assert set(DOCUMENT["operations"]) == wanted

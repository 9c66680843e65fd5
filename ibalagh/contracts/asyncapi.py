"""The AsyncAPI 3.0 document, generated from the topic files and the event schemas.

Source: AsyncAPI specification 3.0.0; CloudEvents Kafka protocol binding 1.0.2 for the headers.
"""

from collections.abc import Sequence
from typing import Any

from ibalagh.contracts.schemas import JsonSchema, all_schemas, short_name
from ibalagh.contracts.topics import TopicFile
from ibalagh.events.registry import PREFIX

_HEADERS: JsonSchema = {
    "type": "object",
    "description": "CloudEvents 1.0 attributes, binary content mode. Effects also carry the position of their cause.",
    "required": ["content-type", "ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time"],
    "properties": {
        "content-type": {"const": "application/json"},
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "format": "uuid"},
        "ce_type": {"type": "string"},
        "ce_source": {"type": "string", "format": "uri-reference"},
        "ce_subject": {"type": "string", "description": "The record's key"},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_origintime": {
            "type": "string",
            "format": "date-time",
            "description": "When the report or command at the root of the chain was accepted",
        },
        "ce_cause": {
            "type": "string",
            "pattern": r"^[a-zA-Z0-9._-]+/\d+/\d+/\d+$",
            "description": "Of an effect: topic, partition and offset of its cause, and its number among its effects",
        },
    },
}


def asyncapi_document(topics: Sequence[TopicFile], version: str) -> dict[str, Any]:
    """The whole document as plain data; `version` is the project's."""
    schemas = all_schemas()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Ibalagh events",
            "version": version,
            "description": "Reports of illegal content from the public to an outcome, as CloudEvents on Kafka topics.",
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in topics},
        "operations": dict(_operation(topic, service, verb) for topic, service, verb in _uses(topics)),
        "components": {
            "messages": {short_name(name): _message(name, schema) for name, schema in schemas.items()},
            "schemas": {
                "headers": _HEADERS,
                **{short_name(name): _payload(schema) for name, schema in schemas.items()},
            },
        },
    }


def _channel(topic: TopicFile) -> dict[str, Any]:
    names = [short_name(event) for event in topic.events]
    return {
        "address": PREFIX + topic.name,
        "description": topic.purpose,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "kafka": {
                "topic": PREFIX + topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": [topic.cleanup_policy],
                    "retention.ms": topic.retention_ms,
                    "max.message.bytes": topic.max_message_bytes,
                },
                "bindingVersion": "0.5.0",
            }
        },
    }


def _uses(topics: Sequence[TopicFile]) -> list[tuple[TopicFile, str, str]]:
    uses = [(topic, service, "send") for topic in topics for service in topic.producers]
    return uses + [(topic, service, "receive") for topic in topics for service in topic.consumers]


def _operation(topic: TopicFile, service: str, verb: str) -> tuple[str, dict[str, Any]]:
    return f"{service}.{verb}.{topic.name}", {
        "action": verb,
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": f"{service} {'publishes to' if verb == 'send' else 'reads'} {topic.name}",
    }


def _message(name: str, schema: JsonSchema) -> dict[str, Any]:
    return {
        "name": name,
        "contentType": "application/json",
        "summary": schema.get("description", name),
        "headers": {"$ref": "#/components/schemas/headers"},
        "payload": {"$ref": f"#/components/schemas/{short_name(name)}"},
    }


def _payload(schema: JsonSchema) -> JsonSchema:
    """The schema with its local definitions moved to where references from the document's root find them."""
    own = "#/components/schemas/" + short_name(schema["$id"].removeprefix("urn:"))
    rebased: JsonSchema = _rebase({key: value for key, value in schema.items() if key not in {"$schema", "$id"}}, own)
    return rebased


def _rebase(node: Any, own: str) -> Any:
    if isinstance(node, dict):
        return {
            key: own + value.removeprefix("#") if key == "$ref" else _rebase(value, own) for key, value in node.items()
        }
    return [_rebase(item, own) for item in node] if isinstance(node, list) else node

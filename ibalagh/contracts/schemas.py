"""JSON Schemas (draft 2020-12) of the events, generated from the models of the registry.

In: the registry. Out: one schema document per event version, its bytes, and where it belongs under `schemas/`.
"""

import json
from pathlib import Path
from typing import Any

from ibalagh.contracts.topics import SCHEMAS_DIRECTORY
from ibalagh.events.registry import EVENT_TYPES, PREFIX, EventType

JsonSchema = dict[str, Any]


def short_name(event_type: str) -> str:
    """`ibalagh.report.received.v1` → `report.received.v1`, the name that files carry."""
    return event_type.removeprefix(PREFIX)


def event_schema(entry: EventType) -> JsonSchema:
    """The schema of an event's data as a writer produces it."""
    schema = entry.model.model_json_schema(mode="serialization", ref_template="#/$defs/{model}")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:{entry.name}", **schema}


def all_schemas() -> dict[str, JsonSchema]:
    """Per CloudEvents type, the schema of its data."""
    return {name: event_schema(entry) for name, entry in EVENT_TYPES.items()}


def schema_path(event_type: str, directory: Path = SCHEMAS_DIRECTORY) -> Path:
    """The file of an event type's current schema."""
    return directory / "events" / f"{short_name(event_type)}.schema.json"


def revisions(event_type: str, directory: Path = SCHEMAS_DIRECTORY) -> list[Path]:
    """The superseded revisions of an event type's schema, oldest first."""
    return sorted(
        (directory / "revisions" / short_name(event_type)).glob("*.schema.json"),
        key=lambda path: int(path.name.split(".", 1)[0]),
    )


def as_text(document: object) -> str:
    """A JSON document in the one form in which it is committed."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

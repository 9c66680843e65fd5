"""The guard itself: each breaking change is found, each harmless one is let through."""

from typing import Any

import pytest

from ibalagh.contracts.compatibility import incompatibilities

BASE: dict[str, Any] = {
    "type": "object",
    "$defs": {"Word": {"type": "string", "enum": ["a", "b"]}, "Deep": {"properties": {"n": {"type": "integer"}}}},
    "properties": {
        "id": {"type": "string", "maxLength": 36},
        "word": {"$ref": "#/$defs/Word"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "items": {"type": "array", "items": {"$ref": "#/$defs/Deep"}},
    },
    "required": ["id", "word"],
}


def changed(**replaced: Any) -> dict[str, Any]:
    return {**BASE, **replaced}


def with_property(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return changed(properties={**BASE["properties"], name: schema})


BREAKING = {
    "a new required field": changed(
        properties={**BASE["properties"], "extra": {"type": "string"}}, required=["id", "word", "extra"]
    ),
    "an optional field made required": changed(required=["id", "word", "note"]),
    "a required field made optional": changed(required=["id"]),
    "a required field removed": changed(properties={"word": BASE["properties"]["word"]}, required=["word"]),
    "another type": with_property("id", {"type": "integer", "maxLength": 36}),
    "a tighter bound": with_property("id", {"type": "string", "maxLength": 30}),
    "a looser bound": with_property("id", {"type": "string", "maxLength": 40}),
    "a word more": changed(**{"$defs": {**BASE["$defs"], "Word": {"type": "string", "enum": ["a", "b", "c"]}}}),
    "a word less": changed(**{"$defs": {**BASE["$defs"], "Word": {"type": "string", "enum": ["a"]}}}),
    "null no longer allowed": with_property("note", {"type": "string"}),
    "a change deep in a list": changed(
        **{"$defs": {**BASE["$defs"], "Deep": {"properties": {"n": {"type": "string"}}}}}
    ),
    "a pattern": with_property("id", {"type": "string", "maxLength": 36, "pattern": "^x"}),
}
HARMLESS = {
    "nothing": BASE,
    "an optional field more": with_property("extra", {"type": "string"}),
    "an optional field less": changed(properties={k: v for k, v in BASE["properties"].items() if k != "note"}),
    "better prose": changed(description="says more", title="Other"),
    "a definition under another name": changed(
        **{"$defs": {**BASE["$defs"], "Term": BASE["$defs"]["Word"]}},
        properties={**BASE["properties"], "word": {"$ref": "#/$defs/Term"}},
    ),
}


@pytest.mark.parametrize("name", BREAKING)
def test_a_breaking_change_is_found_in_both_directions(name: str) -> None:
    assert incompatibilities(BASE, BREAKING[name])
    assert incompatibilities(BREAKING[name], BASE)


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_change_passes_in_both_directions(name: str) -> None:
    assert not incompatibilities(BASE, HARMLESS[name])
    assert not incompatibilities(HARMLESS[name], BASE)

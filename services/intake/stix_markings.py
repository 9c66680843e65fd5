"""What a STIX object's data markings let happen to it. Pure.

A report goes on to triage, to the competent police service and prosecutor, and to partners abroad where it concerns
them: other organisations than the one that received it. Events carry no marking, so nobody further on could keep to
one. So only what may be shared between organisations is taken in: TLP:CLEAR (once WHITE) and TLP:GREEN (FIRST, Traffic
Light Protocol 2.0). A statement (a copyright, terms of use) forbids nothing of this.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

SHAREABLE: Final = frozenset({"clear", "white", "green"})
LEVELS: Final = SHAREABLE | {"amber", "amber+strict", "red"}

_TLP: Final[Mapping[str, str]] = {
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": "white",
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": "green",
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": "amber",
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": "red",
    "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": "clear",
    "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": "green",
    "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": "amber",
    "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": "amber+strict",
    "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": "red",
}
"""The ids that STIX 2.1 (section 7.2.1.4) fixes for TLP 1, and OASIS for TLP 2.0: they need not be in a bundle."""
_TLP_2: Final = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"


def markings_of(value: Mapping[str, Any]) -> frozenset[str]:
    """The ids of all markings of an object, those of single fields among them; what is no id is one that is unknown."""
    found: set[str] = set()
    for ref in _listed(value.get("object_marking_refs")):
        found.add(ref if isinstance(ref, str) else "")
    for each in _listed(value.get("granular_markings")):
        ref = each.get("marking_ref") if isinstance(each, dict) else ""
        if ref is not None or "lang" not in each:  # a granular marking may state a language instead
            found.add(ref if isinstance(ref, str) else "")
    return frozenset(found)


def levels_of(definitions: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """By id, what each marking of a bundle says: a level of TLP, or `statement`. The fixed ids keep their meaning."""
    said = {each["id"]: level for each in definitions if (level := _level(each)) is not None}
    return said | dict(_TLP)


def forbids(markings: frozenset[str], levels: Mapping[str, str]) -> str | None:
    """The rule by which these markings keep an object from being taken in; None when they do not."""
    said = {levels.get(marking) for marking in markings}
    if said & (LEVELS - SHAREABLE):
        return "marking_forbids"
    return "marking_unknown" if None in said else None


def _level(definition: Mapping[str, Any]) -> str | None:
    extension = _member(definition.get("extensions"), _TLP_2)
    level = _member(extension, "tlp_2_0")
    if level is None and definition.get("definition_type") == "tlp":
        level = _member(definition.get("definition"), "tlp")
    if isinstance(level, str) and level.lower() in LEVELS:
        return level.lower()
    return "statement" if definition.get("definition_type") == "statement" else None


def _member(value: object, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]

"""Whether two revisions of one event's schema may meet on a topic in either direction (FULL compatibility).

Records live for ever and readers update in their own time, so every pair of revisions must agree: what one writes, the
other can read (FULL_TRANSITIVE when held against all earlier revisions). Readers ignore fields that they do not know.
Only two changes are therefore allowed within a version: an optional field more, an optional field less.
"""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
_PROSE = frozenset({"title", "description", "examples", "$id", "$schema", "$defs", "default", "deprecated"})
_STRUCTURE = frozenset({"properties", "required", "items", "prefixItems", "anyOf"})


def incompatibilities(old: Schema, new: Schema) -> list[str]:
    """What forbids `old` and `new` to live side by side, each as a path and a reason; empty when nothing does."""
    return list(_Comparison(old, new).differences(old, new, "$"))


class _Comparison:
    def __init__(self, old_root: Schema, new_root: Schema) -> None:
        self._old_root = old_root
        self._new_root = new_root

    def differences(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        old, new = _resolve(old, self._old_root), _resolve(new, self._new_root)
        for keyword in sorted((old.keys() | new.keys()) - _PROSE - _STRUCTURE):
            if old.get(keyword) != new.get(keyword):
                yield f"{path}: `{keyword}` changed from {old.get(keyword)!r} to {new.get(keyword)!r}"
        yield from self._properties(old, new, path)
        if isinstance(old.get("items"), dict) and isinstance(new.get("items"), dict):
            yield from self.differences(old["items"], new["items"], f"{path}[]")
        elif old.get("items") != new.get("items"):
            yield f"{path}: `items` appeared or went"
        for keyword in ("anyOf", "prefixItems"):
            yield from self._lists(old.get(keyword, []), new.get(keyword, []), f"{path}.{keyword}")

    def _properties(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        old_properties, new_properties = old.get("properties", {}), new.get("properties", {})
        old_required, new_required = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(new_required - old_required):
            yield f"{path}.{name}: required now, but records without it exist"
        for name in sorted(old_required - new_required):
            yield f"{path}.{name}: no longer required, but readers of the earlier revision need it"
        for name in sorted(old_properties.keys() & new_properties.keys()):
            yield from self.differences(old_properties[name], new_properties[name], f"{path}.{name}")

    def _lists(self, old: list[Schema], new: list[Schema], path: str) -> Iterator[str]:
        if len(old) != len(new):
            yield f"{path}: {len(old)} alternatives became {len(new)}"
            return
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from self.differences(one, other, f"{path}[{number}]")


def _resolve(schema: Schema, root: Schema) -> Schema:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    target = root["$defs"][reference.removeprefix("#/$defs/")]
    return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}

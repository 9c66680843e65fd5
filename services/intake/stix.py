"""STIX 2.1: from a bundle to submissions, one answer an object. Pure.

A `report`, a `note`, an `observed-data` and an `indicator` become a submission each, unless another one of the bundle
tells of it: a report contains what it refers to, and the notes about it; a note and an observed-data contain what they
refer to. So a bundle of one report with its indicators is one report. Whoever contains stands above what it contains
(`RANK`), so no cycle of references goes on. Objects whose marking forbids it are neither taken in nor told.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from services.intake.mapped import MAX_TEXT, Reading, bounded, fingerprint, of_form, read_as, refused, submission
from services.intake.stix_markings import forbids, levels_of, markings_of
from services.intake.stix_objects import (
    CONTEXT,
    OBSERVABLE_FIELDS,
    OTHER_TYPES,
    RANK,
    Domain,
    Indicator,
    Note,
    Read,
    Told,
    category_of,
    pattern_links,
    read_domain,
    read_observable,
)
from services.intake.submission import InvalidSubmissionError

MAX_OBJECTS: Final = 5_000
MAX_PARTS: Final = 100
"""Objects that one report tells of at most; a person reads it."""

_Object = Mapping[str, Any]


class Context(NamedTuple):
    """An object that is no report by itself: told in the one with the number `part_of`, or, at 0, explaining others."""

    part_of: int


class _Bundle(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    type: Annotated[str, of_form("bundle", "not_a_bundle")]
    objects: Annotated[list[Any], Field(max_length=MAX_OBJECTS)]


class _Known(NamedTuple):
    """A readable object of the bundle: its number, as it came, and as it was read."""

    number: int
    value: _Object
    read: Domain | Told


def read_bundle(value: object, now: datetime) -> list[Reading | Context | InvalidSubmissionError]:
    """What becomes of each object of a bundle, parsed JSON, at `now`, in order.

    Raises `InvalidSubmissionError` for what is no bundle of STIX 2.1.
    """
    if isinstance(value, dict) and value.get("spec_version", "2.1") != "2.1":
        raise refused("unsupported_version", "spec_version")
    objects = read_as(_Bundle, value).objects
    answers: dict[int, Reading | Context | InvalidSubmissionError] = {}
    definitions = [each for each in objects if _is_definition(each)]
    levels = levels_of(definitions)
    known: dict[str, _Known] = {}
    names: dict[str, str] = {}
    for number, each in enumerate(objects, start=1):
        try:
            read = _read(each, levels, known)
        except InvalidSubmissionError as error:
            answers[number] = error
            continue
        if isinstance(read, Context):
            answers[number] = read
            _note_name(each, levels, names)
        else:
            known[each["id"]] = _Known(number, each, read)
    notes = _notes_about(known)
    owners = _owners(known, notes)
    for each_id, item in known.items():
        if each_id in owners:
            answers[item.number] = Context(owners[each_id])
        elif isinstance(item.read, Told):
            answers[item.number] = refused("not_reported")
        else:
            answers[item.number] = _reading(item.read, _parts(item, item.read, known, notes), names, now)
    return [answers[number] for number in range(1, len(objects) + 1)]


def _read(value: Any, levels: Mapping[str, str], known: Mapping[str, _Known]) -> Domain | Told | Context:
    head = read_as(Read, bounded(value))
    if head.type in CONTEXT:
        return Context(0)
    if head.type not in RANK and head.type not in OBSERVABLE_FIELDS:
        raise refused("unsupported_type" if head.type in OTHER_TYPES else "unknown_type", "type")
    if not head.id.startswith(f"{head.type}--"):
        raise refused("unknown_type", "id")
    if head.id in known:
        raise refused("duplicate_id", "id")
    if head.revoked:
        raise refused("revoked", "revoked")
    rule = forbids(markings_of(value), levels)
    if rule is not None:
        raise refused(rule, "object_marking_refs")
    return read_domain(value) if head.type in RANK else read_observable(value)


def _is_definition(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") == "marking-definition" and isinstance(value.get("id"), str)


def _note_name(value: _Object, levels: Mapping[str, str], names: dict[str, str]) -> None:
    """Remember the name of who made objects, unless a marking forbids to tell it."""
    name = value.get("name")
    if value["type"] == "identity" and isinstance(name, str) and forbids(markings_of(value), levels) is None:
        names[value["id"]] = name


def _notes_about(known: Mapping[str, _Known]) -> dict[str, list[str]]:
    """By the id of a report, the notes about it."""
    notes: dict[str, list[str]] = {}
    for each_id, item in known.items():
        if isinstance(item.read, Domain) and item.read.type == "note":
            for ref in item.read.object_refs:
                if ref in known and ref.startswith("report--"):
                    notes.setdefault(ref, []).append(each_id)
    return notes


def _owners(known: Mapping[str, _Known], notes: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """By id, the number of the object that tells of an object; higher ranks first."""
    owners: dict[str, int] = {}
    containers = [(item, item.read) for item in known.values() if isinstance(item.read, Domain)]
    for item, read in sorted(containers, key=lambda each: (-RANK[each[1].type], each[0].number)):
        for ref in (*notes.get(read.id, ()), *_contained(read, known)):
            owners.setdefault(ref, item.number)
    return owners


def _contained(read: Domain, known: Mapping[str, _Known]) -> Iterator[str]:
    for ref in read.object_refs:
        if ref in known and RANK.get(ref.partition("--")[0], 0) < RANK[read.type]:
            yield ref


def _parts(
    top: _Known, read: Domain, known: Mapping[str, _Known], notes: Mapping[str, Sequence[str]]
) -> tuple[list[_Known], bool]:
    """What `top` tells of, itself first, each once, and whether there was more than it may tell of."""
    parts = [top]
    met = {read.id}
    waiting = [*notes.get(read.id, ()), *_contained(read, known)][: MAX_PARTS + 1]
    for ref in waiting:
        if ref in met:
            continue
        if len(parts) > MAX_PARTS:
            return parts, True
        met.add(ref)
        part = known[ref]
        parts.append(part)
        if isinstance(part.read, Domain):
            waiting += islice(_contained(part.read, known), MAX_PARTS + 1)
    return parts, False


def _reading(
    read: Domain, contained: tuple[Sequence[_Known], bool], names: Mapping[str, str], now: datetime
) -> Reading | InvalidSubmissionError:
    parts, cut = contained
    domains = [part.read for part in parts if isinstance(part.read, Domain)]
    observables = [part.read for part in parts if isinstance(part.read, Told)]
    if not observables and not any(isinstance(each, Indicator | Note) or each.description for each in domains):
        return refused("nothing_reported", "object_refs")
    own = [*read.said, f"STIX {read.type}"]
    more = list(_lines(parts[1:]))
    told = _fitting(more, MAX_TEXT - sum(len(line) + 1 for line in own))
    name = names.get(read.created_by_ref or "")
    try:
        made, left_out = submission(
            [*own, *told],
            _links(parts),
            now=now,
            category_hint=category_of(kind for each in domains for kind in each.kinds),
            platform=next(filter(None, (each.platform for each in observables)), None),
            language=read.language,
            seen_at=next(filter(None, (each.seen_at for each in domains)), None),
            identity={"name": name} if name else None,
        )
    except InvalidSubmissionError as error:
        return error
    if cut or len(told) < len(more):
        left_out.append("object_refs")
    key = f"stix:{read.id}:{read.modified.isoformat()}".encode()
    return Reading(made, key, fingerprint(*(part.value for part in parts)), left_out)


def _lines(parts: Sequence[_Known]) -> Iterator[str]:
    for part in parts:
        if isinstance(part.read, Told):
            yield part.read.line
        else:
            yield from (f"{part.read.type}: {said}" for said in part.read.said)


def _fitting(lines: Sequence[str], room: int) -> list[str]:
    """As many of the lines, from the first, as fit into `room` characters."""
    fitting = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        fitting.append(line)
    return fitting


def _links(parts: Sequence[_Known]) -> Iterator[str]:
    for part in parts:
        if isinstance(part.read, Told):
            if part.read.link:
                yield part.read.link
        elif isinstance(part.read, Indicator):
            yield from pattern_links(part.read.pattern)

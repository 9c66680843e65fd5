"""Merged, split and reopened cases as stats reads them from the log: `verify` counts by the same reading."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Position, derived_id
from ibalagh.events.make import effect, root
from ibalagh.events.registry import EVENT_TYPES
from ibalagh.stream.ports import Record
from services.stats.counted import counted
from services.stats.counting import COUNTED, Measure, moves_of
from services.stats.reading import CountingCodec

NOW = datetime(2026, 7, 1, tzinfo=UTC)
EXAMPLES = Path(__file__).resolve().parents[2] / "schemas" / "examples"
NONE: dict[Measure, int] = {}


def standing(count: int) -> dict[Measure, int]:
    return {Measure.CASES_OPENED: count, Measure.CASES_REFERRED: count}


@pytest.mark.parametrize(
    ("name", "example", "counts"),
    [
        ("case.merged", "other_case", standing(-1)),
        ("case.merged", "kept_case", NONE),
        ("case.merge_undone", "other_case", standing(1)),
        ("case.split", "other_case", standing(1)),
        ("case.split", "kept_case", NONE),
        ("case.split_undone", "other_case", standing(-1)),
        ("case.reopened", "as_closed", {Measure.CASES_CLOSED: -1}),
        ("case.reopened", "closing_not_known", NONE),
    ],
)
def test_a_case_moves_and_never_counts_twice(name: str, example: str, counts: dict[Measure, int]) -> None:
    entry = EVENT_TYPES[f"ibalagh.{name}.v1"]
    fields = json.loads((EXAMPLES / name / "v1" / "valid" / f"{example}.json").read_text(encoding="utf-8"))
    data = entry.model.model_validate_json(json.dumps(fields))
    case_id = fields["case_id"]
    cause = root(data, id_=derived_id(case_id, "cause", ""), source="/referral", subject=case_id, now=NOW)
    cause = cause.at(Position("ibalagh.cases.actions", 0, 7))
    sent = Codec().encode(effect(cause, data, source="/referral", subject=case_id, number=0, now=NOW))
    record = Record(sent.topic, 0, 0, sent.key, sent.value, list(sent.headers))
    (read,) = counted([CountingCodec("ibalagh.").decode(record)])
    assert read.tally is not None
    assert {cell.measure: count for cell, count in read.tally.moves} == counts
    assert read.tally.moves == moves_of(entry.name, COUNTED[entry.name].view.model_validate(data.model_dump()))
    assert all(cell.day and cell.day.isoformat() in json.dumps(fields) for cell, _ in read.tally.moves)

"""The audit's chain, apart from the database: any change of any field is found."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ibalagh.storage.chain import Head
from services.intake.audit import START, Entry, hash_of, problems

AT = datetime(2026, 11, 1, 12, 0, 0, 5, tzinfo=UTC)


def chain(count: int) -> list[Entry]:
    entries: list[Entry] = []
    previous = START
    for number in range(1, count + 1):
        entry = Entry(number, AT, "amina", "login", "open", None, "granted", "because", previous, b"")
        entries.append(entry._replace(hash=hash_of(entry)))
        previous = entries[-1].hash
    return entries


def head(entries: list[Entry]) -> Head:
    return Head(entries[-1].number, entries[-1].hash)


def test_a_whole_chain_has_no_problems_and_neither_has_an_empty_one() -> None:
    entries = chain(3)
    assert problems(entries, head(entries), head(entries[:2])) == []
    assert problems([], Head(0, START), Head(0, START)) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("at", AT + timedelta(microseconds=1)),
        ("actor", "brahim"),
        ("login", "other"),
        ("action", "erase"),
        ("report_id", "01890000-0000-7000-8000-000000000001"),
        ("outcome", "refused"),
        ("reason", "becausE"),
    ],
)
def test_a_change_of_any_field_is_found(field: str, value: Any) -> None:
    entries = chain(3)
    entries[1] = entries[1]._replace(**{field: value})
    assert problems(entries, head(entries)) == ["Row 2 was changed."]


def test_what_moves_between_two_fields_changes_the_hash() -> None:
    [entry] = chain(1)
    assert hash_of(entry._replace(outcome="grantedb", reason="ecause")) != entry.hash


def test_a_changed_row_with_its_hash_computed_again_breaks_the_chain_after_it() -> None:
    entries = chain(3)
    changed = entries[1]._replace(actor="brahim")
    entries[1] = changed._replace(hash=hash_of(changed))
    assert problems(entries, head(entries)) == ["Row 3 does not follow from the row before it."]


def test_missing_rows_are_named_at_the_beginning_in_the_middle_and_at_the_end() -> None:
    entries = chain(4)
    assert problems(entries[1:], head(entries)) == ["Rows 1 to 1 are missing."]
    assert problems([entries[0], entries[3]], head(entries)) == ["Rows 2 to 3 are missing."]
    assert problems(entries[:2], head(entries)) == ["The newest row should be 4, the last one there is 2."]


@pytest.mark.parametrize("text", ["", "x", "1:xy", ":aa"])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Head.parse(text)

"""Rows of the outbox: what goes in comes out, in order, and what one source record caused is in one row."""

from hypothesis import given
from hypothesis import strategies as st

from ibalagh.storage.chunks import MOST_BYTES, MOST_RECORDS, ChunkWriter, shaped
from ibalagh.stream.ports import Outgoing
from tests.support.copying import PackedRow, rows_of

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
HEADERS = st.lists(st.tuples(NAMES, st.none() | st.binary(max_size=9)), max_size=4)
RECORDS = st.builds(Outgoing, st.sampled_from(["a", "b"]), st.none() | st.binary(), st.none() | st.binary(), HEADERS)
PLACES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), RECORDS), max_size=30)


def record(size: int = 1) -> Outgoing:
    return Outgoing("t", b"k", b"v" * size, [])


def rows(placed: list[tuple[int, int, Outgoing]]) -> list[PackedRow]:
    writer = ChunkWriter()
    for partition, offset, each in placed:
        writer.add("s", partition, offset, *shaped(each))
    stream = writer.stream()
    return rows_of(stream) if stream else []


@given(PLACES)
def test_what_goes_in_comes_out_in_order(placed: list[tuple[int, int, Outgoing]]) -> None:
    placed.sort(key=lambda each: each[1])
    packed = rows(placed)
    assert [each for row in packed for each in row.records] == [each for _, _, each in placed]
    for row in packed:
        assert row.first_offset <= row.last_offset
        assert row.partition in (0, 1, 2)


def test_a_row_ends_where_the_source_partition_changes() -> None:
    packed = rows([(0, 5, record()), (0, 7, record()), (1, 2, record()), (0, 8, record())])
    assert [row[1:4] for row in packed] == [(0, 5, 7), (1, 2, 2), (0, 8, 8)]


def test_a_full_row_ends_after_the_last_effect_of_a_source_record() -> None:
    placed = [(0, offset, record()) for offset in range(MOST_RECORDS - 1)]
    placed += [(0, MOST_RECORDS, record())] * 3 + [(0, MOST_RECORDS + 1, record())]
    assert [row[2:4] for row in rows(placed)] == [(0, MOST_RECORDS), (MOST_RECORDS + 1, MOST_RECORDS + 1)]


def test_large_records_end_a_row_sooner() -> None:
    packed = rows([(0, offset, record(MOST_BYTES // 2)) for offset in range(4)])
    assert [row[2:4] for row in packed] == [(0, 1), (2, 3)]

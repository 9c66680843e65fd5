"""Suppression: what is small stays out, and nobody can work it out of what is published."""

import itertools
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.stats.suppression import Node, suppressed


def node(name: str, *sums: list[Node], count: int | None = None) -> Node:
    return Node(name, sum(part.count for part in sums[0]) if count is None else count, sums)


def leaf(name: str, count: int) -> Node:
    return Node(name, count)


def walk(root: Node) -> Iterator[Node]:
    yield root
    for parts in root.sums:
        for part in parts:
            yield from walk(part)


def rank(rows: list[list[int]]) -> int:
    """Of a matrix, over the rationals by whole numbers alone."""
    matrix = [list(row) for row in rows]
    found = 0
    for column in range(len(matrix[0]) if matrix else 0):
        pivot = next((each for each in range(found, len(matrix)) if matrix[each][column]), None)
        if pivot is None:
            continue
        matrix[found], matrix[pivot] = matrix[pivot], matrix[found]
        for other in range(found + 1, len(matrix)):
            if factor := matrix[other][column]:
                top = matrix[found][column]
                matrix[other] = [
                    value * top - factor * above for value, above in zip(matrix[other], matrix[found], strict=True)
                ]
        found += 1
    return found


def determined(root: Node, gone: frozenset[str]) -> set[str]:
    """Every cell that follows by sums and differences of what is published: those on whose single vector the rank of
    the equations does not depend."""
    unknown = sorted(gone)
    equations = [
        [(each == whole.name) - sum(each == part.name for part in parts) for each in unknown]
        for whole in walk(root)
        for parts in whole.sums
    ]
    known = rank(equations)
    return {name for name in unknown if rank([*equations, [int(each == name) for each in unknown]]) == known}


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> Node:
    """Whole counts, some with two sums, mostly small."""
    names = itertools.count()

    def make(count: int, left: int) -> Node:
        name = f"n{next(names)}"
        sums = []
        for _ in range(draw(st.integers(0, 2)) if left else 0):
            cuts = sorted(draw(st.lists(st.integers(0, count), min_size=1, max_size=3)))
            parts = [end - start for start, end in itertools.pairwise([0, *cuts, count])]
            sums.append([make(part, left - 1) for part in parts])
        return Node(name, count, sums)

    return make(draw(st.integers(0, 60)), depth)


@settings(max_examples=300)
@given(trees(), st.integers(2, 12))
def test_nothing_that_is_left_out_follows_from_what_is_published(root: Node, k: int) -> None:
    gone = suppressed(root, k)
    cells = {each.name: each.count for each in walk(root)}
    assert {name for name, count in cells.items() if 0 < count < k} <= gone
    assert all(cells[name] for name in gone), "a zero says nothing of anybody"
    assert determined(root, gone) == set()


@settings(max_examples=300)
@given(trees(), st.integers(2, 12))
def test_what_is_missing_of_a_published_whole_could_be_anything_up_to_k(root: Node, k: int) -> None:
    gone = suppressed(root, k)
    for whole in walk(root):
        for parts in whole.sums:
            missing = sum(part.count for part in parts if part.name in gone)
            if whole.name not in gone:
                assert missing == 0 or missing >= k
            else:
                assert all(part.name in gone or not part.count for part in parts)


@given(st.lists(st.integers(0, 9), min_size=2, max_size=4), st.integers(2, 5))
def test_every_cell_left_out_of_a_plain_table_may_be_any_number_from_zero_to_k(counts: list[int], k: int) -> None:
    """By trying all tables that would be published the same."""
    root = node("all", [leaf(str(number), count) for number, count in enumerate(counts)])
    gone = suppressed(root, k)
    if "all" in gone or not gone:
        return
    missing = [number for number in range(len(counts)) if str(number) in gone]
    total = sum(counts[number] for number in missing)
    possible: Mapping[int, set[int]] = {number: set() for number in missing}
    for values in itertools.product(range(total + 1), repeat=len(missing)):
        if sum(values) == total:
            for number, value in zip(missing, values, strict=True):
                possible[number].add(value)
    assert all(set(range(k + 1)) <= values for values in possible.values())


def test_the_smallest_of_what_stays_goes_with_a_small_count() -> None:
    root = node("all", [leaf("a", 3), leaf("b", 90), leaf("c", 7), leaf("d", 0)])
    assert suppressed(root, 5) == {"a", "c"}


def test_two_small_counts_whose_sum_is_small_take_a_third_along() -> None:
    root = node("all", [leaf("a", 1), leaf("b", 2), leaf("c", 50), leaf("d", 60)])
    assert suppressed(root, 5) == {"a", "b", "c"}


def test_a_whole_that_goes_takes_its_parts_along() -> None:
    home = node("home", [leaf("north", 40), leaf("south", 60)])
    assert suppressed(node("all", [home, leaf("away", 4)]), 5) == {"home", "away", "north", "south"}


def test_large_counts_all_stay() -> None:
    assert suppressed(node("all", [leaf("a", 50), leaf("b", 60)], [leaf("c", 110)]), 5) == frozenset()


def test_a_negative_count_stays_out() -> None:
    root = node("all", [leaf("a", 12), leaf("b", -2), leaf("c", 0)])
    assert suppressed(root, 5) == {"a", "b"}


def test_what_does_not_add_up_or_comes_twice_is_refused() -> None:
    for broken in (Node("all", 5, [[leaf("a", 4)]]), node("all", [leaf("all", 4)]), node("x", [leaf("a", 9)])):
        with pytest.raises(ValueError, match=r"add up|twice|at least"):
            suppressed(broken, 1 if broken.name == "x" else 5)

"""Small counts kept out of what is published, and what else must stay out so that nobody can work them out. Pure.

In: a table as a tree, each count beside the parts that add up to it. Out: the names of the cells that must not be
published. A count from 1 to k - 1 is small: it may point at people (k-anonymity). Leaving out only these helps little,
since a whole less its other parts gives the part that is missing; so further cells go (complementary suppression):

1. What is small goes. A negative count (parts counted in another time than their whole) counts as small.
2. When a whole goes, all its parts go that are not zero: else it could be bounded by those that stay.
3. When parts go and their whole stays, at least two go and they add up to at least k: the smallest that stay go first.

2 and 3 are repeated until nothing changes. Each cell is a part of one whole at most, so no two sums share two unknown
cells, and therefore no combination of sums gives a single unknown cell: any combination leaves at least two of them.
A zero says nothing of anybody and stays. A cell may be `hidden`: it is not shown at all, but follows from what is, so
it takes part like the others.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

LEAST_K: Final = 2
"""With less, nothing would be small."""


class Node(NamedTuple):
    """A count by its name, which is its own in the whole tree, and the sums that give it: each a sequence of parts."""

    name: str
    count: int  # type: ignore[assignment] # what a tuple counts by that name nobody asks
    sums: Sequence[Sequence["Node"]] = ()


def suppressed(root: Node, k: int, also: frozenset[str] = frozenset()) -> frozenset[str]:
    """The names of the cells that must not be published; `also` are names that are not in any case, if they are there
    and not zero. Raises ValueError for a k below `LEAST_K`, for a name that
    comes twice, and for parts that do not add up to their whole."""
    if k < LEAST_K:
        raise ValueError(f"k is {k}, at least {LEAST_K} is needed")
    nodes = list(_walk(root))
    _check(nodes)
    gone = {node.name for node in nodes if node.count < 0 or 0 < node.count < k or (node.count and node.name in also)}
    while True:
        more = {name for node in nodes for parts in node.sums for name in _also(node, parts, gone, k)}
        if more <= gone:
            return frozenset(gone)
        gone |= more


def _also(whole: Node, parts: Sequence[Node], gone: set[str], k: int) -> set[str]:
    """What else must go because of one sum."""
    if whole.name in gone:
        return {part.name for part in parts if part.count}
    left_out = [part for part in parts if part.name in gone]
    if not left_out or (len(left_out) > 1 and sum(part.count for part in left_out) >= k):
        return set()
    staying = [part for part in parts if part.name not in gone and part.count]
    # There is one: what is missing of the whole, which stays and so is no small count, must be somewhere.
    return {min(staying, key=lambda part: (part.count, part.name)).name}


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for parts in node.sums:
        for part in parts:
            yield from _walk(part)


def _check(nodes: Sequence[Node]) -> None:
    if len({node.name for node in nodes}) != len(nodes):
        raise ValueError("a name comes twice")
    for node in nodes:
        for parts in node.sums:
            if sum(part.count for part in parts) != node.count:
                raise ValueError(f"the parts of {node.name} do not add up to it")

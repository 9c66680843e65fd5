"""Which report opens a case and which joins one: by hard indicators, within a batch and with what is known.

In: the reports of a batch that need a place, each with the keys of its indicators, the case that owns each known key,
and the order in which the known cases were opened. Out: a `Plan`. Pure and deterministic; the order of the reports
changes only which report of a group opens the case, never who is together.

A key without an owner gets one here: keys that one report carries together form a group (union–find), and the group
belongs to the oldest open case that any of its reports touches, or else to a new case that its first report opens.
A report then goes to the oldest of the cases that own its keys. Cases are never merged: a report that bridges two of
them joins the older one, and the keys of the younger one stay where they are.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

from ibalagh.events.envelope import derived_id
from ibalagh.events.reports import Indicator


class Applicant(NamedTuple):
    """A report that needs a place. `version` is the report's, of the decision that refers it; `keys` by `key_of`."""

    report_id: str
    version: int
    keys: tuple[str, ...]


class Plan(NamedTuple):
    """`case_of`: report id → case id. `claims`: key → case id, for the keys that had no open owner.

    `shared`: keys that link reports, because an open case owned them or several reports of the batch carry them.
    """

    case_of: Mapping[str, str]
    claims: Mapping[str, str]
    shared: frozenset[str]


def key_of(indicator: Indicator) -> str:
    """An indicator's key, from its kind and its canonical value."""
    return hashed(f"{indicator.kind}:{indicator.value}".encode())


def hashed(indicator: bytes) -> str:
    """The key of `kind:value`: 128 bits of BLAKE2b (RFC 7693) in hex, since a link itself may exceed an index row."""
    return blake2b(indicator, digest_size=16).hexdigest()


def case_id_for(report_id: str, version: int) -> str:
    """The id of the case that this version of a report opens: UUIDv5 in the report's namespace.

    The version is in it because a report that was dismissed, and so closed its case, may be referred once more.
    """
    return derived_id(report_id, "case", str(version))


def plan(applicants: Sequence[Applicant], owners: Mapping[str, str], opened: Mapping[str, int]) -> Plan:
    """Give every applicant a case. `owners` (key → case id) counts only where `opened` (case id → order) has the case:
    pass open cases only, and a closed case's keys are free to be claimed anew."""
    carried = Counter([key for applicant in applicants for key in set(applicant.keys)])
    owned = {key: owners[key] for key in carried if owners.get(key) in opened}
    shared = frozenset([key for key, times in carried.items() if times > 1 or key in owned])
    case_of: dict[str, str] = {}
    claims: dict[str, str] = {}
    together: list[Applicant] = []
    for applicant in applicants:
        report_id, version, keys = applicant
        if shared.isdisjoint(keys):
            case_of[report_id] = own = case_id_for(report_id, version)
            claims.update(dict.fromkeys(keys, own))
        else:
            together.append(applicant)
    _place(together, owned, opened, case_of, claims)
    return Plan(case_of, claims, shared)


def _place(
    together: Sequence[Applicant],
    owned: Mapping[str, str],
    opened: Mapping[str, int],
    case_of: dict[str, str],
    claims: dict[str, str],
) -> None:
    """Add to `case_of` and `claims` the reports that share keys with others, or with an open case."""
    groups = _Groups()
    # Each applicant with one of its free keys, which stands for all of them: they are joined into one group.
    linked = [
        (applicant, groups.join_all([key for key in applicant.keys if key not in owned])) for applicant in together
    ]
    case_of_group = _cases_of_groups(linked, owned, opened, groups)
    for applicant, free_key in linked:
        if free_key is not None:
            case_of[applicant.report_id] = case_of_group[groups.find(free_key)]
        else:
            case_of[applicant.report_id] = min((owned[key] for key in applicant.keys), key=opened.__getitem__)
        claims.update({key: case_of_group[groups.find(key)] for key in applicant.keys if key not in owned})


def _cases_of_groups(
    linked: Sequence[tuple[Applicant, str | None]],
    owned: Mapping[str, str],
    opened: Mapping[str, int],
    groups: "_Groups",
) -> dict[str, str]:
    """The case of each group of free keys, by the group's root."""
    oldest: dict[str, str] = {}
    openers: dict[str, Applicant] = {}
    for applicant, free_key in linked:
        if free_key is None:
            continue
        root = groups.find(free_key)
        openers.setdefault(root, applicant)
        for key in applicant.keys:
            case = owned.get(key)
            if case is not None and (root not in oldest or opened[case] < opened[oldest[root]]):
                oldest[root] = case
    return {root: oldest.get(root) or case_id_for(opener.report_id, opener.version) for root, opener in openers.items()}


class _Groups:
    """Union–find over keys, with path halving."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def find(self, key: str) -> str:
        parent = self._parent
        root = parent.setdefault(key, key)
        while root != parent[root]:
            parent[root] = parent[parent[root]]
            root = parent[root]
        return root

    def join_all(self, keys: Sequence[str]) -> str | None:
        """Put keys into one group; one of them, or None when there are none."""
        if not keys:
            return None
        root = self.find(keys[0])
        for key in keys[1:]:
            self._parent[self.find(key)] = root
        return keys[0]

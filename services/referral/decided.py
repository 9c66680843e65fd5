"""The rows that a batch needs, and what is decided: what `store` gathers for `batch`, and gets back to write."""

from collections.abc import Collection, Mapping, Sequence, Set
from typing import Any, NamedTuple

from ibalagh.events.envelope import Data, Event
from ibalagh.events.vocabulary import SuspectState
from services.referral.history import Entry
from services.referral.model import Case, Membership
from services.referral.rearranging import Pair


class Snapshot(NamedTuple):
    """The rows that a batch touches, its cases locked. By report id, case id, key, case id and reference. Whatever a
    case is merged into is among them; and, where a command is about cases, all that is merged into these. `proposals`:
    who proposed to merge which cases; `staying`: by a split's command, the keys that the reports carry which it leaves.
    """

    memberships: Mapping[str, Membership]
    cases: Mapping[str, Case]
    owners: Mapping[str, str]
    suspects: Mapping[str, Mapping[str, SuspectState]]
    answered: Collection[str]
    proposals: Mapping[Pair, str] = {}
    staying: Mapping[str, Set[str]] = {}


class Answer(NamedTuple):
    """How a command ended; `code` is None when it was applied."""

    command_id: str
    code: str | None
    detail: Mapping[str, Any]


class Claim(NamedTuple):
    """A key for a case; `previous` is the closed case that had it, None for a key that was never seen."""

    key: str
    case_id: str
    previous: str | None


class Decided(NamedTuple):
    """What to publish and what to write. `marked`: those of the cases of which there is more to write than what nearly
    every change concerns; `proposals`: (case that stays, other one, who proposes the merge)."""

    effects: Sequence[Event[Data]]
    new_cases: Sequence[Case]
    changed_cases: Sequence[Case]
    claims: Sequence[Claim]
    new_memberships: Sequence[Membership]
    changed_memberships: Sequence[Membership]
    suspects: Sequence[tuple[str, str, SuspectState]]
    history: Sequence[Entry]
    answers: Sequence[Answer]
    marked: Sequence[Case] = ()
    proposals: Sequence[tuple[str, str, str]] = ()

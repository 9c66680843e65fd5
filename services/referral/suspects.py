"""The life of one suspect of a case: (state, action) → state. A case has as many of these as it has suspects. Pure.

    unknown → identified → presented
                  ↓            ↑
               searched ───────┘

Who is identified and no more is under investigation still; who was searched for and found may be presented.
"""

from collections.abc import Mapping
from typing import Final

from ibalagh.events.vocabulary import CaseAction, SuspectState

TRANSITIONS: Final[Mapping[SuspectState | None, Mapping[CaseAction, SuspectState]]] = {
    None: {CaseAction.IDENTIFY_SUSPECT: SuspectState.IDENTIFIED},
    SuspectState.IDENTIFIED: {
        CaseAction.PRESENT_SUSPECT: SuspectState.PRESENTED,
        CaseAction.ISSUE_SEARCH_NOTICE: SuspectState.SEARCHED,
    },
    SuspectState.SEARCHED: {CaseAction.PRESENT_SUSPECT: SuspectState.PRESENTED},
    SuspectState.PRESENTED: {},
}
"""By state (None for a reference that the case does not know), what each action that is possible leads to."""

ACTIONS: Final = frozenset(action for actions in TRANSITIONS.values() for action in actions)
"""The actions that concern one suspect."""


def allowed(state: SuspectState | None) -> list[CaseAction]:
    """What may be done about a suspect in a state, as far as the case allows it."""
    return list(TRANSITIONS[state])


def after(state: SuspectState | None, action: CaseAction) -> SuspectState | None:
    """Where an action leads; None where it is not possible."""
    return TRANSITIONS[state].get(action)

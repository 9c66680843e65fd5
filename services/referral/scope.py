"""Whose cases somebody sees, and what they may do: a police service's, a prosecutor's office's, all, or none. Pure."""

from typing import Final, NamedTuple

from ibalagh.events.vocabulary import CaseAction


class Scope(NamedTuple):
    """The service or the prosecutor's office (codes of the competence table) that somebody works for; neither sees
    nothing. `everything`: the platform's operator and its own programs."""

    service: str | None = None
    prosecutor: str | None = None
    everything: bool = False

    def may(self, action: CaseAction) -> bool:
        """Whether this is an action for whoever works there."""
        return self.everything or action in (_OF_A_PROSECUTOR if self.prosecutor else _OF_A_SERVICE)


EVERYTHING: Final = Scope(everything=True)
NOTHING: Final = Scope()

_OF_BOTH: Final = frozenset({CaseAction.REROUTE, CaseAction.CLOSE})
_OF_A_PROSECUTOR: Final = _OF_BOTH | {CaseAction.INSTRUCT}
_OF_A_SERVICE: Final = frozenset(CaseAction) - {CaseAction.INSTRUCT}

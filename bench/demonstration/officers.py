"""What officers and prosecutors do to the cases: accept, pass on, investigate, name suspects. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from bench.scenario.model import Fate, SuspectPlan

ACCEPT_EVERY: Final = 4
"""One case in so many is accepted besides those that end with a suspect."""
ACTOR: Final = "officer-demo"
PASSED_ON: Final = 6
"""So many cases are declined and re-routed to another service before they are accepted."""
_END_OF: Final = {Fate.PRESENTED: "present_suspect", Fate.SEARCHED: "issue_search_notice"}


def actions(cases: Sequence[Mapping[str, Any]], plans: Mapping[str, Sequence[SuspectPlan]]) -> Iterator[dict[str, Any]]:
    """All actions, those of one case together and in order. `plans`: case id → its suspects."""
    services = sorted({case["service"] for case in cases if case.get("service")})
    passed_on = 0
    for number, case in enumerate(cases):
        suspects = plans.get(case["case_id"], ())
        steps: list[dict[str, Any]] = []
        if suspects:
            steps = _investigation(suspects)
        elif number % ACCEPT_EVERY == 0:
            elsewhere = next((service for service in services if service != case.get("service")), None)
            if passed_on < PASSED_ON and elsewhere is not None:
                passed_on += 1
                steps = _passed_on(elsewhere)
            else:
                steps = [{"action": "accept"}]
        for step in steps:
            yield {"case_id": case["case_id"], "version": None, "actor": ACTOR, **step}


def _passed_on(service: str) -> list[dict[str, Any]]:
    return [
        {"action": "decline", "reason": "not_our_territory", "service": service},
        {"action": "reroute", "service": service, "reason": "not_our_territory"},
        {"action": "accept"},
    ]


def _investigation(suspects: Sequence[SuspectPlan]) -> list[dict[str, Any]]:
    """Accept, open the investigation, then what becomes of each suspect, in the order of time."""
    first = min(suspect.identified_at for suspect in suspects)
    events: list[tuple[datetime, int, dict[str, Any]]] = [
        (first - timedelta(minutes=2), 0, {"action": "accept"}),
        (first - timedelta(minutes=1), 0, {"action": "open_investigation"}),
    ]
    for suspect in suspects:
        named = {"suspect_ref": suspect.suspect_ref}
        events.append((suspect.identified_at, 1, {"action": "identify_suspect", **named}))
        if suspect.fate in _END_OF:
            events.append((suspect.ended_at, 2, {"action": _END_OF[suspect.fate], **named}))
    events.sort(key=lambda event: event[:2])
    return [{**step, "occurred_at": moment.isoformat()} for moment, _, step in events]

"""Explanations over HTTP: why the policy in use takes a report for what it does, with places in its text.

Asks for the bearer token. Refusals: 401, 404 `unknown_report`, 503 `no_text` while the log cannot be read.
"""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends

from ibalagh.storage.postgres import Database
from ibalagh.web.problems import Problem
from services.triage import desk_store, store
from services.triage.access import Access
from services.triage.decide import Embedder
from services.triage.explain import Explanation, explain_decision
from services.triage.http import ReportId, Texts
from services.triage.policy import Policy
from services.triage.reviews import State, machine_decision


def view(explanation: Explanation) -> dict[str, Any]:
    """An explanation as JSON; a place is the first character and the first one after."""
    lead = explanation.lead
    return explanation._asdict() | {
        "lead": lead._asdict() | {"total": sum(lead), "decisive": lead.decisive},
        "rules": [each._asdict() for each in explanation.rules],
        **{name: [each._asdict() for each in getattr(explanation, name)] for name in ("heat", "against", "features")},
    }


def routes(
    access: Access,
    database: Database,
    texts: Texts,
    policy: Callable[[], Policy],
    second: Embedder | None = None,
) -> APIRouter:
    """The route under `/v1`, over the policy in use. `second` is asked about reports that the machine decided with a
    second opinion."""
    router = APIRouter(prefix="/v1", dependencies=[Depends(access)])

    @router.get("/reports/{report_id}/explanation")
    def show_explanation(report_id: ReportId) -> dict[str, Any]:
        """Why the policy in use decides as it does: rules and features with their places in the text, what was
        decisive. `stands` is the decision that holds, which a person or another version of the policy may have
        taken; `second_opinion` whether one is in the explanation, as in the machine's decision, or why not."""
        shown = store.one(database, report_id)
        if shown is None:
            raise Problem(404, "unknown_report", "No such report")
        received = texts.report_at(shown.source)
        if received is None:
            raise Problem(503, "no_text", "The text cannot be read now")
        decision = shown.item.report.decision
        stands = {
            "category": decision.category.value,
            "policy": decision.policy,
            "by": "person" if shown.item.state is State.DECIDED else "machine",
        }
        reviewed = [each.reviewed for each in desk_store.versions(database, report_id)]
        machine = machine_decision(shown.item.report, reviewed)
        explanation = explain_decision(received, machine, policy(), second)
        return {"report_id": report_id, "stands": stands, **view(explanation)}

    return router

"""The queue: filters in its address, pages, who holds what, what is new from reporters, and the way to the next."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from pydantic import ValidationError

from ibalagh.events.vocabulary import Category, Channel, Urgency, Variety
from ibalagh.web.problems import invalid
from ibalagh.web.roles import Permission
from services.triage import bulk_store, claim_store, desk_store, store, wellbeing_store
from services.triage.campaigns import store as campaigns_store
from services.triage.console.office import Notice, Office
from services.triage.filters import Files, Filter, Held, Mark
from services.triage.http import place, place_of
from services.triage.reviews import State

PAGE_REPORTS = 50
MOST_COUNTED = 10_000
"""A filtered list is counted no further."""
_SELECTIONS = 3
"""So many of a person's latest decisions about many reports are at hand, to be looked at or taken back."""
AGES_H = (1, 6, 24, 72, 168)


class QueuePages:
    """The list, and the next report."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def add_routes(self, router: APIRouter) -> None:
        """Add the routes."""
        router.add_api_route("/", self.queue, methods=["GET"], dependencies=self._office.readers())
        router.add_api_route("/next", self.next, methods=["POST"])

    def queue(
        self,
        request: Request,
        notice: Notice = "",
        after: Annotated[str | None, Query(max_length=120)] = None,
    ) -> Response:
        """A page of the queue."""
        office = self._office
        person = office.reader(request)
        wanted = wanted_of(request)
        now = office.clock()
        page = store.queue(
            office.database, wanted, limit=PAGE_REPORTS + 1, after=place(after or None), person=person, now=now
        )
        more = len(page) > PAGE_REPORTS
        page = page[:PAGE_REPORTS]
        ids = [each.item.report.report_id for each in page]
        chosen = wellbeing_store.choices(office.database, person)
        return office.render(
            "queue.html",
            request,
            person=person,
            waiting=store.count_open(office.database),
            queue=page,
            between=desk_store.between(office.database, ids, now),
            campaigns=campaigns_store.shown(office.database, ids),
            bulks=bulk_store.by(office.database, person, _SELECTIONS),
            mine=claim_store.held_by(office.database, person, now),
            following=place_of(page[-1]) if more else None,
            matching=store.count(office.database, wanted, most=MOST_COUNTED + 1, person=person, now=now),
            most_counted=MOST_COUNTED,
            wanted=wanted,
            stated=wanted.stated(),
            filtered=bool(wanted.stated()),
            lists={
                "state": list(State),
                "category": list(Category),
                "urgency": [str(int(each)) for each in reversed(Urgency)],
                "variety": list(Variety),
                "channel": list(Channel),
                "older_h": [str(each) for each in AGES_H],
                "held": list(Held),
                "mark": list(Mark),
                "files": list(Files),
            },
            first_page=after is None,
            news=store.news(office.database, limit=PAGE_REPORTS),
            day=wellbeing_store.day(office.database, person, chosen, now),
            keys=chosen.keys,
            sees_models=office.may(request, Permission.MODELS_READ),
            notice=notice,
        )

    def next(self, request: Request, form_token: Annotated[str, Form(max_length=200)] = "") -> Response:
        """Take the next report and go to it."""
        person = self._office.actor(request, form_token)
        return self._office.onward(request, person, "")


def wanted_of(request: Request) -> Filter:
    """The filter in an address. Raises `Problem` 422."""
    try:
        return Filter.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise invalid(error) from None

"""What a person chose about what they are shown: before what to ask, what to keep away, how blurred and how grey."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from pydantic import BaseModel, Field

from ibalagh.events.vocabulary import Category
from services.triage import wellbeing_store
from services.triage.console.office import Notice, Office
from services.triage.wellbeing import Choices


class ChoicesForm(BaseModel):
    """The form; a box that is not ticked is not sent."""

    form_token: str = Field("", max_length=200)
    ask_first: list[Category] = Field([], max_length=len(Category))
    keep_away: list[Category] = Field([], max_length=len(Category))
    keys: bool = False
    blur: int = Field(ge=0, le=3)
    grey: int = Field(ge=0, le=3)
    break_after_min: int = Field(ge=10, le=240)
    most_hard: int = Field(ge=1, le=500)


class ChoicePages:
    """The page of a person's choices."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def add_routes(self, router: APIRouter) -> None:
        """Add the routes."""
        router.add_api_route("/choices", self.show, methods=["GET"], dependencies=self._office.readers())
        router.add_api_route("/choices", self.choose, methods=["POST"])

    def show(self, request: Request, notice: Notice = "") -> Response:
        """The choices as they are, and the day's meter."""
        office = self._office
        person = office.reader(request)
        chosen = wellbeing_store.choices(office.database, person)
        return office.render(
            "choices.html",
            request,
            chosen=chosen,
            day=wellbeing_store.day(office.database, person, chosen, office.clock()),
            categories=list(Category),
            notice=notice,
        )

    def choose(self, request: Request, form: Annotated[ChoicesForm, Form()]) -> Response:
        """Keep them."""
        person = self._office.actor(request, form.form_token)
        chosen = Choices.model_validate(form.model_dump(exclude={"form_token"}))
        wellbeing_store.choose(self._office.database, person, chosen)
        return self._office.pages.to("/choices", request, notice="kept")

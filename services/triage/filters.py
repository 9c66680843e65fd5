"""Which reports of the queue are wanted: a filter that lives in an address, and what it asks of a row. Pure.

In: the parameters of a query; out: the same parameters again, and those of `queue_page` and `queue_count` in
`queries.sql`. Raises pydantic's ValidationError for a value that is on no list.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ibalagh.events.vocabulary import Category, Channel, Urgency, Variety
from services.triage.entities.attached import FILE_SCHEME
from services.triage.reviews import State

OF_A_FILE: Final = f'"value":"{FILE_SCHEME}'
"""How the indicator of a file begins; no text within a report's JSON can."""
_LONGEST_H: Final = 24 * 366


class Held(StrEnum):
    """Who works on a report."""

    ME = "me"
    NOBODY = "nobody"
    OTHERS = "others"


class Mark(StrEnum):
    """What sets a report apart: a decision waits for a second person, or it was handed on."""

    PROPOSED = "proposed"
    ESCALATED = "escalated"


class Files(StrEnum):
    """Whether a report has files."""

    WITH = "with_files"


class Filter(BaseModel):
    """What is wanted; a field that is not given, or empty, leaves all."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: State = State.OPEN
    category: Category | None = None
    urgency: Urgency | None = None
    variety: Variety | None = None
    channel: Channel | None = None
    older_h: Annotated[int, Field(ge=1, le=_LONGEST_H)] | None = Field(
        None, description="Received at least so many hours ago"
    )
    held: Held | None = Field(None, description="By whom; `me` and `others` ask for a `person`")
    mark: Mark | None = None
    files: Files | None = Field(None, description="Whether files were sent with it")

    @model_validator(mode="before")
    @classmethod
    def _without_empty_fields(cls, given: Any) -> Any:
        return {name: value for name, value in given.items() if value != ""} if isinstance(given, dict) else given

    def stated(self) -> dict[str, str]:
        """The parameters of an address that asks for the same."""
        given = self.model_dump(mode="json", include=set(Filter.model_fields), exclude_defaults=True)
        return {name: str(value) for name, value in given.items()}

    def query(self) -> str:
        """The query of that address, without `?`."""
        return urlencode(self.stated())


def parameters(wanted: Filter, person: str, now: datetime) -> Mapping[str, Any]:
    """What the statements are given. A report is kept as our codec writes it, so a field's value is found as text, with
    the quotes that no string within it can hold."""
    fields = {"category": wanted.category, "variety": wanted.variety, "channel": wanted.channel}
    return {
        **{name: None if value is None else _as_written(name, value) for name, value in fields.items()},
        "state": wanted.state.value,
        "only_urgency": None if wanted.urgency is None else int(wanted.urgency),
        "received_before": None if wanted.older_h is None else now - timedelta(hours=wanted.older_h),
        "held": None if wanted.held is None else wanted.held.value,
        "mark": None if wanted.mark is None else wanted.mark.value,
        "files": None if wanted.files is None else OF_A_FILE,
        "person": person,
        "now": now,
    }


def category_patterns(categories: Iterable[Category]) -> list[str]:
    """The LIKE patterns of reports of these categories."""
    return ["%" + _as_written("category", each).replace("_", r"\_") + "%" for each in sorted(categories)]


def _as_written(name: str, value: str) -> str:
    return f'"{name}":"{value}"'

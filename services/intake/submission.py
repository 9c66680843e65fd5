"""What a reporter may send, and the rule that a refused field breaks.

In: the bytes of a JSON object; out: a `Submission`, or `InvalidSubmissionError` that names fields and rules and holds
nothing of what was sent. Rules have pydantic's own names where it has one, else those of `RULES`.

What was seen is evidence: text and links keep every character that was sent, invisible, direction and control
characters too. Two kinds nothing can store, U+0000 and surrogates without their other half; they are kept as what can
be read of them (`kept`). Whoever shows a text marks such characters (`ibalagh.web.visible`). Lines that name a
person or a place are no evidence, and take none of them.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, NamedTuple, Self, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from ibalagh.events.reports import HOME_COUNTRY, MAX_ATTACHMENTS, Country
from ibalagh.events.vocabulary import Category

MOROCCO: Final = ZoneInfo("Africa/Casablanca")
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far ahead of ours a sender's clock may be."""
MAX_BODY_BYTES: Final = 524_288
"""Room for the longest text and all the links, also when every character is written as an escape."""
MAX_LINKS: Final = 20

RULES: Final[Mapping[str, str]] = {
    "bad_json": "The body is not valid JSON in UTF-8.",
    "not_blank": "Say what you saw: the text is empty.",
    "no_control_characters": "The field holds control characters or line breaks, which are not allowed in it.",
    "not_in_future": "The time lies in the future.",
    "not_before_2000": "The time lies before the year 2000.",
    "bad_idempotency_key": "An idempotency key has 16 to 128 visible ASCII characters.",
    "bad_attachment_id": "An attachment is named by the attachment_id that POST /v1/attachments answered with.",
    "needs_token": "Only a trusted reporter who has that scope may state when a report was submitted.",
}
"""Rules of our own: their code and what is told to the sender."""

_PRESSING: Final = frozenset(
    {
        Category.TERRORISM_PRAISE,
        Category.TERRORISM_INCITEMENT_RECRUITMENT,
        Category.SEXUAL_EXPLOITATION_MINORS,
        Category.VIOLENCE_THREATS,
    }
)
_MOST_RULES: Final = 10
_OTHER_PATTERNS: Final = ("language", "origin_country")
_CONTROL: Final = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_UNKEEPABLE: Final = re.compile("[\0\ud800-\udfff]")
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_ONE_LINE: Final = rf"^[^{_CONTROL}\t\n\r]*$"


class Broken(NamedTuple):
    """A broken rule: the field (a dotted path; empty for the whole body), the rule's code, a sentence."""

    field: str
    rule: str
    detail: str


class InvalidSubmissionError(Exception):
    """A submission that breaks `rules`, of which there is at least one."""

    def __init__(self, *rules: Broken) -> None:
        super().__init__(*(each.rule for each in rules))
        self.rules = rules

    @property
    def unreadable(self) -> bool:
        """Whether the body is not JSON at all."""
        return self.rules[0].rule == "bad_json"


def _broken(rule: str) -> PydanticCustomError:
    return PydanticCustomError(rule, RULES[rule])


def kept(text: str) -> str:
    """`text` with U+0000 and lone surrogates as the six characters that JSON escapes them by: `\\u0000`, `\\ud800`."""
    try:
        text.encode()
    except UnicodeEncodeError:
        pass
    else:
        if "\0" not in text:
            return text
    return _UNKEEPABLE.sub(lambda odd: f"\\u{ord(odd[0]):04x}", text)


def _kept(value: object) -> object:
    return kept(value) if isinstance(value, str) else value


def _not_blank(text: str) -> str:
    if not text.strip():
        raise _broken("not_blank")
    return text


def _aware(time: datetime) -> datetime:
    """A time without an offset is taken as Morocco's civil time, which is what a reporter's clock shows."""
    if time.tzinfo is None:
        time = time.replace(tzinfo=MOROCCO)
    if time.year < 2000 or time.year > 9000 or time < EARLIEST:
        raise _broken("not_before_2000" if time.year <= 2000 else "not_in_future")
    return time.astimezone(UTC)


OneLine = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_ONE_LINE)]
Link = Annotated[
    str, StringConstraints(min_length=1, max_length=2_048, pattern=r"^[^\t\n\r]*$"), BeforeValidator(_kept)
]
Text = Annotated[
    str, StringConstraints(min_length=1, max_length=20_000), AfterValidator(_not_blank), BeforeValidator(_kept)
]
Time = Annotated[datetime, AfterValidator(_aware)]
AttachmentId = Annotated[str, StringConstraints(min_length=16, max_length=64, pattern=r"^[A-Za-z0-9_-]*$")]
IdempotencyKey = Annotated[str, StringConstraints(min_length=16, max_length=128, pattern=r"^[\x21-\x7e]*$")]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


B = TypeVar("B", bound=_Body)


class Identity(_Body):
    """Who the reporter is, as far as stated. It is sealed and never leaves the vault."""

    name: OneLine | None = None
    phone: OneLine | None = None
    email: OneLine | None = None
    national_id: OneLine | None = None

    @property
    def full(self) -> bool:
        """Whether the reporter counts as identified: a name and one way to be reached or recognised."""
        return self.name is not None and (self.phone or self.email or self.national_id) is not None

    def to_json(self) -> bytes:
        """What was stated, as JSON."""
        return self.__pydantic_serializer__.to_json(self, exclude_none=True)

    @property
    def empty(self) -> bool:
        """Whether nothing was stated."""
        return (self.name or self.phone or self.email or self.national_id) is None


class Submission(_Body):
    """A report as sent. Only `text` is needed; everything is bounded."""

    text: Text = Field(description="What was seen, in the reporter's own words")
    language: Annotated[str, StringConstraints(max_length=35, pattern=r"^[a-z]{2,3}(-[A-Za-z]+)?$")] | None = Field(
        None, description="BCP 47 language tag of the text, if known"
    )
    category_hint: Category | None = Field(None, description="What the reporter thinks it is; a hint")
    links: Annotated[tuple[Link, ...], Field(max_length=MAX_LINKS)] = Field((), description="Where it can be seen")
    platform: OneLine | None = Field(None, description="The site or application")
    seen_at: Time | None = Field(None, description="When it was seen; without an offset: Morocco's civil time")
    place: OneLine | None = Field(None, description="Where the reporter is: town, province or country, in words")
    origin_country: Country = Field(HOME_COUNTRY, description="Country the reporter reports from, as stated")
    identity: Identity | None = Field(None, description="Leave out to report anonymously")
    attachments: Annotated[tuple[AttachmentId, ...], Field(max_length=MAX_ATTACHMENTS)] = Field(
        (), description="Files sent before: the ids that `POST /v1/attachments` answered with, each for one report"
    )
    submitted_at: Time | None = Field(
        None, description="When the report reached a trusted reporter; accepted with a bearer token only"
    )

    @property
    def pressing(self) -> bool:
        """Whether it may be about a danger that cannot wait, as far as its sender says: it is handled first."""
        return self.category_hint in _PRESSING

    @property
    def identified(self) -> bool:
        """Whether the report counts as identified."""
        return self.identity is not None and self.identity.full

    def located(self, country: str | None) -> Self:
        """This submission from `country` (ISO 3166-1 alpha-2), unless its sender stated one; None changes nothing."""
        if country is None or "origin_country" in self.model_fields_set:
            return self
        return self.model_copy(update={"origin_country": country})

    def checked(self, now: datetime, *, trusted: bool) -> Self:
        """This submission, when its times are possible at `now` and allowed for who sent it.

        Raises `InvalidSubmissionError`.
        """
        if self.submitted_at is not None and not trusted:
            raise InvalidSubmissionError(_ours("submitted_at", "needs_token"))
        for field, time in (("submitted_at", self.submitted_at), ("seen_at", self.seen_at)):
            if time is not None and time > now + CLOCK_TOLERANCE:
                raise InvalidSubmissionError(_ours(field, "not_in_future"))
        return self


class BatchLine(Submission):
    """A line of a batch: a submission that may carry an idempotency key of its own."""

    idempotency_key: IdempotencyKey | None = Field(None, description="As the header of a single report")


class StatusQuestion(_Body):
    """The question what became of a report."""

    receipt: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_ONE_LINE)]


def parse(model: type[B], body: bytes) -> B:
    """The model that `body` holds as JSON. Raises `InvalidSubmissionError`."""
    try:
        return model.__pydantic_validator__.validate_json(body)  # type: ignore[no-any-return]
    except ValidationError as error:
        refused = refusal(error)
    if not refused.unreadable or not _SURROGATE.search(body):
        raise refused
    try:
        # The strict parser takes no lone surrogate, which the standard library's does.
        fields = json.loads(body.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise refused from None
    return parse_fields(model, fields)


def parse_fields(model: type[B], fields: Mapping[str, object]) -> B:
    """The model of a form's fields. Raises `InvalidSubmissionError`."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise refusal(error) from None


def refusal(error: ValidationError) -> InvalidSubmissionError:
    """A validation's problems, by field and rule; of many, the first ones."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return InvalidSubmissionError(*(_rule_of(problem) for problem in problems[:_MOST_RULES]))


def _rule_of(problem: ErrorDetails) -> Broken:
    field = kept(".".join(str(step)[:50] for step in problem["loc"]))
    rule = problem["type"]
    if rule == "json_invalid":
        return _ours("", "bad_json")
    if field == "idempotency_key":
        return _ours(field, "bad_idempotency_key")
    if field.startswith("attachments.") and rule.startswith("string_"):
        return _ours(field, "bad_attachment_id")
    if rule == "string_unicode" or (rule == "string_pattern_mismatch" and field not in _OTHER_PATTERNS):
        return _ours(field, "no_control_characters")
    return Broken(field, rule, problem["msg"])


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _ours(field: str, rule: str) -> Broken:
    return Broken(field, rule, RULES[rule])

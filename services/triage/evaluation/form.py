"""The form of labelled reports: JSON Lines, an object a line, for training and for evaluation alike.

`{"id","lang","text","category","urgent","minor_involved","closed_messenger","entities":{"urls","phones","handles",
"emails","amounts":[{"value","currency"}],"ibans","crypto"},"place","campaign"}`; docs/triage.md says what each means.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ibalagh.events.vocabulary import Category

Messenger = Literal["telegram", "whatsapp", "viber", "skype", "signal", "messenger"]
Language = Literal["ar", "ary", "ary-Latn", "fr", "en", "es"]


class Amount(BaseModel):
    """A sum: value in the currency's main unit, ISO 4217 code (or BTC, USDT and the like)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    currency: str


class Entities(BaseModel):
    """Whatever is in the text, whoever owns it: URLs without scheme, `www.` and final slash, phones in E.164, handles
    in lower case without `@`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    urls: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    amounts: tuple[Amount, ...] = ()
    ibans: tuple[str, ...] = ()
    crypto: tuple[str, ...] = ()


class Labelled(BaseModel):
    """A report and what is true of it. Reports of one `campaign` are about the same act."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    lang: Language
    text: str
    category: Category
    urgent: bool
    minor_involved: bool
    closed_messenger: Messenger | None
    entities: Entities = Field(default_factory=Entities)
    place: str | None
    campaign: str | None


def parse(lines: Iterable[str], name: str) -> Iterator[Labelled]:
    """The reports of the lines of a file called `name`. Raises ValueError, with the line and the field, for a line that
    is none."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield Labelled.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            field = ".".join(map(str, first["loc"])) or "line"
            raise ValueError(f"{name}, line {number}: {field}: {first['msg']}") from None

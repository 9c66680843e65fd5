"""The machine's decisions about reports: a pure function of the reports and the policy."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np

from ibalagh.events.reports import ANSWERS, Amount, Attachment, Indicator, ReportReceivedV1, ReportTriagedV1
from ibalagh.events.vocabulary import Category, Disposition, Messenger, Variety
from services.triage.entities import extract
from services.triage.entities.attached import with_files
from services.triage.entities.surroundings import Surroundings, surroundings
from services.triage.links.likeness import key_of_text
from services.triage.links.sketch import sketches
from services.triage.model.linear import (
    Floats,
    category_inputs,
    opinion_columns,
    probability,
    urgent_inputs,
)
from services.triage.normalise import join, read, words
from services.triage.places import Gazetteer, Place, province_of
from services.triage.policy import Policy
from services.triage.ruling import Ruling, Voices
from services.triage.taxonomy import Weighed
from services.triage.variety import guess

_AT_A_TIME: Final = 100
_ANSWERS: Final = ANSWERS.encode()


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
    @property
    def attachments(self) -> tuple[Attachment, ...]: ...


class Judged(NamedTuple):
    """What the machine makes of a report; the decision is the ruling with the province."""

    variety: Variety
    ruling: Ruling
    province: str | None
    indicators: tuple[Indicator, ...]
    surroundings: Surroundings
    text_key: str | None
    sketch: str | None


class Heard(NamedTuple):
    """What some reports say before any model is asked: enough for another model to rule on them too. `own` are the
    reporters' own words, folded; `embeddings` are there where a second opinion was asked for."""

    weighed: list[Weighed]
    hints: list[Category | None]
    own: Sequence[bytes]
    embeddings: Floats | None


class Embedder(Protocol):
    """Who is asked for a second opinion."""

    def __call__(self, texts: Sequence[str]) -> Floats:
        """The sentence embeddings of texts, rows × dimensions; some hundredths of a second each."""


def decide(report: ReportReceivedV1, policy: Policy, second: Embedder | None = None) -> ReportTriagedV1:
    """What the report is about, how urgent, where, and what identifies the act. Total: no text raises; linear in it."""
    ((variety, ruling, province, indicators, around, text_key, sketch),) = judge_all([report], policy, second)
    return ReportTriagedV1(
        report_id=report.report_id,
        facts=report.facts,
        variety=variety,
        decision=ruling.decision(province),
        indicators=indicators,
        closed_messenger=None if around.closed_messenger is None else Messenger(around.closed_messenger),
        minor_involved=around.minor_involved,
        place=around.place_name,
        nexus=around.nexus,
        amounts=tuple(Amount(value=value, currency=currency) for value, currency in around.amounts),
        text_key=text_key,
        sketch=sketch,
    )


def judge_all(
    reports: Sequence[Report],
    policy: Policy,
    second: Embedder | None = None,
    listen: Callable[[Heard], object] | None = None,
) -> list[Judged]:
    """As `decide`, for a batch of reports, in their order. `second`, if given, is asked about each; `listen` is told
    what was heard of all of them, in order, some at a time."""
    judged: list[Judged] = []
    for start in range(0, len(reports), _AT_A_TIME):
        judged += _judge_some(reports[start : start + _AT_A_TIME], policy, second, listen)
    return judged


def rule(heard: Heard, policy: Policy) -> list[Ruling]:
    """The rulings of a policy on what was heard. The policies that rule on the same have the same rules."""
    opinion = None if heard.embeddings is None else opinion_columns(policy.model.second, heard.embeddings)
    return policy.judge.rule(_voices(heard.weighed, heard.hints, policy.model.margins(heard.own), policy, opinion))


def _judge_some(
    reports: Sequence[Report],
    policy: Policy,
    second: Embedder | None,
    listen: Callable[[Heard], object] | None,
) -> list[Judged]:
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
    own = [
        fold_own(each.encoded) if _ANSWERS in each.encoded else text
        for text, each in zip(folded, extracted, strict=True)
    ]
    known = _hear(reports, folded, own, policy, second)
    rulings = rule(known, policy)
    if listen is not None:
        listen(known)
    heard = list(map(policy.signals.hear, folded))
    around = [
        _with_minor(surroundings(cleaned, told, each.mentions), ruling)
        for (cleaned, _), told, each, ruling in zip(texts, heard, extracted, rulings, strict=True)
    ]
    keys = [
        key_of_text(text) if ruling.base.disposition is Disposition.REVIEW else None
        for text, ruling in zip(folded, rulings, strict=True)
    ]
    sketched = iter(sketches([text for text, key in zip(folded, keys, strict=True) if key is not None]))
    return [
        Judged(
            guess(said, report.language),
            ruling,
            _province(policy.gazetteer, report.place, told.places),
            with_files(each.indicators, report.attachments) if report.attachments else each.indicators,
            surrounding,
            key,
            None if key is None else next(sketched),
        )
        for said, report, ruling, told, each, surrounding, key in zip(
            spoken, reports, rulings, heard, extracted, around, keys, strict=True
        )
    ]


def own_words(text: str) -> str:
    """What a reporter wrote of a text, without the answers to a form's questions."""
    return text.partition(ANSWERS)[0]


def fold_own(encoded: bytes) -> bytes:
    """`own_words` of an encoded text, folded."""
    return join(words(encoded.partition(_ANSWERS)[0]))


def fold_alone(text: str) -> bytes:
    """A text as rules and model see it, of a report of which nothing else is known."""
    return join(words(extract(*read(text), (), None).encoded))


def _hear(
    reports: Sequence[Report],
    folded: Sequence[bytes],
    own: Sequence[bytes],
    policy: Policy,
    second: Embedder | None,
) -> Heard:
    """What folded texts say. The model reads the reporters' `own` words alone: it knows no answers to a form."""
    weighed = [policy.taxonomy.weigh(found) for found in map(policy.matcher.find, folded)]
    embeddings = None if second is None else second([own_words(report.text) for report in reports])
    return Heard(weighed, [report.category_hint for report in reports], own, embeddings)


def _voices(
    weighed: list[Weighed], hints: list[Category | None], margins: Floats, policy: Policy, opinion: Floats | None
) -> Voices:
    joints = policy.model if opinion is None else policy.model.second
    scores = np.stack([each.scores for each in weighed])
    levels = np.array([each.urgency for each in weighed], np.int64)
    return Voices(
        weighed,
        hints,
        joints.category(category_inputs(margins, scores, opinion)),
        probability(joints.urgent(urgent_inputs(margins, levels, opinion))),
        opinion is not None,
    )


def _with_minor(around: Surroundings, ruling: Ruling) -> Surroundings:
    """The act itself says that there is a minor, whatever the words."""
    if around.minor_involved or ruling.base.category is not Category.SEXUAL_EXPLOITATION_MINORS:
        return around
    return around._replace(minor_involved=True)


def _province(gazetteer: Gazetteer, place: str | None, told: Sequence[Place]) -> str | None:
    code = gazetteer.of_place(place) if place else None
    return province_of(told) if code is None and told else code

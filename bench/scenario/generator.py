"""From figures and a seed to a scenario: counts exactly as the figures say, everything else drawn."""

from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from bench.scenario import people
from bench.scenario.calendar import Calendar
from bench.scenario.campaigns import Campaign, draw_campaigns, indicator_for
from bench.scenario.figures import Figures
from bench.scenario.indicators import Indicator, Kind, Mint, mistyped_iban, spell, spell_for_links
from bench.scenario.model import Scenario, ScenarioReport, Truth
from bench.scenario.outcomes import plan_outcomes
from bench.scenario.texts import AL_QAEDA, ARABIC_SCRIPT, ISIS, Told, Variety, compose
from ibalagh.events.vocabulary import Category

_AT_HOME: Final = {
    Variety.DARIJA_AR: 28,
    Variety.MSA: 20,
    Variety.DARIJA_LATN: 18,
    Variety.FR: 26,
    Variety.EN: 4,
    Variety.ES: 4,
}
_ABROAD: Final = {
    Variety.DARIJA_AR: 12,
    Variety.MSA: 12,
    Variety.DARIJA_LATN: 12,
    Variety.FR: 32,
    Variety.EN: 14,
    Variety.ES: 18,
}
_LANGUAGE: Final = {Variety.FR: "fr", Variety.EN: "en", Variety.ES: "es"}
_URGENT_SHARE: Final = {
    Category.SEXUAL_BLACKMAIL: 0.12,
    Category.VIOLENCE_THREATS: 0.25,
    Category.INCITEMENT_AGAINST_PERSONS: 0.15,
    Category.TERRORISM_INCITEMENT_RECRUITMENT: 0.1,
}
_VAGUE_SHARE = 0.04
_INDICATOR_SHARE = 0.45
_HINT_SHARE = 0.35
_RIGHT_HINT_SHARE = 0.82
_PLATFORMS: Final = {
    "facebook": (30, ("Facebook", "facebook.com", "فيسبوك")),
    "instagram": (20, ("Instagram", "instagram", "انستغرام")),
    "whatsapp": (25, ("WhatsApp", "whatsapp", "واتساب")),
    "tiktok": (10, ("TikTok", "tiktok")),
    "telegram": (6, ("Telegram", "تلغرام")),
    "snapchat": (4, ("Snapchat", "snapchat")),
    "youtube": (3, ("YouTube", "youtube.com")),
    "messenger": (2, ("Messenger",)),
}
"""Key of the phrase books → (weight, what people write into the form's field)."""
_BARE_SITES: Final = ("https://www.facebook.com/", "facebook.com", "https://www.instagram.com")


@dataclass(frozen=True, slots=True)
class _Act:
    """What a report is about before anyone writes it down."""

    category: Category
    organisation: str | None
    campaign: Campaign | None
    identified: bool = False
    abroad: bool = False


def generate(figures: Figures, seed: int) -> Scenario:
    """The scenario of `figures` for `seed`: the same arguments give the same scenario, byte for byte."""
    rng = Random(seed)
    mint = Mint(rng)
    calendar = Calendar(figures.first_day, figures.last_day)
    acts = _draw_acts(rng, mint, calendar, figures)
    rng.shuffle(acts)
    identified = set(rng.sample(range(len(acts)), figures.identified))
    abroad = set(rng.sample(range(len(acts)), figures.abroad))
    acts = [replace(act, identified=place in identified, abroad=place in abroad) for place, act in enumerate(acts)]
    reports = [_write(rng, mint, calendar, act) for act in acts]
    reports.sort(key=lambda report: report.body["submitted_at"])
    return Scenario(figures, reports, plan_outcomes(rng, figures, reports))


def _draw_acts(rng: Random, mint: Mint, calendar: Calendar, figures: Figures) -> list[_Act]:
    counts = figures.by_category
    campaigns = draw_campaigns(rng, mint, calendar, counts)
    acts = [_Act(each.category, None, each) for each in campaigns for _ in range(each.size)]
    for each in campaigns:
        counts[each.category] -= each.size
    for category, count in counts.items():
        naming_isis = figures.naming_isis if category is Category.TERRORISM_PRAISE else 0
        acts += [_Act(category, ISIS, None)] * naming_isis
        other = AL_QAEDA if category in figures.terrorism else None
        acts += [_Act(category, other if rng.random() < 0.15 else None, None) for _ in range(count - naming_isis)]
    return acts


def _write(rng: Random, mint: Mint, calendar: Calendar, act: _Act) -> ScenarioReport:
    """One report as a person would send it, and the truth about it."""
    varieties = _ABROAD if act.abroad else _AT_HOME
    variety = rng.choices(list(varieties), list(varieties.values()))[0]
    if act.campaign is None:
        moment = calendar.moment(rng)
    else:
        moment = calendar.moment_after(rng, act.campaign.start, 2 + act.campaign.size / 4)
    body: dict[str, Any] = {"submitted_at": moment.isoformat()}
    place, province = _place(rng, body, variety, act.abroad)
    urgent = rng.random() < _URGENT_SHARE.get(act.category, 0)
    indicator = _indicator(rng, mint, act)
    platform = indicator.platform if indicator is not None else None
    if platform is None:
        platform = rng.choices(list(_PLATFORMS), [weight for weight, _ in _PLATFORMS.values()])[0]
    kind, spelled = _spelled(rng, body, indicator, variety in ARABIC_SCRIPT)
    body["text"] = compose(
        rng,
        variety,
        Told(
            category=act.category,
            platform=platform,
            organisation=act.organisation,
            urgent=urgent,
            vague=act.organisation is None and rng.random() < _VAGUE_SHARE,
            kind=kind,
            spelled=spelled,
            place=place,
        ),
    )
    _optional_fields(rng, body, act, variety)
    if kind is Kind.HANDLE or rng.random() < 0.25:  # who names an account says where it is
        body["platform"] = rng.choice(_PLATFORMS[platform][1])
    if act.identified:
        body["identity"] = people.identity(rng)
    elif rng.random() < 0.05:
        body["identity"] = people.half_identity(rng)
    number = None if act.campaign is None else act.campaign.number
    return ScenarioReport(body, Truth(act.category, act.organisation, urgent, number, province))


def _indicator(rng: Random, mint: Mint, act: _Act) -> Indicator | None:
    """The hard indicator that the report names, if it names one: its campaign's, or one of its own."""
    if act.campaign is not None:
        return act.campaign.indicator
    if rng.random() >= _INDICATOR_SHARE:
        return None
    indicator = indicator_for(mint, act.category)
    if indicator.kind is Kind.IBAN and rng.random() < 0.3:
        return Indicator(Kind.IBAN, mistyped_iban(rng, indicator.value))
    return indicator


def _spelled(
    rng: Random, body: dict[str, Any], indicator: Indicator | None, arabic: bool
) -> tuple[Kind | None, str | None]:
    """What is written into the text; a link may go to the form's own field instead, and so into `body`."""
    if indicator is None:
        return None, None
    if indicator.kind is Kind.LINK and rng.random() < 0.35:
        body["links"] = [spell_for_links(rng, indicator.value)]
        if rng.random() < 0.1:
            body["links"].append(rng.choice(_BARE_SITES))
        return None, None
    return indicator.kind, spell(rng, indicator, arabic)


def _place(rng: Random, body: dict[str, Any], variety: Variety, abroad: bool) -> tuple[str | None, str | None]:
    """The place that the text names and its province; the form's field and the country go into `body`."""
    if abroad:
        body["origin_country"], town = people.country_and_city(rng)
        province = None
    else:
        if rng.random() < 0.3:
            body["origin_country"] = "MA"
        french, arabic, province = people.towns(rng, 1)[0]
        town = arabic if variety in ARABIC_SCRIPT else french
    where = rng.random()
    if where < 0.3:
        body["place"] = town
        return None, province
    if where < 0.5:
        return town, province
    if where < 0.6:
        body["place"] = town
        return town, province
    return None, None


def _optional_fields(rng: Random, body: dict[str, Any], act: _Act, variety: Variety) -> None:
    """What the form offers beside the text and few people fill in."""
    if rng.random() < 0.5:
        body["language"] = _LANGUAGE.get(variety, "ar")
    if rng.random() < 0.2:
        body["seen_at"] = body["submitted_at"]
    if rng.random() < _HINT_SHARE:
        right = rng.random() < _RIGHT_HINT_SHARE
        body["category_hint"] = (act.category if right else rng.choice(list(Category))).value

"""Texts of reports in six varieties, composed from the phrase books beside this module (`texts/<variety>.yaml`)."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from random import Random
from typing import Final

import yaml

from bench.scenario.indicators import Kind
from bench.scenario.noise import disturb, emoji
from ibalagh.events.vocabulary import Category

ISIS: Final = "isis"
AL_QAEDA: Final = "al_qaeda"
_BOOKS: Final = Path(__file__).with_name("texts")
_INDICATOR_PLACE = "\x01"  # stands for the indicator until the noise is done: a typo there would break a campaign


class Variety(StrEnum):
    """The phrase books, by the name of their file."""

    MSA = "msa"
    DARIJA_AR = "darija_ar"
    DARIJA_LATN = "darija_latn"
    FR = "fr"
    EN = "en"
    ES = "es"


ARABIC_SCRIPT: Final = frozenset({Variety.MSA, Variety.DARIJA_AR})
_SWITCHES: Final = {
    Variety.MSA: (Variety.DARIJA_AR, Variety.FR),
    Variety.DARIJA_AR: (Variety.MSA, Variety.DARIJA_LATN, Variety.FR),
    Variety.DARIJA_LATN: (Variety.FR, Variety.DARIJA_AR),
    Variety.FR: (Variety.DARIJA_LATN, Variety.MSA),
    Variety.EN: (Variety.DARIJA_LATN, Variety.FR),
    Variety.ES: (Variety.DARIJA_LATN, Variety.FR),
}
"""Which other variety slips into a text's greeting or end."""


@dataclass(frozen=True, slots=True)
class Book:
    """The phrases of one variety: the parts of every text, the words for the slots, a list of frames per category."""

    openings: list[str]
    closings: list[str]
    place_lines: list[str]
    indicators: dict[Kind, list[str]]
    urgent: list[str]
    vague: list[str]
    platforms: dict[str, list[str]]
    slots: dict[str, list[str]]
    frames: dict[Category, list[str]]


@dataclass(frozen=True, slots=True)
class Told:
    """What one text says. `platform` is a key of the phrase books, `place` a town's name, `organisation` a key such
    as `isis`, named in terrorism reports only; `spelled` is the indicator as written. None leaves a thing out.
    A `vague` text gives no sign of its category."""

    category: Category
    platform: str
    organisation: str | None = None
    urgent: bool = False
    vague: bool = False
    kind: Kind | None = None
    spelled: str | None = None
    place: str | None = None


@cache
def book(variety: Variety) -> Book:
    """The phrase book of `variety`. Raises KeyError or ValueError when its file lacks a part."""
    raw = yaml.safe_load((_BOOKS / f"{variety.value}.yaml").read_text(encoding="utf-8"))
    slots = ("when", "relation", "item", "sum", "org_isis", "org_other", "org_none")
    return Book(
        openings=raw["openings"],
        closings=raw["closings"],
        place_lines=raw["place_lines"],
        indicators={Kind(kind): lines for kind, lines in raw["indicators"].items()},
        urgent=raw["urgent"],
        vague=raw["vague"],
        platforms=raw["platforms"],
        slots={name: raw[name] for name in slots},
        frames={Category(name): frames for name, frames in raw["frames"].items()},
    )


def compose(rng: Random, variety: Variety, told: Told) -> str:
    """One report's text in `variety`, saying what is `told`, with the noise of a person in a hurry."""
    own = book(variety)
    arabic = variety in ARABIC_SCRIPT
    core = rng.choice(own.vague if told.vague else own.frames[told.category])
    words = _slot_words(rng, own, told)
    pieces = [core.format_map(words)]
    if told.spelled is not None and told.kind is not None:
        pieces.append(rng.choice(own.indicators[told.kind]).format(i=_INDICATOR_PLACE, platform=words["platform"]))
    if told.place is not None:
        pieces.append(rng.choice(own.place_lines).replace("{place}", told.place))
    if told.urgent:
        pieces.append(rng.choice(own.urgent))
    if len(pieces) > 1 and rng.random() < 0.2:
        rng.shuffle(pieces)
    other = book(rng.choice(_SWITCHES[variety])) if rng.random() < 0.12 else own
    if rng.random() < 0.6:
        pieces.insert(0, rng.choice(other.openings))
    if rng.random() < 0.6:
        pieces.append(rng.choice(other.closings))
    joint = rng.choice(("، ", ". ", " ", "\n", "... ") if arabic else (". ", ". ", ", ", " ", "\n", " ... "))
    text = joint.join(disturb(rng, piece, arabic) for piece in pieces)
    if rng.random() < 0.15:
        text += " " + emoji(rng)
    elif rng.random() < 0.4:
        text += rng.choice((".", "!!!", "!", " ?", "...."))
    return text.replace(_INDICATOR_PLACE, told.spelled or "")


def _slot_words(rng: Random, own: Book, told: Told) -> dict[str, str]:
    words = {name: choices[int(rng.random() * len(choices))] for name, choices in own.slots.items()}
    words["platform"] = rng.choice(own.platforms[told.platform])
    if told.organisation == ISIS:
        words["org"] = words["org_isis"]
    else:
        words["org"] = words["org_other" if told.organisation == AL_QAEDA else "org_none"]
    words["sum"] = words["sum"].replace("{n}", str(rng.randrange(2, 160) * 50))
    return words

"""What analysts, who know the truth about their reports, decide about what the machine made of them. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bench.scenario.model import Truth
from ibalagh.events.vocabulary import Category

CONFIRMED: Final = "analyst_agrees"
ANALYST: Final = "analyst-demo"
SECOND: Final = "analyst-demo-2"
"""Who agrees where two people are needed."""
READ_OTHERWISE: Final = "analyst_reads_otherwise"


@dataclass(slots=True)
class Score:
    """How the machine did: right alone, put before a person (of these: confirmed), corrected after it had decided."""

    right_alone: int = 0
    to_review: int = 0
    review_confirmed: int = 0
    corrected_later: int = 0
    wrong_by_category: dict[str, int] = field(default_factory=dict)


def is_right(item: Mapping[str, Any], truth: Truth) -> bool:
    """Whether the machine's category, and the organisation where it is told, are the true ones."""
    if item["category"] != truth.category.value:
        return False
    return "organisation" not in item or item["organisation"] == truth.organisation


def decision(item: Mapping[str, Any], truth: Truth) -> list[dict[str, Any]]:
    """The commands that put one report right, or confirm it, on the version that the analyst saw: one, or two of
    different people about the sexual exploitation of minors."""
    command: dict[str, Any] = {"report_id": item["report_id"], "version": item["version"], "reviewer": ANALYST}
    if is_right(item, truth):
        command |= {"action": "confirm", "reason": CONFIRMED}
    else:
        command |= {
            "action": "reclassify",
            "category": truth.category.value,
            "organisation": truth.organisation,
            "reason": READ_OTHERWISE,
        }
    if Category.SEXUAL_EXPLOITATION_MINORS in (truth.category, item["category"]):
        return [command, command | {"reviewer": SECOND}]
    return [command]


def decide_queue(queue: Iterable[Mapping[str, Any]], truths: Mapping[str, Truth], score: Score) -> list[dict[str, Any]]:
    """Decisions about every open review of a known report; counts them into `score`."""
    decisions: list[dict[str, Any]] = []
    for item in queue:
        truth = truths.get(item["report_id"])
        if truth is None:
            continue
        made = decision(item, truth)
        score.to_review += 1
        score.review_confirmed += made[0]["action"] == "confirm"
        decisions += made
    return decisions


def check_decided(
    reports: Iterable[Mapping[str, Any]], truths: Mapping[str, Truth], reviewed: set[str], score: Score
) -> list[dict[str, Any]]:
    """Corrections of what the machine decided alone and wrongly; `reviewed` are the reports that a person decided."""
    corrections: list[dict[str, Any]] = []
    for item in reports:
        truth = truths.get(item["report_id"])
        if truth is None or item["report_id"] in reviewed:
            continue
        if is_right(item, truth):
            score.right_alone += 1
            continue
        score.corrected_later += 1
        wrong = f"{truth.category.value} read as {item['category']}"
        score.wrong_by_category[wrong] = score.wrong_by_category.get(wrong, 0) + 1
        corrections += decision(item, truth)
    return corrections

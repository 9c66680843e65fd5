"""Reads the rule files into checked values: what is misspelled in a file fails here, at start, with the file's name."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field

from ibalagh.events.vocabulary import Category, Urgency, Variety

FOLDER: Final = Path(__file__).parent
Patterns = Mapping[Variety, tuple[str, ...]]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Concept(_Strict):
    """An idea and the words for it. `negatable`: a negation right before the word takes it back."""

    negatable: bool = False
    patterns: Patterns


class Rule(_Strict):
    """When all of `all` and none of `none` are in the text, `weight` speaks for `category`."""

    name: str
    category: Category
    weight: Annotated[float, Field(gt=0, le=5)]
    all: tuple[str, ...]
    none: tuple[str, ...] = ()


class UrgencyRule(_Strict):
    """When all of `all` are in the text, the report is at least as urgent as `level`."""

    name: str
    level: Urgency
    all: tuple[str, ...]


class RuleSet(_Strict):
    """All rules: concepts by name, rules in the order of the files, organisations by name."""

    concepts: Mapping[str, Concept]
    rules: tuple[Rule, ...]
    urgency: tuple[UrgencyRule, ...]
    organisations: Mapping[str, Patterns]
    negators: Patterns


ORGANISATION: Final = "organisation"
"""The concept that holds whenever any organisation is named."""


def load(folder: Path = FOLDER) -> RuleSet:
    """Reads every YAML file of the folder, in the order of names. Raises ValueError for what is wrong with one."""
    concepts: dict[str, Any] = {}
    rules: list[Any] = []
    urgency: list[Any] = []
    organisations: dict[str, Any] = {}
    negators: dict[str, Any] = {}
    for path in sorted(folder.glob("*.yaml")):
        part = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        for name, body in part.pop("concepts", {}).items():
            if name in concepts:
                raise ValueError(f"{path.name}: concept {name} is declared twice")
            negatable = body.pop("negatable", False)
            concepts[name] = {"negatable": negatable, "patterns": body}
        rules += part.pop("rules", [])
        urgency += part.pop("urgency", [])
        organisations |= part.pop("organisations", {})
        negators |= part.pop("negators", {})
        if part:
            raise ValueError(f"{path.name}: unknown parts {sorted(part)}")
    rule_set = RuleSet.model_validate(
        {
            "concepts": concepts,
            "rules": rules,
            "urgency": urgency,
            "organisations": organisations,
            "negators": negators,
        }
    )
    _check_names(rule_set)
    return rule_set


def _check_names(rule_set: RuleSet) -> None:
    known = {*rule_set.concepts, ORGANISATION}
    names: set[str] = set()
    for name, needed in _uses(rule_set):
        if name in names:
            raise ValueError(f"rule {name} is declared twice")
        names.add(name)
        for concept in needed:
            if concept not in known:
                raise ValueError(f"rule {name} needs the unknown concept {concept}")


def _uses(rule_set: RuleSet) -> Iterator[tuple[str, tuple[str, ...]]]:
    for rule in rule_set.rules:
        yield rule.name, rule.all + rule.none
    for urgency_rule in rule_set.urgency:
        yield urgency_rule.name, urgency_rule.all

"""The policy: the versioned thresholds (`policy.yaml`) and, compiled once, everything that a decision depends on."""

from pathlib import Path
from typing import Annotated, Final, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field

from services.triage.entities.signals import Signals
from services.triage.model import files
from services.triage.model.linear import Model
from services.triage.places import Gazetteer
from services.triage.rules.matcher import Matcher
from services.triage.rules.source import load as load_rules
from services.triage.ruling import Judge, Thresholds
from services.triage.taxonomy import Taxonomy

FILE: Final = Path(__file__).with_name("policy.yaml")


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}\.\d+$")]
    thresholds: Thresholds


class Rules(NamedTuple):
    """The compiled rules: which concepts a text holds, and what they say."""

    matcher: Matcher
    taxonomy: Taxonomy


class Policy(NamedTuple):
    """What `decide` needs; `version`, of the policy and of the model, goes into every decision."""

    version: str
    matcher: Matcher
    taxonomy: Taxonomy
    model: Model
    judge: Judge
    gazetteer: Gazetteer
    signals: Signals


def load(file: Path = FILE, model_file: Path = files.FILE) -> Policy:
    """Reads and compiles the policy, in about half a second and 60 MB. Raises ValueError for a file that is wrong."""
    checked = _File.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    rules = compiled_rules()
    model = files.load(model_file)
    version = f"{checked.version}+{model.version}"
    judge, gazetteer = Judge(checked.thresholds, version), Gazetteer()
    return Policy(version, *rules, model, judge, gazetteer, Signals(gazetteer))


def with_model(policy: Policy, model: Model) -> Policy:
    """The same policy with another model, in its version too."""
    version = f"{policy.version.partition('+')[0]}+{model.version}"
    return policy._replace(version=version, model=model, judge=Judge(policy.judge.thresholds, version))


def compiled_rules() -> Rules:
    """The committed rules. Raises ValueError for a file that is wrong."""
    rule_set = load_rules()
    matcher = Matcher(rule_set)
    return Rules(matcher, Taxonomy(rule_set, matcher))

"""The committed list of what many innocents have in common (`shared.yaml`), read once."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict


class Shared(BaseModel):
    """See the file for what each list means; names are lower case."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shared: frozenset[str]
    hosts: frozenset[str]
    platforms: Mapping[str, tuple[str, ...]]
    generic: frozenset[str]
    handles: frozenset[str]
    hotlines: tuple[str, ...]
    common_names: frozenset[str]
    tracking: frozenset[str]
    ambiguous_suffixes: frozenset[str]


@cache
def shared() -> Shared:
    """The list. Raises pydantic's ValidationError when the file does not fit the model."""
    path = Path(__file__).with_name("shared.yaml")
    return Shared.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))

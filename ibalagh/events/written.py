"""Data of an event that is JSON already: for events that nearly every report causes, where a model would cost most.

In: the bytes that the event's model would write, letter for letter; out: what codec and packer take for data. Tests
hold those who write so to the models.
"""

from functools import lru_cache
from typing import Final, NamedTuple, cast

from pydantic_core import to_json

from ibalagh.events.envelope import Data

_new: Final = tuple.__new__


class _Json(NamedTuple):
    json: bytes


class Written(_Json):
    """JSON in the place of a model. Nobody but codec and packer sees an effect's data."""

    __slots__ = ()

    def to_json(self) -> bytes:
        """See `Data`."""
        return self.json


Said = tuple[str, Data]
"""The type of an event and its data, written."""


def written(json: bytes) -> Data:
    """JSON as data."""
    return cast(Data, _new(Written, (json,)))  # half the cost of calling the class


@lru_cache(maxsize=4_096)
def text_json(text: str | None) -> bytes:
    """A text as JSON. Remembered, for names of places and organisations: they come again and again, and from a wire."""
    return to_json(text)

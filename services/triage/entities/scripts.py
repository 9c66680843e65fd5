"""Links whose host is written to be taken for another: letters of several scripts in one name, or a name all of whose
foreign letters look Latin (after Unicode Technical Standard 39, sections 4 and 5, much simplified).

In: a link as an indicator holds it, its host in IDNA form. Out: what the host reads like, and why it is suspicious: a
hint to the analyst, no reason for the machine. Names in one script, Arabic ones too, are nobody's concern.
"""

import unicodedata
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

_ACE: Final = "xn--"
_CJK: Final = frozenset({"LATIN", "CJK", "IDEOGRAPHIC"})
_TOGETHER: Final = (_CJK | {"HIRAGANA", "KATAKANA"}, _CJK | {"HANGUL"}, _CJK | {"BOPOMOFO"})
"""Scripts that one name may hold: those that Japanese, Korean and Chinese are written with."""
_LIKE_LATIN: Final = frozenset("аеорсухѕіјһԁԛԝӏԍαικνορυχ")
"""Cyrillic and Greek letters that few readers tell from a Latin one."""


class Why(StrEnum):
    """Why a link is suspicious."""

    MIXED_SCRIPT = "mixed_script_link"
    LOOKALIKE = "lookalike_link"


class Suspicion(NamedTuple):
    """What a link's host reads like, in Unicode, and why that is suspicious."""

    reads: str
    why: Why


@lru_cache(maxsize=4_096)
def suspicion(link: str) -> Suspicion | None:
    """The suspicion about a link without its scheme, `xn--….example/path`; None where there is none."""
    host = link.partition("/")[0].partition("?")[0].partition(":")[0]
    if _ACE not in host:
        return None
    labels = [_decoded(label) for label in host.split(".")]
    found = [why for why in map(_why, labels) if why is not None]
    return Suspicion(".".join(labels), min(found, key=list(Why).index)) if found else None


def _decoded(label: str) -> str:
    if not label.startswith(_ACE):
        return label
    try:
        return label.removeprefix(_ACE).encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def _why(label: str) -> Why | None:
    letters = [char for char in label if char.isalpha()]
    scripts = {_script(char) for char in letters}
    if len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER):
        return Why.MIXED_SCRIPT
    return Why.LOOKALIKE if letters and _LIKE_LATIN.issuperset(letters) else None


def _script(letter: str) -> str:
    """The script of a letter, which is the first word of its name in Unicode's own list."""
    return unicodedata.name(letter, "UNKNOWN").replace("-", " ").partition(" ")[0]

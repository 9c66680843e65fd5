"""Account names that are written without an @: `chf_7ay_98`, `compte insta nadia.shop88`.

An underscore inside a word is nobody's spelling of a word. A full stop is, where a space was forgotten; so a name with
full stops must be announced as an account, stand in a text of other letters, or have several parts and no end of a
domain. The words are in `handles.yaml`.
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict

from services.triage.normalise import normalise

LOOK_BACK: Final = 4
"""Words before a name that are asked whether they announce it."""
_NEAR: Final = 2
_SHORTEST_PART: Final = 2
_NAME: Final = re.compile(r"(?<![\w.#@/-])(?:[^\W_]|_(?=\w))[\w.-]{2,58}\w(?![\w@/])")
_ASCII_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_LOWER_NAME: Final = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z0-9_-]+", re.ASCII)
_TWO_PARTS: Final = re.compile(r"[a-z][a-z0-9]{2,}\.[a-z][a-z0-9]{2,}", re.ASCII)
_NO_NAME: Final = re.compile(
    r"(?:\w\.)+\w?|.*\.\..*|[\d.,_-]+(?:[a-z€$]{0,4}|درهم|ألف|الف|يورو|اورو|مليون)"
    r"|.*\.(?:jpe?g|png|gif|pdf|docx?|xlsx?|mp[34]|apk|zip|rar|exe|txt|avi|mov|html?|php|webp)",
    re.I,
)
"""Abbreviations, dots, figures with their unit, names of files."""
_ARABIC: Final = re.compile("[\u0600-\u06ff]")
_AROUND: Final = "'\"«».,;:!?()[]،؛؟…"
_HOME_END: Final = "ma"


class _Words(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    ends: str
    no_names: str
    second_level: str
    pages: str
    accounts: str
    announcers: str
    first_words: str
    last_words: str


@cache
def _words() -> dict[str, frozenset[str]]:
    """The lists by name, folded. Raises pydantic's ValidationError when the file does not fit the model."""
    path = Path(__file__).with_name("handles.yaml")
    words = _Words.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    return {name: frozenset(map(normalise, line.split())) for name, line in words}


@lru_cache(maxsize=8_192)
def _fold(word: str) -> tuple[str, ...]:
    return tuple(normalise(word).split())


def _any_of(name: str, before: Sequence[str]) -> bool:
    """Whether one of some words is in the list of that name."""
    listed = _words()[name]
    return any(not listed.isdisjoint(_fold(word)) for word in before)


def name_in(word: str, before: Sequence[str]) -> str | None:
    """The account name in a word, lower case, given the words before it; None where none is."""
    for match in _NAME.finditer(word):
        name = match[0].rstrip(".-")
        inside = "_" in name.strip("_")
        if inside or ("_" in name and ("." in name or _any_of("announcers", before))):
            if any(char.isalpha() for char in name):
                return name.lower()
        elif "." in name and _is_dotted_name(name, (*before, *re.split(r"[:=]", word.partition(name)[0]))):
            return name.lower()
    return None


def _is_dotted_name(name: str, before: Sequence[str]) -> bool:
    if not _ASCII_NAME.fullmatch(name) or _NO_NAME.fullmatch(name):
        return False
    if _any_of("announcers", before):
        return True
    parts = name.split(".")
    if not _LOWER_NAME.fullmatch(name) or max(map(len, parts)) <= _SHORTEST_PART:
        return False
    is_odd = len(parts) > _SHORTEST_PART or any(char.isdigit() for char in name)
    return is_odd or any(_ARABIC.search(said) for said in before[-1:])


def is_rather_a_name(host: str, before: Sequence[str]) -> bool:
    """Whether what could be a bare domain is an account's name: by an underscore, which no domain has, by its end, or
    by what is said right before it."""
    if "/" in host or "?" in host:
        return False
    if "_" in host:
        return True
    labels, near = host.split("."), before[-_NEAR:]
    if labels[-1] in _words()["no_names"] or "-" in host or _any_of("pages", near):
        return False
    if labels[-1] in _words()["ends"] or _any_of("accounts", near):
        return True
    return labels[-1] == _HOME_END and len(labels) > _NEAR and labels[-2] not in _words()["second_level"]


@lru_cache(maxsize=8_192)
def may_be_a_name(word: str) -> str | None:
    """The account name that a word with one full stop is, unless a sentence ends or begins at that stop and only the
    space is missing."""
    name = word.strip(_AROUND)
    if not _TWO_PARTS.fullmatch(name) or _NO_NAME.fullmatch(name):
        return None
    first, _, second = name.partition(".")
    return None if first in _words()["last_words"] or second in _words()["first_words"] else name

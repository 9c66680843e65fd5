"""Accounts and e-mail addresses in canonical form.

An account is `platform:name` where the platform is told, else `name`; lower case, without the @.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from ibalagh.events.reports import Indicator
from ibalagh.events.vocabulary import IndicatorKind
from services.triage.entities.mention import Kind, Mention
from services.triage.entities.shared import shared
from services.triage.normalise import normalise

_EMAIL: Final = re.compile(
    r"[a-z0-9](?:[a-z0-9._+-]{0,62}[a-z0-9_])?@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(?![a-z0-9])", re.I
)
_HANDLE: Final = re.compile(r"(?<![A-Za-z0-9_.@])@([A-Za-z0-9_][A-Za-z0-9_.]{1,28}[A-Za-z0-9_])(?![A-Za-z0-9_@])")
_PLATFORM_NAMES: Final[Mapping[str, str]] = {
    "facebook": "facebook fb face messenger فيسبوك فايسبوك الفيسبوك الفايسبوك فيس ماسنجر",
    "instagram": "instagram insta ig انستغرام انستجرام إنستغرام أنستغرام انستا انستكرام",
    "tiktok": "tiktok tik tok تيكتوك التيكتوك تيك توك",
    "x": "x twitter تويتر",
    "snapchat": "snapchat snap سناب سنابشات",
    "telegram": "telegram tg تيليغرام تلغرام تليجرام تيلغرام",
    "youtube": "youtube يوتيوب اليوتيوب",
    "whatsapp": "whatsapp watsap whatsap wtsp واتساب الواتساب واتس وتساب",
}
_PLATFORM_OF: Final = {normalise(word): name for name, words in _PLATFORM_NAMES.items() for word in words.split()}


@lru_cache(maxsize=4_096)
def platform(stated: str | None) -> str | None:
    """The platform that a reporter means, by its short name; None where it is none that we know."""
    words = normalise(stated or "").split()
    return next((_PLATFORM_OF[word] for word in words if word in _PLATFORM_OF), None)


def account(name: str, of_platform: str | None) -> Indicator | None:
    """The indicator of an account name, with or without @; None for what is nobody's account."""
    plain = name.lstrip("@").lower()
    if not plain or plain in shared().handles:
        return None
    return Indicator(kind=IndicatorKind.HANDLE, value=f"{of_platform}:{plain}" if of_platform else plain)


def named(name: str, of_platform: str | None) -> Mention | None:
    """The account of a name as it is noted, lower case and without @; None for nobody's."""
    indicator = account(name, of_platform)
    return None if indicator is None else Mention(Kind.HANDLE, name.lstrip("@").lower(), indicator)


@lru_cache(maxsize=4_096)
def handle(token: str, of_platform: str | None) -> Mention | None:
    """The account that is written with an @ in a word."""
    match = _HANDLE.search(token)
    return None if match is None else named(match[1], of_platform)


@lru_cache(maxsize=4_096)
def email(token: str) -> Mention | None:
    """The e-mail address in a word, lower case; no indicator is one of an institution that all have in common."""
    match = _EMAIL.search(token)
    if match is None:
        return None
    address = match[0].lower()
    labels = address.rpartition("@")[2].split(".")
    is_shared = any(".".join(labels[start:]) in shared().shared for start in range(len(labels) - 1))
    indicator = None if is_shared else Indicator(kind=IndicatorKind.EMAIL, value=address)
    return Mention(Kind.EMAIL, address, indicator)

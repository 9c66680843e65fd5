"""Dead letters: records that could not be handled, kept whole, with where they were read and why they were refused.

A dead letter has the record's own key, value (null stays null) and headers, and after these seven headers of ours in
fixed order, so that what came in can be told apart from what was added, whatever headers it had:
`dl_reason`, `dl_topic`, `dl_partition`, `dl_offset`, `dl_consumer`, `dl_time`, `dl_replays`
(how often it was replayed). A replayed record carries `dl_replays` as its last header.

That a letter was replayed is itself a record in the dead letters: null, with the one header `dl_replayed` =
`partition:offset` of the letter, written in the same transaction as the replay; so each letter is replayed once, in
whatever order, and the topic tells all.
"""

from datetime import datetime
from typing import NamedTuple

from ibalagh.stream.ports import Headers, Outgoing, Record

_NAMES = ("dl_reason", "dl_topic", "dl_partition", "dl_offset", "dl_consumer", "dl_time", "dl_replays")
_REPLAYED = "dl_replayed"
MAX_REPLAYS = 3
"""How often a record is replayed before the tool refuses: what failed three times is no accident of the day."""


class DeadLetter(NamedTuple):
    """A dead letter as read: `key`, `value`, `headers` are the original record's, `offset` and the like its origin.

    `at` is the dead letter's own place in its topic (topic, partition, offset); `time` is when it was refused.
    """

    at: tuple[str, int, int]
    reason: str
    topic: str
    partition: int
    offset: int
    consumer: str
    time: str
    replays: int
    key: bytes | None
    value: bytes | None
    headers: Headers


def dead_letter(record: Record, reason: str, topic: str, consumer: str, now: datetime) -> Outgoing:
    """The dead letter of `record`, for the dead-letter `topic` (full name); `consumer` is the group that refused it."""
    original, replays = _split_replays(record.headers)
    values = (reason, record.topic, record.partition, record.offset, consumer, now.isoformat(), replays)
    added = [(name, str(value).encode()) for name, value in zip(_NAMES, values, strict=True)]
    return Outgoing(topic, record.key, record.value, [*original, *added])


def parse(record: Record) -> DeadLetter:
    """Read a dead letter. Raises ValueError when the record is none."""
    added = record.headers[-len(_NAMES) :]
    if tuple(name for name, _ in added) != _NAMES:
        raise ValueError(f"{record.topic}[{record.partition}]@{record.offset} is not a dead letter")
    reason, topic, partition, offset, consumer, time, replays = ((value or b"").decode() for _, value in added)
    return DeadLetter(
        at=(record.topic, record.partition, record.offset),
        reason=reason,
        topic=topic,
        partition=int(partition),
        offset=int(offset),
        consumer=consumer,
        time=time,
        replays=int(replays),
        key=record.key,
        value=record.value,
        headers=record.headers[: -len(_NAMES)],
    )


def replay(letter: DeadLetter) -> Outgoing:
    """The original record, for its source topic, marked as replayed once more.

    Raises ValueError when it was replayed `MAX_REPLAYS` times already.
    """
    if letter.replays >= MAX_REPLAYS:
        raise ValueError(f"replayed {letter.replays} times already and refused again each time")
    mark = ("dl_replays", str(letter.replays + 1).encode())
    return Outgoing(letter.topic, letter.key, letter.value, [*letter.headers, mark])


def replayed_marker(letter: DeadLetter) -> Outgoing:
    """The record that says that `letter` was replayed, for the letter's own topic."""
    topic, partition, offset = letter.at
    return Outgoing(topic, None, None, [(_REPLAYED, b"%d:%d" % (partition, offset))])


def replayed_by(record: Record) -> tuple[int, int] | None:
    """Partition and offset of the letter that `record` marks as replayed; None when it is no marker."""
    if len(record.headers) != 1 or record.headers[0][0] != _REPLAYED:
        return None
    partition, _, offset = (record.headers[0][1] or b"").partition(b":")
    return int(partition), int(offset)


def _split_replays(headers: Headers) -> tuple[Headers, int]:
    """The headers without the mark that `replay` left, and the count in it."""
    if headers:
        name, value = headers[-1]
        if name == "dl_replays" and value is not None and value.isdigit():
            return headers[:-1], int(value)
    return headers, 0

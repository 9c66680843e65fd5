"""`ibalagh deadletters list | show | replay`: what the services could not handle, and putting it back.

In: the dead-letter topics. Out: tables on standard output, with nothing of a record's value; with `replay`, the
original records on their source topics. Exit code 0: done; 1: not, said in a sentence on standard error.
"""
# ruff: noqa: T201 - a command's output is what it prints

import argparse
import hashlib
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ibalagh.contracts.codec import Codec
from ibalagh.events.registry import SERVICES, dead_letter_topic
from ibalagh.ops.settings import Settings
from ibalagh.stream.deadletters import MAX_REPLAYS, DeadLetter, parse, replay, replayed_by, replayed_marker
from ibalagh.stream.errors import AbortableError, FatalStreamError, PassingError, UnknownOutcomeError
from ibalagh.stream.kafka import KafkaTransactionalProducer, read_topic
from ibalagh.stream.ports import Record, TransactionalProducer

READ_TIMEOUT_S = 15.0
_SHOWN_HEADER_BYTES = 120
_REPLAYS_PER_TRANSACTION = 100


class Letters(NamedTuple):
    """One service's dead letters in the order of the topic, and the places of those that were replayed."""

    letters: Sequence[DeadLetter]
    replayed: frozenset[tuple[int, int]]

    def waiting(self) -> list[DeadLetter]:
        """Those not replayed yet."""
        return [letter for letter in self.letters if letter.at[1:] not in self.replayed]


def gather(records: Iterable[Record]) -> Letters:
    """Sort a dead-letter topic's records into letters and markers. Raises ValueError for a record that is neither."""
    letters: list[DeadLetter] = []
    replayed: set[tuple[int, int]] = set()
    for record in records:
        place = replayed_by(record)
        if place is None:
            letters.append(parse(record))
        else:
            replayed.add(place)
    return Letters(letters, frozenset(replayed))


def read_letters(bootstrap: str, codec: Codec, service: str) -> Letters:
    """One service's dead letters as they are now. Raises what `read_topic` and `gather` raise."""
    return gather(read_topic(bootstrap, codec.topic(dead_letter_topic(service)), READ_TIMEOUT_S))


def replay_letters(producer: TransactionalProducer, letters: Sequence[DeadLetter]) -> None:
    """Put letters back, each in one transaction with the marker that says so."""
    for start in range(0, len(letters), _REPLAYS_PER_TRANSACTION):
        part = letters[start : start + _REPLAYS_PER_TRANSACTION]
        producer.begin()
        producer.produce([record for letter in part for record in (replay(letter), replayed_marker(letter))])
        producer.commit()


def main(argv: Sequence[str]) -> int:
    """Carry the command out; the exit code."""
    arguments = _parser().parse_args(argv)
    settings = Settings()
    codec = Codec(settings.topic_prefix)

    def read(service: str) -> Letters:
        return read_letters(settings.kafka_bootstrap, codec, service)

    def producer(service: str) -> TransactionalProducer:
        name = codec.topic(f"{dead_letter_topic(service)}.replay")
        return KafkaTransactionalProducer(settings.kafka_bootstrap, name)

    try:
        if arguments.command == "list":
            return _list(read, arguments.service)
        if arguments.command == "show":
            return _show(read(arguments.service), arguments.at, arguments.raw)
        return _replay(read, producer, arguments)
    except (PassingError, FatalStreamError, AbortableError) as error:
        return _fail(f"Nothing more was done: {error}")
    except UnknownOutcomeError:
        return _fail("The broker did not answer the commit. Run the same command again: it replays nothing twice.")


def _list(read: Callable[[str], Letters], service: str | None) -> int:
    if service is not None:
        for letter in read(service).letters:
            print(_line(letter))
        return 0
    print(f"{'service':<10} {'reason':<24} {'waiting':>8} {'replayed':>9}")
    for name in SERVICES:
        letters = read(name)
        total = Counter(letter.reason for letter in letters.letters)
        waiting = Counter(letter.reason for letter in letters.waiting())
        for reason, count in sorted(total.items()):
            print(f"{name:<10} {reason:<24} {waiting[reason]:>8} {count - waiting[reason]:>9}")
    return 0


def _show(letters: Letters, at: tuple[int, int], raw: Path | None) -> int:
    letter = _find(letters, at)
    if letter is None:
        return _fail(f"There is no dead letter at {at[0]}:{at[1]}; `ibalagh deadletters list` shows where they are.")
    value = letter.value
    if raw is not None:
        if value is None:
            return _fail("Its value is null: there are no bytes to write.")
        raw.write_bytes(value)
    replayed = "yes" if at in letters.replayed else "no"
    described = "null" if value is None else f"{len(value)} bytes, SHA-256 {hashlib.sha256(value).hexdigest()}"
    print(f"reason    {letter.reason}")
    print(f"source    {letter.topic} {letter.partition}:{letter.offset}")
    print(f"consumer  {letter.consumer}")
    print(f"time      {letter.time}")
    print(f"replays   {letter.replays} before this one; replayed since: {replayed}")
    print(f"key       {_shown(letter.key)}")
    print(f"value     {described}")
    for name, header in letter.headers:
        print(f"header    {name!a} {_shown(header)}")
    return 0


def _replay(
    read: Callable[[str], Letters],
    producer_of: Callable[[str], TransactionalProducer],
    arguments: argparse.Namespace,
) -> int:
    """The producer comes first: it fences a replay that runs at the same time, whose markers are then final."""
    producer = None
    if not arguments.dry_run:
        producer = producer_of(arguments.service)
        producer.prepare()
    try:
        letters = read(arguments.service)
        chosen = list(_chosen(letters, arguments.at, arguments.reason))
        tired = [letter for letter in chosen if letter.replays >= MAX_REPLAYS]
        ready = [letter for letter in chosen if letter.replays < MAX_REPLAYS]
        for letter in ready:
            print(_line(letter))
        if producer is not None:
            replay_letters(producer, ready)
    finally:
        if producer is not None:
            producer.close()
    print(f"{'would replay' if arguments.dry_run else 'replayed'} {len(ready)}", file=sys.stderr)
    if tired:
        places = ", ".join(f"{letter.at[1]}:{letter.at[2]}" for letter in tired)
        return _fail(f"Refused, replayed {MAX_REPLAYS} times already: {places}. Find the cause first (`show`).")
    return 0


def _chosen(letters: Letters, places: Sequence[tuple[int, int]], reason: str | None) -> Iterator[DeadLetter]:
    for letter in letters.waiting():
        if (not places or letter.at[1:] in places) and (reason is None or letter.reason == reason):
            yield letter


def _find(letters: Letters, at: tuple[int, int]) -> DeadLetter | None:
    return next((letter for letter in letters.letters if letter.at[1:] == at), None)


def _line(letter: DeadLetter) -> str:
    _, partition, offset = letter.at
    size = "null" if letter.value is None else f"{len(letter.value)} B"
    source = f"{letter.topic} {letter.partition}:{letter.offset}"
    return f"{partition}:{offset:<8} {letter.time}  {letter.reason:<24} {source}  {size}  replays {letter.replays}"


def _shown(value: bytes | None) -> str:
    """Bytes as ASCII, so that nothing in them can act on a terminal."""
    if value is None:
        return "null"
    more = "…" if len(value) > _SHOWN_HEADER_BYTES else ""
    return f"{value[:_SHOWN_HEADER_BYTES]!r}{more}"


def _fail(text: str) -> int:
    print(text, file=sys.stderr)
    return 1


def _place(text: str) -> tuple[int, int]:
    partition, _, offset = text.partition(":")
    return int(partition), int(offset)


_place.__name__ = "PARTITION:OFFSET"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ibalagh deadletters", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="counts by service and reason; with a service, each letter")
    listing.add_argument("service", nargs="?", choices=SERVICES)
    show = commands.add_parser("show", help="where a letter comes from; its value only by size and hash")
    show.add_argument("service", choices=SERVICES)
    show.add_argument("at", type=_place, metavar="PARTITION:OFFSET")
    show.add_argument("--raw", type=Path, metavar="FILE", help="write the original value to a file")
    again = commands.add_parser("replay", help="put letters back to their source topics, each once")
    again.add_argument("service", choices=SERVICES)
    again.add_argument("at", type=_place, nargs="*", metavar="PARTITION:OFFSET", help="these only (default: all)")
    again.add_argument("--reason", help="only letters with this reason")
    again.add_argument("--dry-run", action="store_true", help="say what would be replayed")
    return parser

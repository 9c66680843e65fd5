"""The cluster's administration: topics made and altered, and what operators look at (records, groups, lag).

The only module beside `ibalagh.stream.kafka` that imports confluent_kafka. Every call raises `PassingError` when
the broker cannot be reached in time, and `TopologyError` when it refuses.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from ibalagh.stream.errors import PassingError
from ibalagh.stream.topology import Plan, Topic

TIMEOUT_S = 15.0
_PASSING = frozenset(
    {KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError.REQUEST_TIMED_OUT}
)


class TopologyError(Exception):
    """The cluster refused a change; the text says which and why."""


@dataclass(frozen=True)
class PartitionEnds:
    """First and last stable offset of a partition: `last - first` counts records and control records alike."""

    topic: str
    partition: int
    first: int
    last: int


@dataclass(frozen=True)
class GroupLag:
    """What a consumer group has still to read of one topic, in offsets, summed over its partitions.

    None: its members read the topic and have committed nothing of it, so only they know where they stand.
    """

    group: str
    topic: str
    members: int
    lag: int | None


class ClusterAdmin:
    """A connection for administration; nothing is sent before the first call."""

    def __init__(self, bootstrap: str, timeout_s: float = TIMEOUT_S) -> None:
        """`bootstrap`: `host:port,...`; `timeout_s` bounds each call."""
        self._timeout_s = timeout_s
        quiet = logging.getLogger("ibalagh.kafka.admin")
        quiet.addHandler(logging.NullHandler())
        quiet.propagate = False  # without a broker the client would repeat the same line for ever
        settings: dict[str, Any] = {"bootstrap.servers": bootstrap, "error_cb": _ignore}
        self._client = AdminClient(settings, logger=quiet)

    def names(self, prefix: str) -> list[str]:
        """The names of the topics that begin with `prefix`, sorted."""
        return sorted(name for name in self._metadata().topics if name.startswith(prefix))

    def topics(self, prefix: str) -> dict[str, Topic]:
        """The topics whose name begins with `prefix`, with all their settings."""
        metadata = self._metadata()
        names = [name for name in metadata.topics if name.startswith(prefix)]
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        settings: dict[str, dict[str, str]] = {}
        for resource, future in (self._client.describe_configs(resources) if resources else {}).items():
            settings[resource.name] = {key: str(entry.value) for key, entry in self._result(future).items()}
        return {
            name: Topic(
                name,
                len(metadata.topics[name].partitions),
                min((len(part.replicas) for part in metadata.topics[name].partitions.values()), default=0),
                settings[name],
            )
            for name in names
        }

    def apply(self, plan: Plan) -> None:
        """Carries a plan out. Raises `TopologyError` before anything is changed if the plan refuses something."""
        if plan.refused:
            raise TopologyError("\n".join(plan.refused))
        new = [NewTopic(t.name, t.partitions, t.replication, config=dict(t.settings)) for t in plan.create]
        for future in (self._client.create_topics(new) if new else {}).values():
            self._result(future)
        more = [NewPartitions(name, count) for name, count in plan.grow.items()]
        for future in (self._client.create_partitions(more) if more else {}).values():
            self._result(future)
        altered = [
            ConfigResource(
                ResourceType.TOPIC,
                name,
                incremental_configs=[
                    ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
                    for key, value in settings.items()
                ],
            )
            for name, settings in plan.alter.items()
        ]
        for future in (self._client.incremental_alter_configs(altered) if altered else {}).values():
            self._result(future)

    def brokers(self) -> int:
        """How many brokers are up."""
        return len(self._metadata().brokers)

    def in_sync_replicas(self, name: str) -> dict[int, int]:
        """For each partition of a topic, how many of its replicas are in sync."""
        partitions = self._metadata().topics[name].partitions
        return {number: len(partition.isrs) for number, partition in partitions.items()}

    def ends(self, names: Collection[str]) -> list[PartitionEnds]:
        """First and last stable offset of every partition of the topics."""
        metadata = self._metadata()
        partitions = [
            TopicPartition(name, number)
            for name in names
            if name in metadata.topics
            for number in metadata.topics[name].partitions
        ]
        first = self._offsets(partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        last = self._offsets(partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]
        return [PartitionEnds(topic, part, first[topic, part], last[topic, part]) for topic, part in sorted(last)]

    def lags(self, prefix: str) -> list[GroupLag]:
        """The lag of every consumer group that has committed offsets on topics with this prefix, or reads them now.

        A partition that is read and of which nothing was committed counts from its first offset on.
        """
        listed = self._result(self._client.list_consumer_groups())
        committed = {group.group_id: self._committed(group.group_id, prefix) for group in listed.valid}
        members = self._members([name for name, done in committed.items() if done or name.startswith(prefix)])
        read = {name: _read_now(members.get(name, ()), prefix) for name in committed}
        topics = {topic for name in committed for topic, _ in [*committed[name], *read[name]]}
        ends = {(end.topic, end.partition): end for end in self.ends(topics)}
        return [
            GroupLag(name, topic, len(members[name]), _behind(topic, committed[name], read[name], ends))
            for name in sorted(committed)
            for topic in sorted({topic for topic, _ in [*committed[name], *read[name]]})
        ]

    def _committed(self, group: str, prefix: str) -> dict[tuple[str, int], int]:
        request = [ConsumerGroupTopicPartitions(group)]
        (future,) = self._client.list_consumer_group_offsets(request, require_stable=False).values()
        return {
            (part.topic, part.partition): part.offset
            for part in self._result(future).topic_partitions
            if part.topic.startswith(prefix) and part.offset >= 0
        }

    def _members(self, groups: list[str]) -> dict[str, Sequence[Any]]:
        described = self._client.describe_consumer_groups(groups) if groups else {}
        return {group: self._result(future).members for group, future in described.items()}

    def _offsets(self, partitions: Iterable[TopicPartition], spec: OffsetSpec) -> dict[tuple[str, int], int]:
        request = dict.fromkeys(partitions, spec)
        if not request:
            return {}
        answers = self._client.list_offsets(request, isolation_level=IsolationLevel.READ_COMMITTED)
        return {(part.topic, part.partition): self._result(future).offset for part, future in answers.items()}

    def _metadata(self) -> Any:
        try:
            return self._client.list_topics(timeout=self._timeout_s)
        except KafkaException as error:
            raise _translated(error) from error

    def _result(self, future: "Future[Any]") -> Any:
        try:
            return future.result(timeout=self._timeout_s)
        except KafkaException as error:
            raise _translated(error) from error
        except TimeoutError as error:
            raise PassingError("the broker did not answer in time") from error


def _read_now(members: Iterable[Any], prefix: str) -> set[tuple[str, int]]:
    """The partitions that a group's members were given."""
    given = [part for member in members if member.assignment for part in member.assignment.topic_partitions]
    return {(part.topic, part.partition) for part in given if part.topic.startswith(prefix)}


def _behind(
    topic: str,
    committed: Mapping[tuple[str, int], int],
    read: Collection[tuple[str, int]],
    ends: Mapping[tuple[str, int], PartitionEnds],
) -> int | None:
    """The lag of one group on one topic; None where it has committed nothing and there is something to read."""
    there = [key for key in {*committed, *read} if key[0] == topic and key in ends]
    behind = sum(max(0, ends[key].last - max(committed.get(key, 0), ends[key].first)) for key in there)
    return None if behind and not any(key in committed for key in there) else behind


def _ignore(_: KafkaError) -> None:
    """The same error is raised by the call that met it."""


def _translated(error: KafkaException) -> Exception:
    cause = error.args[0]
    if cause.code() in _PASSING or cause.retriable():
        return PassingError(f"the broker cannot be reached ({cause.name()})")
    return TopologyError(cause.str())

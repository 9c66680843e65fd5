"""From the topic files to what must change on a cluster: a pure decision.

In: the topic files and what the cluster has. Out: a plan of topics to create, partitions to add, settings to alter,
and what is refused with its reason. Topics are never dropped and partitions never taken away: both lose records, so
a person does that by hand, knowing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ibalagh.contracts.topics import TopicFile

DEFAULT_REPLICATION = -1
"""The broker's own `default.replication.factor` (KIP-464)."""


@dataclass(frozen=True)
class Topic:
    """A topic as wanted or as found; the name with its prefix, the settings that the topic files govern."""

    name: str
    partitions: int
    replication: int
    settings: Mapping[str, str]


@dataclass(frozen=True)
class Plan:
    """What `apply` does, in this order. `refused` holds sentences; if there are any, nothing is to be done."""

    create: tuple[Topic, ...] = ()
    grow: Mapping[str, int] = field(default_factory=dict)
    alter: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    refused: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the cluster is already as the files say."""
        return not (self.create or self.grow or self.alter or self.refused)


def wanted_topics(files: Iterable[TopicFile], prefix: str) -> list[Topic]:
    """The topics that the files ask for, with the prefix (`ibalagh.`)."""
    return [
        Topic(
            name=prefix + file.name,
            partitions=file.partitions,
            replication=DEFAULT_REPLICATION if file.replication == "default" else file.replication,
            settings={
                "retention.ms": str(file.retention_ms),
                "cleanup.policy": file.cleanup_policy,
                "max.message.bytes": str(file.max_message_bytes),
            },
        )
        for file in files
    ]


def plan(wanted: Iterable[Topic], found: Mapping[str, Topic]) -> Plan:
    """Compares. Replication is set at creation only: moving replicas is an operator's work, so a change is refused."""
    create: list[Topic] = []
    grow: dict[str, int] = {}
    alter: dict[str, dict[str, str]] = {}
    refused: list[str] = []
    for topic in wanted:
        existing = found.get(topic.name)
        if existing is None:
            create.append(topic)
            continue
        if topic.partitions < existing.partitions:
            refused.append(
                f"{topic.name} has {existing.partitions} partitions and its file says {topic.partitions}: partitions "
                f"cannot be taken away without losing records; put {existing.partitions} into the file."
            )
        elif topic.partitions > existing.partitions:
            grow[topic.name] = topic.partitions
        if topic.replication not in (DEFAULT_REPLICATION, existing.replication):
            refused.append(
                f"{topic.name} has replication {existing.replication} and its file says {topic.replication}: reassign "
                "its replicas with Kafka's own tool, then apply again."
            )
        different = {k: v for k, v in topic.settings.items() if existing.settings.get(k) != v}
        if different:
            alter[topic.name] = different
    return Plan(tuple(create), grow, alter, tuple(refused))

"""What `topics apply` decides, without a cluster."""

from ibalagh.contracts.topics import load_topic_files
from ibalagh.stream.topology import DEFAULT_REPLICATION, Plan, Topic, plan, wanted_topics

WANTED = Topic("p.reports", 6, DEFAULT_REPLICATION, {"retention.ms": "-1", "cleanup.policy": "delete"})


def found(**changes: object) -> dict[str, Topic]:
    settings = {"retention.ms": "-1", "cleanup.policy": "delete", "segment.bytes": "1"}
    values: dict[str, object] = {
        "name": "p.reports",
        "partitions": 6,
        "replication": 1,
        "settings": settings,
        **changes,
    }
    return {"p.reports": Topic(**values)}  # type: ignore[arg-type]


def test_a_topic_that_is_missing_is_created() -> None:
    assert plan([WANTED], {}) == Plan(create=(WANTED,))


def test_a_topic_that_is_as_its_file_says_is_left_alone() -> None:
    assert plan([WANTED], found()).is_empty


def test_partitions_are_added() -> None:
    assert plan([WANTED], found(partitions=2)).grow == {"p.reports": 6}


def test_partitions_are_never_taken_away() -> None:
    refused = plan([WANTED], found(partitions=12))
    assert not refused.grow
    assert "12 partitions" in refused.refused[0]
    assert "put 12 into the file" in refused.refused[0]


def test_only_settings_that_differ_are_altered() -> None:
    existing = found(settings={"retention.ms": "1000", "cleanup.policy": "delete"})
    assert plan([WANTED], existing).alter == {"p.reports": {"retention.ms": "-1"}}


def test_the_default_replication_takes_what_the_cluster_has_and_a_number_must_be_met() -> None:
    three = Topic("p.reports", 6, 3, WANTED.settings)
    assert plan([WANTED], found(replication=3)).is_empty
    assert "replication 1" in plan([three], found(replication=1)).refused[0]


def test_a_topic_without_a_file_is_not_touched() -> None:
    assert plan([], found()).is_empty


def test_every_topic_file_becomes_a_topic_with_the_prefix() -> None:
    files = load_topic_files()
    topics = wanted_topics(files, "here.")
    assert [topic.name for topic in topics] == ["here." + file.name for file in files]
    assert all(topic.settings.keys() == {"retention.ms", "cleanup.policy", "max.message.bytes"} for topic in topics)

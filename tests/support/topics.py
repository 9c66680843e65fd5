"""Topics of a test: made without the topic files, and removed by prefix."""

from collections.abc import Mapping

from confluent_kafka.admin import AdminClient, NewTopic


def create(bootstrap: str, partitions: Mapping[str, int], replication: int = -1) -> None:
    """Creates topics by full name with so many partitions; returns when the broker has them."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    topics = [
        NewTopic(name, num_partitions=count, replication_factor=replication) for name, count in partitions.items()
    ]
    for future in admin.create_topics(topics).values():
        future.result(timeout=30)


def remove_with_prefix(bootstrap: str, prefix: str) -> None:
    """Deletes every topic whose name begins with `prefix`."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    names = [name for name in admin.list_topics(timeout=10).topics if name.startswith(prefix)]
    if names:
        for future in admin.delete_topics(names).values():
            future.result(timeout=30)

"""The hop on Quix Streams with its exactly-once guarantee, as its documentation wires a consume → produce application.

Runs in an environment of its own, since Quix Streams pins an older client than ours.
"""

from typing import Any

from quixstreams import Application, message_context  # type: ignore[import-not-found,unused-ignore]

from bench.peers.contender import Settings, triage
from ibalagh.stream.ports import Outgoing, Record


def main() -> None:
    """Run until killed."""
    settings = Settings.from_environment()
    handle = triage(settings)
    application = Application(
        broker_address=settings.bootstrap,
        consumer_group=settings.group,
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_every=5_000,
        commit_interval=1.0,
        auto_create_topics=False,
        use_changelog_topics=False,
        producer_extra_config={"compression.type": "lz4"},
        loglevel="WARNING",
    )
    source = application.topic(settings.source, key_deserializer="bytes", value_deserializer="bytes")
    target = application.topic(settings.target, key_serializer="bytes", value_serializer="bytes")

    def decide(value: bytes, key: bytes, _timestamp_ms: int, headers: Any) -> Outgoing:
        context = message_context()
        record = Record(context.topic, context.partition, context.offset, key, value, headers)
        return handle(record)

    frame = application.dataframe(source)
    frame = frame.apply(decide, metadata=True)
    frame = frame.set_headers(lambda outgoing, _key, _timestamp_ms, _headers: list(outgoing.headers))
    frame = frame.apply(lambda outgoing: outgoing.value)
    frame.to_topic(target)
    application.run()


if __name__ == "__main__":
    main()

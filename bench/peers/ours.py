"""The hop on our own loop: the same consumer, unit of work and settings that services/triage composes."""

from bench.peers.contender import Settings
from ibalagh.contracts.codec import Codec
from ibalagh.events.registry import RECEIVED, dead_letter_topic
from ibalagh.ops.collector import spare_the_collector
from ibalagh.ops.shutdown import Shutdown
from ibalagh.stream.kafka import KafkaConsumer, KafkaTransactionalProducer
from ibalagh.stream.kafka_unit import KafkaUnit
from ibalagh.stream.processor import Processor
from services.triage.handlers import Classifier
from services.triage.reported import ReportCodec


def main() -> None:
    """Run until told to stop."""
    settings = Settings.from_environment()
    spare_the_collector()
    target = Codec(settings.target_prefix)
    consumer = KafkaConsumer(settings.bootstrap, settings.group)
    classifier = Classifier.from_policy_file()
    unit = KafkaUnit(
        handle=classifier,
        codec=target,
        producer_factory=lambda: KafkaTransactionalProducer(settings.bootstrap, settings.group),
        group=consumer.group_metadata,
        dead_letter_topic=target.topic(dead_letter_topic("triage")),
        consumer_name=settings.group,
    )
    processor = Processor(
        name="hop",
        service="triage",
        topics=[RECEIVED],
        consumer=consumer,
        codec=ReportCodec(settings.source_prefix),
        unit=unit,
    )
    shutdown = Shutdown()
    shutdown.install()
    processor.run(shutdown)


if __name__ == "__main__":
    main()

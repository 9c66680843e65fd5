"""The limit of one hop: records consumed in batches and produced untouched, at least once, with the bare client."""

from confluent_kafka import Consumer, Producer

from bench.peers.contender import Settings

BATCH = 5_000


def main() -> None:
    """Run until killed."""
    settings = Settings.from_environment()
    consumer = Consumer(
        {
            "bootstrap.servers": settings.bootstrap,
            "group.id": settings.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    producer = Producer(
        {"bootstrap.servers": settings.bootstrap, "enable.idempotence": True, "compression.type": "lz4"}
    )
    consumer.subscribe([settings.source])
    while True:
        messages = consumer.consume(BATCH, 0.05)
        for message in messages:
            while True:
                try:
                    producer.produce(settings.target, message.value(), message.key(), headers=message.headers())
                    break
                except BufferError:
                    producer.poll(0.1)
        if messages:
            producer.flush()
            consumer.commit(asynchronous=False)


if __name__ == "__main__":
    main()

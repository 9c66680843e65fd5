"""Apache Kafka behind the ports of `ibalagh.stream.ports`: the only package that imports confluent_kafka.

`client` says how every client is configured and which errors mean what, `consumer` and `producers` implement the
ports, `reader` reads whole topics for tools.
"""

from ibalagh.stream.kafka.client import probe
from ibalagh.stream.kafka.consumer import KafkaConsumer
from ibalagh.stream.kafka.producers import KafkaProducer, KafkaTransactionalProducer
from ibalagh.stream.kafka.reader import read_topic

__all__ = ["KafkaConsumer", "KafkaProducer", "KafkaTransactionalProducer", "probe", "read_topic"]

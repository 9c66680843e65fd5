"""Streams: ports, the adapters for Kafka and for memory, and the consume → handle → publish loop."""

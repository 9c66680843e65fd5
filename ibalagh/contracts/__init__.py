"""The contract with the outside: the codec between events and Kafka records, and what `schemas/` is generated from."""
